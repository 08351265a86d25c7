"""One description for training and service."""

import subprocess
import sys

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medclf.config import parse
from medclf.dicom.instance import Kind
from medclf.errors import ConfigError, PixelsMisuse
from medclf.pixels.picture import Picture
from medclf.pixels.transforms.preprocessing import Preprocessing, geometry, normalise

GREY = {"mean": (0.5,), "std": (0.25,), "channels": 1}


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(Kind),
    height=st.integers(1, 300),
    width=st.integers(1, 300),
    colour=st.booleans(),
    deep=st.booleans(),
    channels=st.sampled_from([1, 3]),
    bits=st.sampled_from([8, 16]),
    aspect=st.sampled_from([1.0, 0.5, 1.7]),
)
def test_shape_depends_on_the_configuration_alone(
    kind, height, width, colour, deep, channels, bits, aspect
):
    options = {"xray": {"collimation": True}, "pathology": {"stain": "macenko"}}
    grey_options = GREY if channels == 1 else {}
    config = Preprocessing(kind=kind, size=48, bits=bits, **options, **grey_options)
    rng = np.random.default_rng(height * 1000 + width)
    shape = (height, width, 3) if colour else (height, width)
    dtype = np.uint16 if deep else np.uint8
    array = rng.integers(0, np.iinfo(dtype).max, shape).astype(dtype)
    square = geometry(config)(Picture(array, "test", aspect=aspect))
    grey = kind is Kind.XRAY or channels == 1
    assert square.shape == ((48, 48) if grey else (48, 48, 3))
    assert square.dtype == (np.uint8 if bits == 8 else np.uint16)
    again = geometry(config)(Picture(array, "test", aspect=aspect))
    assert np.array_equal(square, again)
    unit = normalise(square[None], config)
    assert unit.shape == (1, channels, 48, 48)
    assert torch.isfinite(unit).all()


def test_normalised_values_follow_the_formula():
    config = Preprocessing(kind=Kind.FUNDUS, size=32)
    batch = np.random.default_rng(9).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    expected = (batch / 255 - np.array(config.mean)) / np.array(config.std)
    found = normalise(batch, config)
    assert found.dtype == torch.float32
    assert np.allclose(found.numpy(), expected.transpose(0, 3, 1, 2), atol=1e-5)
    assert torch.equal(found, normalise(torch.from_numpy(batch), config))


def test_grey_is_repeated_for_three_channels():
    config = Preprocessing(kind=Kind.XRAY, size=32, mean=(0.5,) * 3, std=(0.5,) * 3)
    out = normalise(np.full((2, 32, 32), 255, np.uint8), config)
    assert torch.equal(out, torch.ones(2, 3, 32, 32))


def test_wrong_batches_are_refused():
    config = Preprocessing(kind=Kind.XRAY, size=32, **GREY)
    with pytest.raises(PixelsMisuse, match="uint8"):
        normalise(torch.zeros(1, 32, 32), config)
    with pytest.raises(PixelsMisuse, match="shape"):
        normalise(np.zeros((1, 32, 32, 3), np.uint8), config)


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": 16},
        {"channels": 1},
        {"std": (1, 1, 0)},
        {"colour": True},
        {"version": 3},
        {"kind": "pathology", "pathology": {"stain": "reinhard"}, "version": 1},
        {"xray": {"window_low": 50}},
    ],
)
def test_impossible_configurations_are_refused(wrong):
    with pytest.raises(ConfigError):
        parse({"kind": "xray", "size": 224, **wrong}, Preprocessing, where="study.yaml")


def test_description_survives_json():
    config = Preprocessing(kind=Kind.PATHOLOGY, size=224, pathology={"stain": "macenko"})
    assert Preprocessing.model_validate_json(config.model_dump_json()) == config


def test_geometry_starts_without_torch_and_monai():
    code = (
        "import sys, medclf.pixels.transforms.preprocessing, medclf.pixels.decode;"
        "sys.exit(any(name in sys.modules for name in ('torch', 'monai')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_serving_starts_without_monai():
    code = (
        "import sys, medclf.pixels.transforms.normalise, medclf.pixels.quality;"
        "sys.exit('monai' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("kind", Kind)
def test_sixteen_bits_are_the_same_picture_only_finer(kind):
    rng = np.random.default_rng(3)
    array = cv2.resize(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8), (240, 180))
    eight, sixteen = (
        geometry(Preprocessing(kind=kind, size=64, bits=bits))(Picture(array, "test"))
        for bits in (8, 16)
    )
    assert np.abs(sixteen / 257 - eight).max() <= 2
    assert len(np.unique(sixteen)) > len(np.unique(eight))
    config = Preprocessing(kind=kind, size=64)
    gap = normalise(sixteen[None], config) - normalise(eight[None], config)
    assert float(gap.abs().max()) < 2 / 255 / min(config.std) + 1e-6


@pytest.mark.parametrize("kind", Kind)
def test_a_circle_of_oblong_pixels_is_round_again(kind):
    true = np.zeros((200, 200, 3), np.uint8)
    cv2.circle(true, (100, 100), 80, (200, 120, 90), -1)
    squeezed = cv2.resize(true, (200, 100), interpolation=cv2.INTER_AREA)  # pixels 2 high, 1 wide
    options = {"xray": {"crop_border": False}, "fundus": {"crop_disc": False}}
    see = geometry(Preprocessing(kind=kind, size=64, **options))
    found = see(Picture(squeezed, "test", aspect=2.0)).astype(int)
    assert np.abs(found - see(Picture(true, "test"))).mean() < 4


def test_laterality_of_the_picture_reaches_the_eye():
    rng = np.random.default_rng(3)
    array = cv2.resize(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8), (240, 180))
    config = Preprocessing(kind=Kind.FUNDUS, size=64, fundus={"laterality": "right"})
    left = geometry(config)(Picture(array, "test", laterality="L"))
    right = geometry(config)(Picture(array[:, ::-1], "test", laterality="R"))
    assert np.array_equal(left, right)


def test_packages_of_version_one_are_read_on():
    old = {"kind": "xray", "size": 64, "version": 1, "xray": {"crop_border": True}}
    config = parse(old, Preprocessing, where="model.json")
    array = np.random.default_rng(3).integers(0, 256, (90, 80), dtype=np.uint8)
    new = Preprocessing(kind=Kind.XRAY, size=64)
    assert np.array_equal(*(geometry(c)(Picture(array, "test")) for c in (config, new)))
