"""Fields with tilted edges on noisy ground."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medclf.pixels.transforms.collimation import find_collimation
from medclf.pixels.transforms.xray import XrayOptions, find_field, prepare_xray

HEIGHT, WIDTH = 600, 520


def _chest(seed: int) -> np.ndarray:
    """Draw something with lungs, a spine and rough texture: (600, 520) uint16, no flat parts."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    film = 38000 + 9000 * np.sin(y / 37) + 4000 * np.cos(x / 53)
    for centre in (0.3, 0.7):
        lung = ((x / WIDTH - centre) / 0.16) ** 2 + ((y / HEIGHT - 0.45) / 0.33) ** 2 < 1
        film = np.where(lung, film * 0.4, film)
    film += cv2.GaussianBlur(rng.normal(0, 30000, film.shape), (0, 0), 5)
    return film.clip(3000, 62000).astype(np.uint16)


def _laid(film: np.ndarray, *, tilt: float, level: int, noise: int) -> tuple[np.ndarray, ...]:
    """Lay a film askew on noisy ground; returns the picture and where the film is."""
    height, width = 800, 720
    ground = np.random.default_rng(1).normal(level, noise, (height, width)).clip(0, 65535)
    turn = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), tilt, 1)
    turn[:, 2] += (width - WIDTH) / 2, (height - HEIGHT) / 2
    there = cv2.warpAffine(np.full(film.shape, 255, np.uint8), turn, (width, height)) > 127
    return np.where(there, cv2.warpAffine(film, turn, (width, height)), ground).astype(
        np.uint16
    ), there


def _drawn(picture: np.ndarray) -> np.ndarray:
    field = find_collimation(picture)
    assert field is not None
    top, bottom, left, right = field.box
    drawn = np.zeros(picture.shape, bool)
    drawn[top:bottom, left:right] = field.inside(picture.shape, (bottom - top, right - left))
    return drawn


@settings(max_examples=25, deadline=None)
@given(
    tilt=st.floats(-9, 9),
    level=st.sampled_from([62000, 65535]),
    noise=st.integers(0, 2500),
    seed=st.integers(0, 50),
)
def test_tilted_field_on_bright_noisy_ground_is_found(tilt, level, noise, seed):
    picture, there = _laid(_chest(seed), tilt=tilt, level=level, noise=noise)
    drawn = _drawn(picture)
    assert (drawn & there).sum() / (drawn | there).sum() > 0.93
    assert (drawn & ~there).sum() < 0.002 * there.size  # hardly any ground comes along


def test_ground_that_is_not_nought_is_cut_too():
    picture, there = _laid(_chest(3), tilt=4, level=6000, noise=900)
    picture = np.where(there, np.maximum(picture, 15000), picture)
    drawn = _drawn(picture)
    assert (drawn & there).sum() / (drawn | there).sum() > 0.93


def test_letter_in_the_ground_does_not_keep_it_and_one_inside_stays():
    picture, there = _laid(_chest(3), tilt=5, level=65535, noise=500)
    picture[30:60, 340:372] = 20000
    picture[170:200, 160:180] = 65535
    drawn = _drawn(picture)
    assert not drawn[30:60, 340:372].any()
    assert drawn[170:200, 160:180].all()
    assert (drawn & there).sum() / there.sum() > 0.9


@pytest.mark.parametrize("seed", range(8))
def test_film_without_edges_is_left_whole(seed):
    assert find_collimation(_chest(seed)) is None


@pytest.mark.parametrize("picture", [np.zeros((300, 200), np.uint8), np.eye(20, dtype=np.uint8)])
def test_even_and_tiny_pictures_are_left_whole(picture):
    assert find_collimation(picture) is None


def test_prepared_field_is_cropped_blackened_and_windowed_by_itself():
    film = _chest(3)
    picture, _ = _laid(film, tilt=6, level=65535, noise=300)
    options = XrayOptions(collimation=True)
    square = prepare_xray(picture, size=224, options=options)
    assert (square[:4, :4] == 0).all()  # corners of the box lie outside the tilted field
    straight = prepare_xray(film, size=224, options=options)
    middle = np.s_[80:144, 80:144]
    assert abs(float(square[middle].mean()) - float(straight[middle].mean())) < 12
    assert (square > 0).mean() > 0.6
    as_today = prepare_xray(picture, size=224, options=XrayOptions())
    assert as_today[0, 112] > 200  # the ground is still there


@pytest.mark.shared
def test_real_films_are_hardly_ever_cut(shared_data):
    """Nobody has marked these films; what is cut was looked at and is film edge (5 of 101)."""
    files = sorted((shared_data / "xray_ood" / "images").iterdir())
    kept = []
    for path in files:
        grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        top, bottom, left, right = find_field(grey)
        field = find_collimation(grey[top:bottom, left:right])
        if field is not None:
            kept.append(field.inside((bottom - top, right - left), (100, 100)).mean())
            box = field.box
            assert (box[1] - box[0]) * (box[3] - box[2]) > 0.9 * (bottom - top) * (right - left)
    assert len(kept) <= 8
