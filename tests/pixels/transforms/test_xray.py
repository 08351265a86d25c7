"""Radiographs."""

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from medclf.pixels.transforms.xray import XrayOptions, find_field, prepare_xray

RNG = np.random.default_rng(6)


def _field(height: int, width: int) -> np.ndarray:
    coarse = RNG.integers(6000, 60000, (6, 5)).astype(np.uint16)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)


@settings(max_examples=30, deadline=None)
@given(margins=st.tuples(*[st.integers(0, 150)] * 4), level=st.sampled_from([0, 65535]))
def test_margins_are_found_within_a_step(margins, level):
    top, bottom, left, right = margins
    film = np.full((600 + top + bottom, 500 + left + right), level, np.uint16)
    film[top : top + 600, left : left + 500] = _field(600, 500)
    found = find_field(film)
    wanted = (top, top + 600, left, left + 500)
    assert np.abs(np.subtract(found, wanted)).max() <= 6


def test_letter_in_the_margin_does_not_keep_it():
    film = np.zeros((700, 600), np.uint16)
    film[100:, 100:] = _field(600, 500)
    film[40:60, 300:312] = 65535
    assert find_field(film)[0] >= 96


def test_constant_film_is_left_whole():
    assert find_field(np.full((300, 200), 7, np.uint8)) == (0, 300, 0, 200)


def test_tiny_bright_spot_does_not_become_the_field():
    film = np.zeros((500, 500), np.uint8)
    film[240:260, 240:260] = 255
    assert find_field(film) == (0, 500, 0, 500)


def test_prepared_picture_passes_untouched():
    ready = RNG.integers(90, 140, (224, 224), dtype=np.uint8)
    assert np.array_equal(prepare_xray(ready, size=224, options=XrayOptions()), ready)
    colour = np.repeat(ready[..., None], 3, axis=2)
    assert np.array_equal(prepare_xray(colour, size=224, options=XrayOptions()), ready)


def test_sixteen_bits_use_the_whole_range_after_the_window():
    faint = (_field(900, 700) // 8 + 20000).astype(np.uint16)
    small = prepare_xray(faint, size=128, options=XrayOptions(crop_border=False))
    inside = small[:, 14:114]
    assert inside.min() == 0
    assert inside.max() == 255


def test_aspect_is_kept_on_black():
    small = prepare_xray(_field(800, 400), size=100, options=XrayOptions(crop_border=False))
    assert small.shape == (100, 100)
    assert (small[:, :25] == 0).all()
    assert (small[:, 75:] == 0).all()
    assert (small[:, 26:74] > 0).mean() > 0.9


def test_eight_bit_pictures_of_ordinary_contrast_keep_their_values():
    flat = np.full((300, 300), 100, np.uint8)
    flat[:150] = 250
    small = prepare_xray(flat, size=100, options=XrayOptions())
    assert set(np.unique(small)) == {100, 250}
