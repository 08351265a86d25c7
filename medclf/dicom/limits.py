"""How large and how deep an image file may be before it is refused unread."""

from pydantic import Field

from medclf.config import Config


class Limits(Config):
    """Bounds that hold before any parser or decoder is trusted with the bytes.

    Attributes:
        file_bytes: size of the file.
        inflated_bytes: size of a deflated data set once inflated; a thousand times the
            file is possible, and parsers hold it several times over.
        pixels: budget for Rows × Columns × Samples × Frames. 200 million holds the
            largest mammograms and CT series, and stops absurd claims.
        decoded_bytes: the same times the bytes of one sample, before anything is decoded.
        depth: how deeply sequences may nest. Real objects stay below 8; enhanced
            multi-frame and structured reports reach about 10.
        elements: how many data elements, sequence items and fragments of compressed pixels,
            counted through all sequences, so that a large file of tiny elements cannot keep a
            processor busy for more than a few seconds. Single pictures have a few hundred.
    """

    file_bytes: int = Field(default=1 << 30, ge=1 << 10, le=1 << 36)
    inflated_bytes: int = Field(default=1 << 28, ge=1 << 10, le=1 << 36)
    pixels: int = Field(default=200_000_000, ge=1, le=10**12)
    decoded_bytes: int = Field(default=1 << 29, ge=1 << 10, le=1 << 40)
    depth: int = Field(default=16, ge=1, le=64)
    elements: int = Field(default=250_000, ge=1_000, le=10**9)
