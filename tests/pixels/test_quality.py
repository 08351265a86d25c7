"""Unusable pictures are named, usable ones pass."""

import random

import cv2
import numpy as np
import pytest

from medclf.dicom.instance import Kind, open_instance
from medclf.pixels.decode import decode
from medclf.pixels.picture import Picture
from medclf.pixels.quality import Measurements, QualityThresholds, assess, judge, measure
from medclf.pixels.transforms.resample import as_uint8
from medclf.reasons import Reason

RNG = np.random.default_rng(4)


def _retina(height: int = 300, width: int = 400) -> np.ndarray:
    array = np.zeros((height, width, 3), np.uint8)
    cv2.circle(array, (width // 2, height // 2), 140, (190, 90, 40), -1)
    cv2.circle(array, (width // 2 + 60, height // 2), 20, (250, 200, 120), -1)
    x, y = width // 2, height // 2
    for offset in range(-100, 101, 20):  # vessels
        cv2.line(array, (x - 90, y + offset // 2), (x + 90, y + offset), (150, 50, 25), 2)
    return array


def _tissue() -> np.ndarray:
    array = np.full((200, 200, 3), (225, 170, 215), np.uint8)
    for x, y in RNG.integers(0, 200, (40, 2)):
        cv2.circle(array, (int(x), int(y)), 6, (90, 50, 140), -1)
    return array


def _film() -> np.ndarray:
    film = np.add.outer(np.arange(300), np.arange(300)).astype(np.uint16) * 100
    for row in range(20, 300, 30):  # ribs
        cv2.line(film, (0, row), (299, row + 15), 50_000, 3)
    return film


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


@pytest.mark.parametrize("kind", Kind)
def test_a_strong_blur_is_found_and_a_slight_one_is_not(kind):
    sharp = as_uint8(USABLE[kind])
    for share, expected in ((0.002, False), (0.05, True)):
        blurred = cv2.GaussianBlur(sharp, (0, 0), share * max(sharp.shape))
        assert (Reason.BLURRED in assess(Picture(blurred, "test"), kind)) is expected


@pytest.mark.parametrize(("kind", "black"), [(Kind.XRAY, 150), (Kind.FUNDUS, 90)])
def test_levels_pushed_to_the_end_of_the_scale_are_saturated(kind, black):
    levels = as_uint8(USABLE[kind]).astype(np.float32)
    bright = np.clip(levels * 5, 0, 255).astype(np.uint8)
    assert Reason.SATURATED in assess(Picture(bright, "test"), kind)
    dark = np.clip((levels - black) * 1.5, 0, 255).astype(np.uint8)
    assert Reason.SATURATED in assess(Picture(dark, "test"), kind)


def test_collimation_does_not_count_as_saturated():
    framed = np.zeros((600, 600), np.uint8)
    framed[100:400, 100:400] = as_uint8(_film())
    assert assess(Picture(framed, "test"), Kind.XRAY) == ()


@pytest.mark.parametrize("kind", Kind)
def test_text_is_measured_always_and_refuses_only_where_a_study_says_so(kind):
    array = cv2.resize(as_uint8(USABLE[kind]), (600, 600))
    assert measure(Picture(array, "test"), kind).longest_text_letters < 3
    cv2.putText(array, "DOE 1957", (20, 560), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (255,) * 3, 2)
    picture = Picture(array, "test")
    assert measure(picture, kind).longest_text_letters >= 3
    assert assess(picture, kind) == ()
    assert assess(picture, kind, refuse_text=True) == (Reason.BURNED_IN_TEXT,)


def test_a_side_marker_is_no_text():
    film = cv2.resize(as_uint8(_film()), (600, 600))
    cv2.putText(film, "L", (520, 60), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 255, 3)
    assert assess(Picture(film, "test"), Kind.XRAY, refuse_text=True) == ()


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("shape", [(1, 1), (5, 4000), (16, 16), (17, 3000), (70, 5000)])
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_any_shape_is_measured(kind, shape, depth):
    noise = RNG.integers(0, np.iinfo(depth).max, (*shape, 3), depth, endpoint=True)
    for array in (noise, noise[..., 0]):
        found = measure(Picture(array, "test"), kind)
        assert found.shortest_side_px == min(shape)
        assert 0 <= found.blur <= 1
        assess(Picture(array, "test"), kind)


def test_a_threshold_decides_and_not_the_code():
    found = Measurements(shortest_side_px=100, spread_levels=50, blur=0.5)
    assert judge(found, Kind.XRAY) == ()
    strict = QualityThresholds(most_blur=0.4)
    assert judge(found, Kind.XRAY, thresholds=strict) == (Reason.BLURRED,)


def test_of_a_blank_picture_nothing_else_is_said():
    found = Measurements(shortest_side_px=100, spread_levels=0, blur=1, white_share=1)
    assert judge(found, Kind.XRAY) == (Reason.BLANK,)


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
