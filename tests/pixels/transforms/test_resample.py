"""Size and depth."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from medclf.pixels.transforms.resample import (
    as_colour,
    as_uint8,
    fitted_size,
    luminance,
    pad_to_square,
    resize,
)


@given(hnp.arrays(np.uint16, (5, 7)))
def test_eight_bits_are_the_nearest_level(array):
    assert np.array_equal(as_uint8(array), np.rint(array / 257).astype(np.uint8))


@given(hnp.arrays(st.sampled_from([np.uint8, np.uint16]), (6, 5)))
def test_grey_survives_colour_and_back(array):
    assert np.array_equal(luminance(as_colour(array)), array)


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(32, 1024))
def test_fitted_size_touches_the_square(height, width, size):
    rows, columns = fitted_size(height, width, size=size)
    assert max(rows, columns) == size
    assert min(rows, columns) >= 1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(("height", "width"), [(32, 32), (31, 29), (200, 190), (8, 8)])
def test_constant_pictures_stay_constant(dtype, height, width):
    array = np.full((171, 133), 201, dtype)
    assert (resize(array, height=height, width=width) == 201).all()


def test_fine_stripes_do_not_alias():
    stripes = np.tile(np.array([0, 255], np.uint8), (2000, 1000))
    small = resize(stripes, height=224, width=224)
    assert small.min() >= 100
    assert small.max() <= 155


def test_block_averaging_stays_close_to_exact_area_averaging():
    rng = np.random.default_rng(5)
    rough = cv2.resize(rng.integers(0, 65535, (60, 50)).astype(np.uint16), (2500, 3000))
    exact = cv2.resize(rough, (187, 224), interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(resize(rough, height=224, width=187) - exact).mean() < 65535 * 0.01


def test_padding_centres_the_picture():
    square = pad_to_square(np.full((3, 7, 3), 9, np.uint8), fill=255)
    assert square.shape == (7, 7, 3)
    assert (square[2:5] == 9).all()
    assert (square[:2] == 255).all()
    assert (square[5:] == 255).all()
