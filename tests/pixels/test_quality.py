"""Unusable pictures are named, usable ones pass."""

import random

import cv2
import numpy as np
import pytest

from medclf.dicom.instance import Kind, open_instance
from medclf.pixels.decode import decode
from medclf.pixels.picture import Picture
from medclf.pixels.quality import assess
from medclf.reasons import Reason

RNG = np.random.default_rng(4)


def _retina(height: int = 300, width: int = 400) -> np.ndarray:
    array = np.zeros((height, width, 3), np.uint8)
    cv2.circle(array, (width // 2, height // 2), 140, (190, 90, 40), -1)
    cv2.circle(array, (width // 2 + 60, height // 2), 20, (250, 200, 120), -1)
    return array


def _tissue() -> np.ndarray:
    array = np.full((200, 200, 3), (225, 170, 215), np.uint8)
    for x, y in RNG.integers(0, 200, (40, 2)):
        cv2.circle(array, (int(x), int(y)), 6, (90, 50, 140), -1)
    return array


def _film() -> np.ndarray:
    return np.add.outer(np.arange(200), np.arange(200)).astype(np.uint16) * 150


USABLE = {Kind.XRAY: _film(), Kind.FUNDUS: _retina(), Kind.PATHOLOGY: _tissue()}


@pytest.mark.parametrize("kind", Kind)
def test_usable_pictures_pass(kind):
    assert assess(Picture(USABLE[kind], "test"), kind) == ()


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("level", [0, 30, 128, 255])
def test_one_level_is_blank(kind, level):
    array = np.full((200, 200, 3), level, np.uint8)
    assert Reason.BLANK in assess(Picture(array, "test"), kind)


@pytest.mark.parametrize("kind", Kind)
def test_small_pictures_are_too_small(kind):
    assert assess(Picture(USABLE[kind][:63], "test"), kind) == (Reason.TOO_SMALL,)


def test_film_and_tissue_are_no_retina():
    for kind in (Kind.XRAY, Kind.PATHOLOGY):
        assert Reason.RETINA_NOT_FOUND in assess(Picture(USABLE[kind], "test"), Kind.FUNDUS)


def test_grey_disc_is_no_retina():
    grey = cv2.cvtColor(_retina(), cv2.COLOR_RGB2GRAY)
    for array in (grey, np.repeat(grey[..., None], 3, axis=2)):
        assert Reason.RETINA_NOT_FOUND in assess(Picture(array, "test"), Kind.FUNDUS)


def test_empty_glass_has_no_tissue():
    glass = np.clip(RNG.normal((236, 232, 238), 4, (224, 224, 3)), 0, 255).astype(np.uint8)
    assert Reason.TISSUE_NOT_FOUND in assess(Picture(glass, "test"), Kind.PATHOLOGY)


def test_retina_and_film_are_no_tissue():
    for kind in (Kind.XRAY, Kind.FUNDUS):
        assert assess(Picture(USABLE[kind], "test"), Kind.PATHOLOGY) != ()


def test_colour_photographs_are_no_radiographs():
    assert Reason.KIND_WRONG in assess(Picture(_tissue(), "test"), Kind.XRAY)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("xray_pneumonia", Kind.XRAY),
        ("xray_ood", Kind.XRAY),
        ("fundus_dr", Kind.FUNDUS),
        ("pathology_lung", Kind.PATHOLOGY),
    ],
)
def test_no_real_picture_is_refused_for_its_kind(shared_data, folder, kind):
    files = sorted(path for path in (shared_data / folder / "images").rglob("*") if path.is_file())
    chosen = random.Random(0).sample(files, min(300, len(files)))
    pictures = (decode(open_instance(path)) for path in chosen)
    assert [assess(picture, kind) for picture in pictures] == [()] * len(chosen)


@pytest.mark.shared
@pytest.mark.parametrize("folder", ["xray_pneumonia", "xray_ood", "pathology_lung"])
def test_no_other_real_picture_passes_for_a_retina(shared_data, folder):
    files = sorted(path for path in (shared_data / folder / "images").rglob("*") if path.is_file())
    for path in random.Random(1).sample(files, 60):
        assert Reason.RETINA_NOT_FOUND in assess(decode(open_instance(path)), Kind.FUNDUS)
