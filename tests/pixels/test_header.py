"""The Image Pixel Module is checked before any value is read."""

import pytest
from pydicom.dataset import Dataset

from medclf.errors import PixelsRefused
from medclf.pixels.header import read_header
from medclf.reasons import Reason

SOUND = {
    "Rows": 4,
    "Columns": 6,
    "SamplesPerPixel": 1,
    "PhotometricInterpretation": "MONOCHROME2",
    "BitsAllocated": 16,
    "BitsStored": 12,
    "HighBit": 11,
    "PixelRepresentation": 0,
}


def _dataset(**changes: object) -> Dataset:
    dataset = Dataset()
    for keyword, value in (SOUND | changes).items():
        if value is not None:
            setattr(dataset, keyword, value)
    return dataset


def test_shape_follows_samples():
    assert read_header(_dataset(), transfer_syntax="1.2").shape == (4, 6)
    colour = _dataset(SamplesPerPixel=3, PhotometricInterpretation="RGB")
    assert read_header(colour, transfer_syntax="1.2").shape == (4, 6, 3)


@pytest.mark.parametrize(
    "changes",
    [
        {"Rows": None},
        {"Columns": 0},
        {"BitsAllocated": 12},
        {"BitsAllocated": None},
        {"BitsStored": 17},
        {"BitsStored": None},
        {"HighBit": 5},
        {"HighBit": 16},
        {"SamplesPerPixel": 3},
        {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PixelRepresentation": 1},
    ],
)
def test_contradictions_are_malformed(changes):
    with pytest.raises(PixelsRefused) as caught:
        read_header(_dataset(**changes), transfer_syntax="1.2")
    assert caught.value.reason is Reason.MALFORMED
