"""The blur figure grows with blur, hardly with brightness, and needs no reference."""

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from medclf.pixels.sharpness import blur_of

_NOISE = np.random.default_rng(3).integers(0, 256, (40, 40), np.uint8)
SHARP = cv2.resize(_NOISE, (200, 200), interpolation=cv2.INTER_NEAREST)


def test_more_blur_gives_a_higher_figure():
    found = [blur_of(cv2.GaussianBlur(SHARP, (0, 0), sigma)) for sigma in (0.5, 1, 2, 4, 8)]
    assert found == sorted(found)
    assert found[-1] - found[0] > 0.3


def test_motion_in_one_direction_is_found():
    assert blur_of(cv2.blur(SHARP, (25, 1))) > blur_of(SHARP) + 0.2


@settings(max_examples=25)
@given(st.floats(0.2, 1.0), st.integers(0, 50))
def test_contrast_and_brightness_hardly_matter(gain, offset):
    other = np.clip(SHARP * gain + offset, 0, 255).astype(np.uint8)
    if gain * 255 + offset <= 255:
        assert abs(blur_of(other) - blur_of(SHARP)) < 0.02


def test_neither_a_soft_cloud_nor_a_sharp_wire_decides():
    cloudy = SHARP.copy()
    cloudy[:60, :60] = cv2.GaussianBlur(SHARP, (0, 0), 15)[:60, :60]
    assert abs(blur_of(cloudy) - blur_of(SHARP)) < 0.05
    blurred = cv2.GaussianBlur(SHARP, (0, 0), 8)
    wired = blurred.copy()
    cv2.line(wired, (5, 5), (60, 40), 255, 1)
    assert abs(blur_of(wired) - blur_of(blurred)) < 0.05


def test_of_nothing_it_says_nothing():
    assert blur_of(np.full((50, 50), 7, np.uint8)) == 0.0
