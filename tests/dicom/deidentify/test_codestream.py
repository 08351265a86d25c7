"""Comments go out of compressed pictures, and the pictures stay what they were."""

from io import BytesIO

import imagecodecs
import numpy as np
import pytest
from PIL import Image
from pydicom.encaps import encapsulate, generate_frames

from medclf.dicom.deidentify.codestream import without_comments
from medclf.errors import InstanceRefused

ITEM = b"\xfe\xff\x00\xe0"
SECRET = b"Zq-Smith-1957"
PICTURE = np.random.default_rng(3).integers(0, 256, (64, 48, 3), np.uint8)


def jpeg(**options) -> bytes:
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    stream = BytesIO()
    Image.fromarray(PICTURE).save(stream, "JPEG", comment=SECRET, exif=exif, **options)
    return stream.getvalue()


def jpeg_ls() -> bytes:
    data = imagecodecs.jpegls_encode(PICTURE[..., 0])
    return data[:2] + b"\xff\xfe" + (2 + len(SECRET)).to_bytes(2, "big") + SECRET + data[2:]


def jpeg_2000(container: str) -> bytes:
    data = imagecodecs.jpeg2k_encode(PICTURE, codecformat="j2k", reversible=True, level=0)
    size = 2 + int.from_bytes(data[4:6], "big")
    comment = b"\xff\x64" + (4 + len(SECRET)).to_bytes(2, "big") + b"\0\1" + SECRET
    stream = data[: 2 + size] + comment + data[2 + size :]
    if container == "j2k":
        return stream
    boxes = imagecodecs.jpeg2k_encode(PICTURE, codecformat="jp2", reversible=True, level=0)
    words = (8 + len(SECRET)).to_bytes(4, "big") + b"xml " + SECRET
    at = boxes.index(b"jp2c") - 4
    return boxes[:at] + words + boxes[at:]


@pytest.mark.parametrize(
    ("stream", "decode"),
    [
        (jpeg(), imagecodecs.jpeg8_decode),
        (jpeg(progressive=True), imagecodecs.jpeg8_decode),
        (jpeg_ls(), imagecodecs.jpegls_decode),
        (jpeg_2000("j2k"), imagecodecs.jpeg2k_decode),
        (jpeg_2000("jp2"), imagecodecs.jpeg2k_decode),
    ],
    ids=["jpeg", "progressive", "jpeg-ls", "jpeg 2000", "jp2"],
)
def test_words_go_and_pixels_stay(stream, decode):
    frames = [stream + SECRET if stream[:2] == b"\xff\xd8" else stream] * 2
    value = encapsulate(frames)
    assert SECRET in value
    told = without_comments(value, frames=2)
    assert SECRET not in told
    assert b"Smith" not in told
    for frame in generate_frames(told, number_of_frames=2):
        assert np.array_equal(decode(bytes(frame)), decode(stream))


def test_an_odd_fragment_is_made_even():
    value = ITEM + b"\4\0\0\0\0\0\0\0" + ITEM + b"\5\0\0\0\xff\xd8\xff\xd9\0"
    told = without_comments(value, frames=1)
    assert told == ITEM + b"\0\0\0\0" + ITEM + b"\6\0\0\0\xff\xd8\xff\xd9\0\0"


def test_a_comment_across_fragments_goes():
    stream = jpeg()
    cut = stream.index(SECRET) + 4
    cut += cut % 2
    value = encapsulate([stream[:cut]])
    rest = stream[cut:] + bytes(len(stream[cut:]) % 2)
    value += ITEM + len(rest).to_bytes(4, "little") + rest
    assert b"Smith" not in without_comments(value, frames=1)


@pytest.mark.parametrize(
    "value",
    [
        ITEM + b"\xff\0\0\0abc",
        b"abcdefgh",
        b"",
        encapsulate([b"Smith"]),
        encapsulate([SECRET] * 2),
        encapsulate([jpeg()[:-2] + SECRET]),
    ],
    ids=["length", "item", "nothing", "one", "two", "no end"],
)
def test_damaged_fragments_are_refused(value):
    with pytest.raises(InstanceRefused, match="damaged"):
        without_comments(value, frames=1)


def test_any_damage_ends_in_bytes_or_a_refusal():
    generator = np.random.default_rng(5)
    for whole in (jpeg(), jpeg_ls(), jpeg_2000("j2k"), jpeg_2000("jp2")):
        value = bytearray(encapsulate([whole]))
        for _ in range(200):
            torn = bytearray(value)
            for position in generator.integers(20, min(len(torn), 900), 3):
                torn[position] = generator.integers(0, 256)
            try:
                told = without_comments(bytes(torn), frames=1)
            except InstanceRefused:
                continue
            assert len(told) <= len(torn) + 1
