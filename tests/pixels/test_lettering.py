"""Lines of letters are found on any ground; ribs, wires, grain and single letters are none."""

import cv2
import numpy as np
import pytest

from medclf.pixels.lettering import text_lines


def ground(level: int = 90) -> np.ndarray:
    ramp = np.linspace(level, level + 40, 600)
    return np.repeat(ramp[None, :], 500, axis=0).astype(np.uint8)


@pytest.mark.parametrize("size", [0.4, 0.6, 0.9])
@pytest.mark.parametrize("bright", [True, False])
def test_a_date_is_a_line_where_it_was_written(size, bright):
    array = ground()
    ink = 255 if bright else 0
    cv2.putText(array, "12/03/2019", (100, 300), cv2.FONT_HERSHEY_SIMPLEX, size, ink, 1)
    longest = max(text_lines(array, bright=bright), key=lambda line: line.letters)
    assert longest.letters >= 4
    assert longest.left >= 98
    assert 300 - 40 * size <= longest.top < longest.bottom <= 300 + 10 * size


@pytest.mark.parametrize("bright", [True, False])
def test_what_is_not_text_is_none(bright):
    marker = ground()
    cv2.putText(marker, "R", (500, 60), cv2.FONT_HERSHEY_SIMPLEX, 1, 255 * bright, 2)
    ribs = ground()
    for row in range(40, 500, 50):
        cv2.ellipse(ribs, (300, row), (250, 30), 0, 180, 360, 230 * bright, 14)
    wire = ground()
    cv2.line(wire, (10, 20), (580, 480), 255 * bright, 3)
    grain = np.random.default_rng(0).integers(0, 256, (500, 600), np.uint8)
    for array in (ground(), marker, ribs, wire, grain):
        assert all(line.letters < 3 for line in text_lines(array, bright=bright))


def test_letters_far_apart_are_no_line():
    array = ground()
    for number, letter in enumerate("ABCDEF"):
        place = (40 + 90 * number, 60 + 70 * number)
        cv2.putText(array, letter, place, cv2.FONT_HERSHEY_SIMPLEX, 0.8, 255, 2)
    assert text_lines(array, bright=True) == []
