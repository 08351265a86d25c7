"""Size and depth."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from medclf.errors import PixelsMisuse
from medclf.pixels.transforms.resample import (
    as_colour,
    as_uint8,
    as_uint16,
    fitted_size,
    luminance,
    pad_to_square,
    resize,
    square_pixels,
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


def _area_matrix(target: int, source: int) -> np.ndarray:
    """Return (target, source): each row averages the stretch that a target pixel covers."""
    edges = np.arange(target + 1) * source / target
    low = np.maximum(edges[:-1, None], np.arange(source))
    high = np.minimum(edges[1:, None], np.arange(source) + 1)
    return np.clip(high - low, 0, None) * target / source


@settings(max_examples=40, deadline=None)
@given(
    dtype=st.sampled_from([np.uint8, np.uint16]),
    height=st.integers(33, 120),
    width=st.integers(33, 120),
    rows=st.integers(32, 60),
    columns=st.integers(32, 60),
    channels=st.sampled_from([(), (3,)]),
    seed=st.integers(0, 99),
)
def test_shrinking_is_the_exact_area_average_at_either_depth(
    dtype, height, width, rows, columns, channels, seed
):
    rows, columns = min(rows, height), min(columns, width)
    rng = np.random.default_rng(seed)
    array = rng.integers(0, np.iinfo(dtype).max + 1, (height, width, *channels)).astype(dtype)
    wanted = np.einsum(
        "rh,hw...,cw->rc...",
        _area_matrix(rows, height),
        array.astype(np.float64),
        _area_matrix(columns, width),
    )
    found = resize(array, height=rows, width=columns)
    assert found.dtype == dtype
    assert np.abs(found - wanted).max() <= (0.51 if dtype == np.uint8 else 0.6)


@given(hnp.arrays(np.uint8, (6, 5)))
def test_eight_bits_survive_sixteen(array):
    assert np.array_equal(as_uint8(as_uint16(array)), array)


@given(
    aspect=st.floats(0.05, 20),
    height=st.integers(1, 200),
    width=st.integers(1, 200),
)
def test_square_pixels_keep_the_true_shape_and_never_grow(aspect, height, width):
    squared = square_pixels(np.zeros((height, width), np.uint8), aspect)
    assert squared.shape[0] <= height
    assert squared.shape[1] <= width
    wanted = height * aspect / width  # height by width in the world
    if min(squared.shape) >= 20:  # below, whole pixels say little about a shape
        assert abs(np.log(squared.shape[0] / squared.shape[1] / wanted)) < 0.03


def test_square_pixels_come_back_as_they_are():
    array = np.zeros((9, 7), np.uint8)
    assert square_pixels(array, 1.0) is array


@pytest.mark.parametrize("aspect", [0.0, -1.0, float("nan"), float("inf")])
def test_impossible_aspects_are_refused(aspect):
    with pytest.raises(PixelsMisuse):
        square_pixels(np.zeros((9, 7), np.uint8), aspect)
