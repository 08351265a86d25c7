"""The coded reasons why an image is refused or an opinion withheld.

Every room that can refuse an image speaks these codes, so that a refusal at
ingest, in the service and in a structured report reads the same. The codes are
part of the public interface: they are published in the docs, travel over gRPC
and are stored in the audit trail. A code is never renamed or reused.
"""

from enum import StrEnum


class Reason(StrEnum):
    """Why an image was refused (REJECTED) or an opinion withheld (ABSTAINED)."""

    # The bytes.
    FILE_MISSING = "file_missing"
    FILE_EMPTY = "file_empty"
    FILE_TOO_LARGE = "file_too_large"
    FILE_CHANGED = "file_changed"
    FORMAT_UNKNOWN = "format_unknown"
    TRUNCATED = "truncated"
    MALFORMED = "malformed"
    NESTED_TOO_DEEPLY = "nested_too_deeply"
    UID_INVALID = "uid_invalid"
    PREAMBLE_EXECUTABLE = "preamble_executable"
    # The pixels.
    PIXELS_MISSING = "pixels_missing"
    PIXELS_TOO_MANY = "pixels_too_many"
    PIXELS_UNDECODABLE = "pixels_undecodable"
    TRANSFER_SYNTAX_UNSUPPORTED = "transfer_syntax_unsupported"
    MULTI_FRAME = "multi_frame"
    DECODING_TOO_SLOW = "decoding_too_slow"
    DECODING_TOO_LARGE = "decoding_too_large"
    DECODER_CRASHED = "decoder_crashed"
    # What the picture shows.
    KIND_UNKNOWN = "kind_unknown"
    KIND_WRONG = "kind_wrong"
    VIEW_UNSUPPORTED = "view_unsupported"
    SECONDARY_CAPTURE = "secondary_capture"
    FOR_PROCESSING = "for_processing"
    TOO_SMALL = "too_small"
    BLANK = "blank"
    SATURATED = "saturated"
    BLURRED = "blurred"
    BURNED_IN_TEXT = "burned_in_text"
    RETINA_NOT_FOUND = "retina_not_found"
    TISSUE_NOT_FOUND = "tissue_not_found"
    # The reference standard.
    LABEL_MISSING = "label_missing"
    LABEL_CONFLICT = "label_conflict"
    # The model's own limits (always ABSTAINED, never REJECTED).
    UNLIKE_TRAINING = "unlike_training"
    OUTPUT_NOT_FINITE = "output_not_finite"

    @property
    def advice(self) -> str:
        """One sentence that says what the sender can do about it."""
        return _ADVICE[self]


_ADVICE = {
    Reason.FILE_MISSING: "Check the path; paths in a labels table are relative to the table.",
    Reason.FILE_EMPTY: "Send the file again; the copy here has no bytes.",
    Reason.FILE_TOO_LARGE: "Send a single image, not an archive, or raise the limit.",
    Reason.FILE_CHANGED: "Fetch the original again; its SHA-256 is not the one that was recorded.",
    Reason.FORMAT_UNKNOWN: "Send DICOM, PNG, JPEG or TIFF.",
    Reason.TRUNCATED: "Send the file again; it ends before its own header says so.",
    Reason.MALFORMED: "Check the sending system; the file breaks the rules of its own format.",
    Reason.NESTED_TOO_DEEPLY: "Check the sending system; no real image nests sequences like this.",
    Reason.UID_INVALID: "Check the sending system; a UID is digits and dots, 64 at most.",
    Reason.PREAMBLE_EXECUTABLE: "Find out who made this file; its preamble is that of a program.",
    Reason.PIXELS_MISSING: "Send an image object; this one carries no pixel data.",
    Reason.PIXELS_TOO_MANY: "Send a smaller image, or raise the pixel budget.",
    Reason.PIXELS_UNDECODABLE: "Export the image again, uncompressed if possible.",
    Reason.TRANSFER_SYNTAX_UNSUPPORTED: "Export in one of the listed transfer syntaxes.",
    Reason.MULTI_FRAME: "Send single frames; this model reads one picture at a time.",
    Reason.DECODING_TOO_SLOW: "Export the image again, uncompressed; decoding it took too long.",
    Reason.DECODING_TOO_LARGE: "Export the image again; decoding it takes too much memory.",
    Reason.DECODER_CRASHED: "Export the image again, uncompressed; it crashes the decoder.",
    Reason.KIND_UNKNOWN: "Set Modality and Body Part Examined, or name the kind in study.yaml.",
    Reason.KIND_WRONG: "Send this image to a model made for it.",
    Reason.VIEW_UNSUPPORTED: "Send a view that the study takes; others were not in the training.",
    Reason.SECONDARY_CAPTURE: "Send the original object, or allow secondary captures.",
    Reason.FOR_PROCESSING: "Send the object made for presentation; this one is raw detector data.",
    Reason.TOO_SMALL: "Send the image at its original size.",
    Reason.BLANK: "Check the exposure; the picture has almost no contrast.",
    Reason.SATURATED: "Check the exposure; most of the picture is at its brightest or darkest.",
    Reason.BLURRED: "Take the picture again; hardly any detail is left in it.",
    Reason.BURNED_IN_TEXT: "Send the picture without text in its pixels, or allow it.",
    Reason.RETINA_NOT_FOUND: "Take the photograph again; no bright disc on dark ground was found.",
    Reason.TISSUE_NOT_FOUND: "Choose a field with tissue; this one is empty glass.",
    Reason.LABEL_MISSING: "Fill in the label, or remove the row.",
    Reason.LABEL_CONFLICT: "Settle which label is right; the same picture carries two.",
    Reason.UNLIKE_TRAINING: "Read this image without the model; it is unlike what was learned.",
    Reason.OUTPUT_NOT_FINITE: "Report this to the maintainer; the model gave no finite number.",
}
