"""Height by width of a pixel, from whatever a header says of it."""

import pytest
from pydicom.dataset import Dataset

from medclf.pixels.aspect import likely, pixel_aspect


def _said(**elements: object) -> Dataset:
    dataset = Dataset()
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({}, 1),
        ({"PixelAspectRatio": ["2", "1"]}, 2),
        ({"PixelSpacing": ["0.5", "0.25"]}, 2),
        ({"ImagerPixelSpacing": ["0.1", "0.2"]}, 0.5),
        ({"PixelSpacing": ["0.5", "0.5"], "PixelAspectRatio": ["2", "1"]}, 1),
        ({"PixelSpacing": ["0", "0.5"], "PixelAspectRatio": ["2", "1"]}, 2),
        ({"PixelSpacing": ["0.5"]}, 1),
        ({"PixelSpacing": ["1000", "0.5"]}, 1),
    ],
)
def test_aspect_is_height_by_width(elements, expected):
    assert pixel_aspect(_said(**elements)) == pytest.approx(expected)


def test_aspect_that_no_pixel_has_counts_as_none():
    assert [likely(value) for value in (0.01, 0.1, 3.0, 17.0)] == [1.0, 0.1, 3.0, 1.0]
