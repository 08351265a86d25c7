import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medclf.cohort.fingerprint import CROPS, TURNS, Turn, fingerprints, grey_of, turned
from medclf.dicom.kind import Kind


def picture_of(seed: int, side: int = 96) -> np.ndarray:
    """Smooth random blobs, as different from each other as pictures are."""
    generator = np.random.default_rng(seed)
    coarse = generator.normal(size=(12, 12))
    whole = np.kron(coarse, np.ones((side // 12, side // 12)))
    return np.clip(128 + 50 * whole, 0, 255).astype(np.uint8)


def differing(a: np.ndarray, b: np.ndarray) -> int:
    return int(np.bitwise_count(a ^ b).sum())


@pytest.mark.parametrize("turn", list(Turn))
def test_a_turn_of_the_coefficients_is_a_turn_of_the_picture(turn: Turn) -> None:
    picture = picture_of(1)
    by_coefficients = fingerprints(picture, tuple(Turn))[list(Turn).index(turn)]
    by_picture = fingerprints(np.ascontiguousarray(turned(picture, turn)), (Turn.NONE,))[0]
    assert differing(by_coefficients, by_picture) <= 4  # the median may fall between two others


def test_the_eight_turns_are_those_that_numpy_knows() -> None:
    picture = picture_of(2, 24)
    known = [np.rot90(p, k) for p in (picture, picture[:, ::-1]) for k in range(4)]
    found = [turned(picture, turn) for turn in Turn]
    assert {p.tobytes() for p in known} == {np.ascontiguousarray(p).tobytes() for p in found}
    assert np.array_equal(turned(picture, Turn.LEFT), np.rot90(picture))
    assert np.array_equal(turned(picture, Turn.MIRRORED), picture[:, ::-1])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.5, 1.0), st.integers(0, 40))
def test_brightness_hardly_changes_a_fingerprint(seed: int, gain: float, lift: int) -> None:
    picture = picture_of(seed)
    paler = np.clip(picture * gain + lift, 0, 255).astype(np.uint8)
    a, b = (fingerprints(p, (Turn.NONE,))[0] for p in (picture, paler))
    assert differing(a, b) <= 40


def test_different_pictures_differ_in_about_half_of_the_bits() -> None:
    prints = [fingerprints(picture_of(seed), (Turn.NONE,))[0] for seed in range(20)]
    counts = [differing(a, b) for i, a in enumerate(prints) for b in prints[:i]]
    assert 110 < np.mean(counts) < 146
    assert min(counts) > 80


def test_a_trimmed_copy_is_near_the_crop_of_its_original() -> None:
    picture = picture_of(3, 240)
    trimmed = picture[6:-6, 6:-6]
    original = fingerprints(picture, (Turn.NONE,))
    copy = fingerprints(trimmed, (Turn.NONE,))[0]
    assert len(original) == len(CROPS)
    assert differing(original[1], copy) < differing(original[0], copy)


def test_colour_becomes_luminance_and_every_kind_has_turns() -> None:
    grey = picture_of(4)
    assert np.array_equal(grey_of(np.repeat(grey[:, :, None], 3, axis=2)), grey)
    assert set(TURNS) == set(Kind)
    assert all(turns[0] is Turn.NONE for turns in TURNS.values())
