"""Stain normalisation."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medclf.pixels.transforms.stain import (
    PathologyOptions,
    Stain,
    find_stains,
    normalise_stain,
    prepare_pathology,
)

REFERENCE_VALUES = Path(__file__).parents[3] / "validation" / "reference"
REFERENCE = np.array([[0.5626, 0.2159], [0.7201, 0.8012], [0.4062, 0.5581]])
OTHER = np.array([[0.65, 0.10], [0.68, 0.95], [0.34, 0.30]])


def _field(stains: np.ndarray, strength: float = 1.0) -> np.ndarray:
    """Mix two stains: pure haematoxylin, pure eosin and everything between."""
    rng = np.random.default_rng(8)
    amounts = rng.uniform(0.05, 1, (2, 128 * 128)) * np.array([[1.9], [1.0]]) * strength
    amounts[0, :2000], amounts[1, 2000:4000] = 0.01, 0.01
    light = 240 * np.exp(-(stains / np.linalg.norm(stains, axis=0)) @ amounts)
    return np.rint(light.clip(0, 255)).astype(np.uint8).T.reshape(128, 128, 3)


@pytest.mark.parametrize("method", [Stain.MACENKO, Stain.REINHARD])
def test_two_laboratories_become_alike(method):
    one, two = _field(REFERENCE), _field(OTHER, 0.7)
    before = np.abs(one.mean(axis=(0, 1)) - two.mean(axis=(0, 1))).max()
    first, second = normalise_stain(one, method), normalise_stain(two, method)
    after = np.abs(first.mean(axis=(0, 1)) - second.mean(axis=(0, 1))).max()
    assert before > 20
    assert after < 0.35 * before


def test_macenko_leaves_the_reference_stain_nearly_alone():
    field = _field(REFERENCE)
    change = np.abs(normalise_stain(field, Stain.MACENKO).astype(int) - field)
    assert change.mean() < 12


def test_reinhard_reaches_the_published_mean():
    lms = np.array([[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]])
    lab = np.diag([3**-0.5, 6**-0.5, 2**-0.5]) @ np.array([[1, 1, 1], [1, 1, -2], [1, -1, 0]])
    flat = normalise_stain(_field(OTHER), Stain.REINHARD).reshape(-1, 3).astype(float)
    values = np.log(np.maximum(flat, 1) @ lms.T) @ lab.T
    assert np.allclose(values.mean(axis=0), [8.74108109, -0.12440419, 0.0444982], atol=0.15)


@pytest.mark.parametrize("method", Stain)
def test_glass_comes_back_unchanged(method):
    glass = np.full((64, 64, 3), 243, np.uint8)
    assert np.array_equal(normalise_stain(glass, method), glass)


@pytest.mark.parametrize("method", Stain)
def test_one_colour_does_not_break_it(method):
    field = np.full((64, 64, 3), (150, 80, 160), np.uint8)
    assert np.array_equal(normalise_stain(field, method), field)


def test_off_is_the_default_and_padding_is_glass():
    field = _field(OTHER)[:64]
    square = prepare_pathology(field, size=128, options=PathologyOptions())
    assert np.array_equal(square[32:96], field)
    assert (square[:32] == 255).all()


@pytest.mark.parametrize("method", [Stain.MACENKO, Stain.REINHARD])
def test_result_equals_the_published_implementations(method):
    """validation/reference/stain.py made the values; those cut off what is here rounded."""
    reference = json.loads((REFERENCE_VALUES / "stain.json").read_text())
    field = np.array(reference["field"], np.uint8)
    found = normalise_stain(field, method).astype(int)
    off = found - np.array(reference[method.value])
    assert off.min() >= 0
    assert off.max() <= 1


@settings(max_examples=25, deadline=None)
@given(
    haematoxylin=st.tuples(st.floats(0.5, 0.7), st.floats(0.6, 0.8), st.floats(0.3, 0.5)),
    eosin=st.tuples(st.floats(0.15, 0.3), st.floats(0.7, 0.95), st.floats(0.3, 0.6)),
    strength=st.floats(0.8, 1.3),
    seed=st.integers(0, 1000),
)
def test_known_stain_vectors_are_recovered(haematoxylin, eosin, strength, seed):
    stains = np.array([haematoxylin, eosin]).T
    stains /= np.linalg.norm(stains, axis=0)
    rng = np.random.default_rng(seed)
    share = rng.beta(0.4, 0.4, 96 * 96)  # many pixels of nearly one stain alone
    amount = strength * rng.uniform(1.0, 1.8, share.size)
    light = 240 * np.exp(-stains @ np.stack([amount * share, amount * (1 - share)]))
    field = np.rint(light - 1).clip(0, 255).astype(np.uint8).T.reshape(96, 96, 3)
    found = find_stains(field)
    assert found is not None
    agreement = (found * stains).sum(axis=0)  # cosines
    assert np.degrees(np.arccos(agreement.clip(-1, 1))).max() < 2
    deep = find_stains(field.astype(np.uint16) * 257)
    assert np.allclose(deep, found)


def test_glass_and_one_stain_have_no_vectors():
    assert find_stains(np.full((32, 32, 3), 243, np.uint8)) is None
    assert find_stains(np.full((32, 32, 3), (150, 80, 160), np.uint8)) is None


@pytest.mark.parametrize("method", Stain)
def test_white_stays_white_beside_tissue_and_the_result_repeats(method):
    field = _field(OTHER)
    field[:40] = 255
    one = normalise_stain(field, method)
    assert one[:40].min() >= 250
    assert np.array_equal(one, normalise_stain(field.copy(), method))


@pytest.mark.parametrize("method", Stain)
def test_depth_does_not_change_the_colours(method):
    field = _field(OTHER)
    deep = normalise_stain(field.astype(np.uint16) * 257, method)
    assert deep.dtype == np.uint16
    assert np.abs(deep / 257 - normalise_stain(field, method)).max() <= 0.51


def test_reinhard_keeps_pale_eosin_apart_from_glass():
    """Eosin absorbs no red: it is tissue all the same, and not to be washed out."""
    rng = np.random.default_rng(2)
    field = np.full((96, 96, 3), (235, 160, 205), np.float64)  # pale cytoplasm
    field[:30] = (110, 60, 150)  # nuclei
    field[80:] = 244
    noisy = (field + rng.normal(0, 6, field.shape)).clip(0, 255).astype(np.uint8)
    found = normalise_stain(noisy, Stain.REINHARD)
    assert found[40:70].mean(axis=(0, 1))[1] < 225  # green is still absorbed
    assert np.abs(found[82:].astype(int) - noisy[82:]).mean() < 12  # glass keeps its colour
    assert found[40:70].mean() - found[:25].mean() > 40  # and nuclei their contrast
