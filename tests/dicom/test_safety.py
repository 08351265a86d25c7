"""The scan refuses every malformed file with a coded reason, quickly and without recursion."""

import random
import struct
import tracemalloc
from datetime import UTC, datetime

import numpy as np
import pydicom
import pytest
from hostile.building import (
    BIG,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    JPEG_LS,
    UIDS,
    UNDEFINED,
    body,
    deflated,
    element,
    fragments,
    header,
)
from pydicom.encaps import encapsulate

from medclf.dicom.create import Facts, Subject, create_image, dataset_bytes, uid_from
from medclf.dicom.instance import Kind, parse_instance
from medclf.dicom.limits import Limits
from medclf.dicom.safety import scan
from medclf.errors import InstanceRefused
from medclf.reasons import Reason

LIMITS = Limits()


def reason_of(data, limits=LIMITS):
    with pytest.raises(InstanceRefused) as refusal:
        scan(data, limits)
    return refusal.value.reason


@pytest.fixture(scope="module")
def valid():
    facts = Facts(
        kind=Kind.XRAY,
        study_uid=uid_from("a"),
        series_uid=uid_from("b"),
        sop_instance_uid=uid_from("c"),
        taken_at=datetime(2026, 1, 1, tzinfo=UTC),
        view="PA",
    )
    array = np.random.default_rng(0).integers(0, 256, (8, 8), np.uint8)
    return dataset_bytes(create_image(array, subject=Subject(patient_id="P"), facts=facts))


@pytest.mark.parametrize(
    "data",
    [
        header(EXPLICIT) + body(),
        header(IMPLICIT) + body(implicit=True),
        header(BIG) + body(order=">"),
        header(DEFLATED) + deflated(body()),
        header(EXPLICIT) + body(implicit=True),  # the bytes decide, as in pydicom
        header(EXPLICIT) + body() + b"\0\0\0",  # stray bytes after the last element
    ],
)
def test_every_encoding_of_a_sound_file_passes(data):
    scan(data, LIMITS)
    assert parse_instance(data).acquisition.rows == 4


def nested(depth, *, defined):
    if not defined:
        opening = element(0x00081140, "SQ", b"", length=UNDEFINED) + struct.pack(
            "<HHL", 0xFFFE, 0xE000, UNDEFINED
        )
        return opening * depth
    content = b""
    for _ in range(depth):
        item = struct.pack("<HHL", 0xFFFE, 0xE000, len(content)) + content
        content = element(0x00081140, "SQ", item)
    return content


@pytest.mark.parametrize(("depth", "defined"), [(100_000, False), (2_000, True), (17, True)])
def test_sequences_nested_too_deeply_are_refused(depth, defined):
    assert (
        reason_of(header() + body(before=nested(depth, defined=defined)))
        is Reason.NESTED_TOO_DEEPLY
    )


def test_sequences_nested_to_the_limit_pass():
    scan(header() + body(before=nested(16, defined=True)), LIMITS)


def test_deep_nesting_hidden_in_unknown_vr_is_refused():
    content = b""
    for _ in range(50):
        item = struct.pack("<HHL", 0xFFFE, 0xE000, len(content)) + content
        content = element(0x00081140, "UN", item)
    assert reason_of(header() + body(before=content)) is Reason.NESTED_TOO_DEEPLY


def test_deep_nesting_behind_deflate_is_refused():
    data = header(DEFLATED) + deflated(body(before=nested(100_000, defined=False)))
    assert reason_of(data) is Reason.NESTED_TOO_DEEPLY


def test_nesting_hidden_in_private_values_is_refused():
    content = b""
    for _ in range(50):
        item = struct.pack("<HHL", 0xFFFE, 0xE000, len(content)) + content
        content = element(0x00091001, "UN", item)
    assert reason_of(header() + body(before=content)) is Reason.NESTED_TOO_DEEPLY


def test_a_private_value_that_only_begins_like_a_sequence_is_left_alone():
    value = struct.pack("<HHL", 0xFFFE, 0xE000, 999_999) + b"opaque"
    data = header() + body(before=element(0x00091001, "UN", value))
    scan(data, LIMITS)
    assert parse_instance(data).dataset[0x00091001].value == value


def test_a_deflate_bomb_takes_no_memory():
    data = header(DEFLATED) + deflated(b"\0" * (1 << 26))
    tracemalloc.start()
    try:
        assert reason_of(data, Limits(inflated_bytes=1 << 25)) is Reason.FILE_TOO_LARGE
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_a_deflate_bomb_is_refused_at_the_cap():
    small = Limits(inflated_bytes=1 << 20)
    data = header(DEFLATED) + deflated(b"\0" * (1 << 24))
    assert len(data) < 20_000
    assert reason_of(data, small) is Reason.FILE_TOO_LARGE


def test_deflated_data_that_end_early_are_truncated():
    assert reason_of(header(DEFLATED) + deflated(body())[:-6]) is Reason.TRUNCATED


def test_deflated_data_that_are_not_deflated_are_malformed():
    assert reason_of(header(DEFLATED) + b"\xff" * 50) is Reason.MALFORMED


@pytest.mark.parametrize("length", [17, 1 << 20, 0xFFFFFFFE])
def test_a_length_beyond_the_end_of_the_file_is_truncation(length):
    lie = element(0x7FE00010, "OB", b"\0" * 16, length=length)
    assert reason_of(header() + body(pixels=lie)) is Reason.TRUNCATED


def test_an_element_longer_than_its_item_is_malformed():
    inner = element(0x00080060, "CS", b"CT", length=200)
    item = struct.pack("<HHL", 0xFFFE, 0xE000, len(inner)) + inner
    data = header() + body(before=element(0x00081140, "SQ", item)) + b"\0" * 400
    assert reason_of(data) is Reason.MALFORMED


def test_a_sequence_of_something_else_is_malformed():
    data = header() + body(before=element(0x00081140, "SQ", b"12345678"))
    assert reason_of(data) is Reason.MALFORMED


def test_a_delimiter_at_the_top_is_malformed():
    data = header() + body(before=struct.pack("<HHL", 0xFFFE, 0xE00D, 0))
    assert reason_of(data) is Reason.MALFORMED


def test_more_elements_than_allowed_are_refused():
    data = header() + body(before=element(0x00080060, "CS", b"") * 2000)
    assert reason_of(data, Limits(elements=1000)) is Reason.MALFORMED


@pytest.mark.parametrize(
    "uid", ["../../etc/passwd", "1.2.3/4", "1.02", "a.b", "1..2", "1." + "2" * 64]
)
@pytest.mark.parametrize("tag", list(UIDS))
def test_a_uid_that_breaks_the_rule_is_refused(tag, uid):
    assert reason_of(header() + body(uids={tag: uid})) is Reason.UID_INVALID


def test_padding_after_a_uid_is_forgiven():
    scan(header() + body(uids={0x00080018: "1.2.3 "}), LIMITS)


def test_study_and_series_may_be_unnamed_but_not_the_image():
    scan(header() + body(uids={0x0020000D: "", 0x0020000E: ""}), LIMITS)
    assert reason_of(header() + body(uids={0x00080018: ""})) is Reason.UID_INVALID


@pytest.mark.parametrize(
    ("shorts", "reason"),
    [
        ({0x00280010: 65535, 0x00280011: 65535}, Reason.PIXELS_TOO_MANY),
        ({0x00280010: 0}, Reason.MALFORMED),
        ({0x00280100: 12}, Reason.MALFORMED),
        ({0x00280100: 0}, Reason.MALFORMED),
        ({0x00280002: 0}, Reason.MALFORMED),
        ({0x00280010: 5}, Reason.TRUNCATED),
        ({0x00280100: 16}, Reason.TRUNCATED),
        ({0x00280002: 3}, Reason.TRUNCATED),
    ],
)
def test_a_header_that_does_not_fit_the_pixel_data_is_refused(shorts, reason):
    assert reason_of(header() + body(shorts=shorts)) is reason


def test_the_budget_counts_bytes_as_well_as_samples():
    shorts = {0x00280010: 16, 0x00280011: 16, 0x00280100: 64}
    data = header() + body(shorts=shorts, pixels=element(0x7FE00010, "OB", b"\0" * 2048))
    scan(data, Limits(decoded_bytes=2048))
    assert reason_of(data, Limits(decoded_bytes=2047)) is Reason.PIXELS_TOO_MANY


def test_a_false_number_of_frames_is_refused():
    assert reason_of(header() + body(frames="99999999")) is Reason.PIXELS_TOO_MANY
    assert reason_of(header() + body(frames="2")) is Reason.TRUNCATED
    assert reason_of(header() + body(frames="many")) is Reason.MALFORMED


def test_an_image_without_pixels_is_refused():
    assert reason_of(header() + body(pixels=b"")) is Reason.PIXELS_MISSING
    assert (
        reason_of(header() + body(pixels=element(0x7FE00010, "OB", b""))) is Reason.PIXELS_MISSING
    )


def test_encapsulated_pixels_pass():
    scan(header(JPEG_LS) + body(pixels=fragments(0, 10, 6)), LIMITS)


def test_fragments_count_as_elements():
    data = header(JPEG_LS) + body(pixels=fragments(*([0] * 2000), 6))
    assert reason_of(data, Limits(elements=1000)) is Reason.MALFORMED
    scan(data, Limits(elements=3000))


def test_encapsulated_pixels_without_an_end_are_truncated():
    assert reason_of(header(JPEG_LS) + body(pixels=fragments(0, 10, end=False))) is Reason.TRUNCATED


def test_encapsulated_pixels_without_content_are_missing():
    assert reason_of(header(JPEG_LS) + body(pixels=fragments(0))) is Reason.PIXELS_MISSING


def test_packing_must_agree_with_the_transfer_syntax():
    assert reason_of(header(EXPLICIT) + body(pixels=fragments(0, 16))) is Reason.MALFORMED
    assert reason_of(header(JPEG_LS) + body()) is Reason.MALFORMED


@pytest.mark.parametrize("syntax", ["", "1.2.840.10008.1.2.4.94"])
def test_a_transfer_syntax_without_pixels_in_the_file_is_refused(syntax):
    assert reason_of(header(syntax) + body()) is Reason.TRANSFER_SYNTAX_UNSUPPORTED


def test_a_command_set_is_no_file():
    command = element(0x00000000, "UL", b"\0\0\0\0", implicit=True)
    assert reason_of(header() + command + body()) is Reason.MALFORMED


class Untouchable(bytes):
    """Bytes whose pixel data must not be copied: a slice of a million or more is a failure."""

    def __getitem__(self, key):
        found = super().__getitem__(key)
        assert not isinstance(found, bytes) or len(found) < 1_000_000
        return found


def test_pixel_data_are_skipped_not_read():
    pixels = element(0x7FE00010, "OB", b"\0" * 4_000_000)
    shorts = {0x00280010: 2000, 0x00280011: 2000}
    scan(Untouchable(header() + body(pixels=pixels, shorts=shorts)), LIMITS)


def test_a_file_cut_anywhere_is_refused(valid):
    for length in range(len(valid)):
        with pytest.raises(InstanceRefused) as refusal:
            parse_instance(valid[:length])
        assert refusal.value.reason is not Reason.PIXELS_TOO_MANY


@pytest.mark.parametrize("seed", range(4))
def test_flipped_bytes_never_raise_anything_else(valid, seed):
    source = random.Random(seed)
    for _ in range(150):
        data = bytearray(valid)
        for _ in range(source.choice([1, 2, 8, 40])):
            data[source.randrange(128, len(data))] = source.choice([0, 255, source.randrange(256)])
        try:
            found = parse_instance(bytes(data))
        except InstanceRefused:
            continue
        assert found.acquisition.rows * found.acquisition.columns > 0


@pytest.mark.shared
def test_real_files_are_read_or_refused_for_a_stated_reason(shared_data):
    expected = {
        "cleaned.dcm": Reason.UID_INVALID,
        "bad_sequence.dcm": Reason.UID_INVALID,
        "JPEGLosslessP14SV1_1s_1f_u_16_16.dcm": Reason.UID_INVALID,
        "emri_small_jpeg_2k_lossless_too_short.dcm": Reason.TRUNCATED,
        "sr_document.dcm": Reason.PIXELS_MISSING,
        "sr_document_with_multiple_groups.dcm": Reason.PIXELS_MISSING,
        "sm_annotations.dcm": Reason.PIXELS_MISSING,
        "OT-PAL-8-face.dcm": Reason.FORMAT_UNKNOWN,
        "JLSL_RGB_ILV0.dcm": Reason.FORMAT_UNKNOWN,
        "JLSL_RGB_ILV1.dcm": Reason.FORMAT_UNKNOWN,
        "JLSL_RGB_ILV2.dcm": Reason.FORMAT_UNKNOWN,
        "JLSN_RGB_ILV0.dcm": Reason.FORMAT_UNKNOWN,
    }
    refusals = {}
    for path in sorted((shared_data / "dicom").rglob("*.dcm")):
        try:
            parse_instance(path.read_bytes())
        except InstanceRefused as refusal:
            refusals[path.name] = refusal.reason
    assert refusals == expected


def test_pydicoms_own_compressed_and_odd_files_pass():
    names = ("JPEG2000-embedded-sequence-delimiter.dcm", "image_dfl.dcm", "SC_rgb_small_odd.dcm")
    names += ("SC_ybr_full_422_uncompressed.dcm", "MR_small_padded.dcm", "MR_small_bigendian.dcm")
    for name in names:
        path = pydicom.data.get_testdata_file(name, download=False)
        with open(path, "rb") as stream:  # noqa: PTH123
            assert parse_instance(stream.read()).acquisition.rows > 0


def test_pixel_data_that_pydicom_encapsulates_pass():
    pixels = element(0x7FE00010, "OB", encapsulate([b"\0" * 20]), length=UNDEFINED)
    end = struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)
    scan(header(JPEG_LS) + body(pixels=pixels + end), LIMITS)
