"""Stain normalisation."""

import numpy as np
import pytest

from medclf.pixels.transforms.stain import (
    PathologyOptions,
    Stain,
    normalise_stain,
    prepare_pathology,
)

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
