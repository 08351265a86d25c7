"""One description for training and service."""

import subprocess
import sys

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
)
def test_shape_depends_on_the_configuration_alone(kind, height, width, colour, deep, channels):
    config = Preprocessing(kind=kind, size=48, **(GREY if channels == 1 else {}))
    rng = np.random.default_rng(height * 1000 + width)
    shape = (height, width, 3) if colour else (height, width)
    dtype = np.uint16 if deep else np.uint8
    array = rng.integers(0, np.iinfo(dtype).max, shape).astype(dtype)
    square = geometry(config)(Picture(array, "test"))
    grey = kind is Kind.XRAY or channels == 1
    assert square.shape == ((48, 48) if grey else (48, 48, 3))
    assert square.dtype == np.uint8
    again = geometry(config)(Picture(array, "test"))
    assert np.array_equal(square, again)
    assert normalise(square[None], config).shape == (1, channels, 48, 48)


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
        {"version": 2},
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
