"""Copies agree in their detail, look-alikes do not: on made-up films, and on real ones below."""

import cv2
import numpy as np
import pytest

from medclf.cohort.fingerprint import Turn
from medclf.cohort.likeness import THRESHOLD, agreement, look_at


def film(seed: int, side: int = 224) -> np.ndarray:
    """The same coarse chest for every seed, with detail of its own."""
    y, x = np.mgrid[:side, :side] / side
    lungs = np.exp(-(((x - 0.3) / 0.12) ** 2 + ((y - 0.5) / 0.3) ** 2))
    lungs += np.exp(-(((x - 0.7) / 0.12) ** 2 + ((y - 0.5) / 0.3) ** 2))
    noise = np.random.default_rng(seed).normal(size=(side, side)).astype(np.float32)
    detail = cv2.GaussianBlur(noise, (0, 0), 3)
    return np.clip(170 - 110 * lungs + 100 * detail, 0, 255).astype(np.uint8)


def jpeg(picture: np.ndarray) -> np.ndarray:
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 40])
    return cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)


def half_size(picture: np.ndarray) -> np.ndarray:
    return cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


def turned_by_3_degrees(picture: np.ndarray) -> np.ndarray:
    side = picture.shape[0]
    matrix = cv2.getRotationMatrix2D((side / 2, side / 2), 3, 1)
    return cv2.warpAffine(picture, matrix, (side, side), borderMode=cv2.BORDER_REFLECT)


@pytest.mark.parametrize(
    "spoil",
    [
        jpeg,
        half_size,
        turned_by_3_degrees,
        lambda p: (255 * (p / 255) ** 1.5).astype(np.uint8),
        lambda p: np.clip(p * 0.8 + 40, 0, 255).astype(np.uint8),
        lambda p: p[9:-4, 2:-11],
    ],
    ids=["jpeg", "half size", "3 degrees", "gamma", "paler", "trimmed"],
)
def test_a_spoilt_copy_is_recognised(spoil) -> None:
    picture = film(1)
    copy = spoil(picture)
    assert agreement(look_at(picture), look_at(np.ascontiguousarray(copy))) >= THRESHOLD


def test_films_of_the_same_coarse_shape_are_not_copies() -> None:
    looks = [look_at(film(seed)) for seed in range(8)]
    found = [agreement(a, b) for i, a in enumerate(looks) for b in looks[:i]]
    assert max(found) < THRESHOLD - 0.2


def test_a_mirrored_copy_is_recognised_when_it_is_looked_at_in_a_mirror() -> None:
    picture = film(2)
    mirrored = np.ascontiguousarray(picture[:, ::-1])
    assert agreement(look_at(picture, turn=Turn.MIRRORED), look_at(mirrored)) > 0.99
    assert agreement(look_at(picture), look_at(mirrored)) < THRESHOLD


def test_constant_pictures_are_never_copies_by_their_detail() -> None:
    flat = look_at(np.full((224, 224), 90, np.uint8))
    assert agreement(flat, flat) == 0.0
