import colorsys

import numpy as np
import pytest

from medclf.model.classical.colour import colour_of


def test_grey_bins_are_the_square_roots_of_numpys_shares():
    picture = np.random.default_rng(0).integers(0, 256, (40, 30), dtype=np.uint8)
    found = colour_of(picture)
    assert found.shape == (35,)
    assert found[:32] ** 2 == pytest.approx(np.histogram(picture, 32, (0, 256))[0] / picture.size)


def test_grey_moments_are_those_of_the_pixels():
    values = np.random.default_rng(1).integers(0, 200, (40, 30), dtype=np.uint8)
    mean, deviation, skewness = colour_of(values)[32:]
    pixels = values / 255
    assert mean == pytest.approx(pixels.mean())
    assert deviation == pytest.approx(pixels.std())
    assert skewness**3 == pytest.approx(((pixels - pixels.mean()) ** 3).mean())


@pytest.mark.parametrize("colour", [(255, 0, 0), (10, 200, 30), (90, 90, 250), (128, 128, 128)])
def test_one_colour_fills_the_bin_that_colorsys_names(colour):
    picture = np.full((16, 16, 3), colour, dtype=np.uint8)
    shares = (colour_of(picture)[:128] ** 2).reshape(8, 4, 4)
    hue, saturation, value = colorsys.rgb_to_hsv(*(c / 255 for c in colour))
    at = (int(hue * 8) % 8, min(3, int(saturation * 4)), min(3, int(value * 4)))
    assert shares[at] == pytest.approx(1.0)


def test_moving_the_pixels_about_changes_nothing():
    picture = np.random.default_rng(2).integers(0, 256, (30, 30, 3), dtype=np.uint8)
    shuffled = np.random.default_rng(3).permutation(picture.reshape(-1, 3)).reshape(30, 30, 3)
    assert colour_of(picture) == pytest.approx(colour_of(shuffled))


def test_a_view_with_any_strides_is_taken():
    picture = np.random.default_rng(4).integers(0, 256, (30, 30, 3), dtype=np.uint8)
    assert np.array_equal(colour_of(picture[::-1, ::2]), colour_of(picture[::-1, ::2].copy()))
