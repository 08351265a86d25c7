"""Retina, tissue and colour are told as numbers."""

import cv2
import numpy as np
import pytest

from medclf.pixels.content import colour_share, measure_retina, tissue_share


def test_a_disc_on_black_ground_is_measured():
    picture = np.zeros((200, 240, 3), np.uint8)
    cv2.circle(picture, (120, 100), 80, (180, 90, 30), -1)
    found = measure_retina(picture)
    assert found is not None
    assert (found.disc.x, found.disc.y) == (pytest.approx(120, abs=2), pytest.approx(100, abs=2))
    assert found.warmth == pytest.approx(0.5, abs=0.02)
    assert found.ground_level == 0
    assert found.ground_share == pytest.approx(1 - np.pi * 80**2 / (200 * 240), abs=0.02)


def test_grey_has_no_retina_no_tissue_and_no_colour():
    grey = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    assert measure_retina(grey) is None
    assert tissue_share(grey) == 0
    assert colour_share(grey) == colour_share(np.repeat(grey[..., None], 3, axis=2)) == 0


def test_shares_are_those_of_the_picture():
    half = np.full((100, 100, 3), 240, np.uint8)
    half[:50] = (190, 110, 180)
    assert tissue_share(half) == pytest.approx(0.5, abs=0.05)
    assert colour_share(half) == pytest.approx(0.5)
