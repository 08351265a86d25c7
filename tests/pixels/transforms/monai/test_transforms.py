"""The MONAI forms do what the plain functions do, on every layout that a pipeline may carry."""

import numpy as np
import pytest
import torch
from monai.data.meta_tensor import MetaTensor
from monai.transforms.compose import Compose
from monai.transforms.utility.dictionary import EnsureTyped

from medclf.dicom.instance import Kind
from medclf.errors import PixelsMisuse
from medclf.pixels.picture import Picture
from medclf.pixels.transforms.monai.area_resized import AreaResize, AreaResized
from medclf.pixels.transforms.monai.fundusd import Fundus, Fundusd
from medclf.pixels.transforms.monai.normalised import Normalised
from medclf.pixels.transforms.monai.pathologyd import Pathology, Pathologyd
from medclf.pixels.transforms.monai.prepared import Prepare, Prepared
from medclf.pixels.transforms.monai.stain_normalised import StainNormalise, StainNormalised
from medclf.pixels.transforms.monai.xrayd import Xray, Xrayd
from medclf.pixels.transforms.preprocessing import Preprocessing, geometry, normalise
from medclf.pixels.transforms.stain import Stain, normalise_stain

RNG = np.random.default_rng(10)
OF_KIND = [(Kind.XRAY, Xray, Xrayd), (Kind.FUNDUS, Fundus, Fundusd)]
OF_KIND.append((Kind.PATHOLOGY, Pathology, Pathologyd))
CONFIG = Preprocessing(kind=Kind.FUNDUS, size=64)
ALL = [
    (Xray, Xrayd, {"size": 64}),
    (Fundus, Fundusd, {"size": 64, "bits": 16}),
    (Pathology, Pathologyd, {"size": 64}),
    (StainNormalise, StainNormalised, {"method": Stain.MACENKO}),
    (AreaResize, AreaResized, {"size": 64}),
    (Prepare, Prepared, {"config": CONFIG}),
]


def _colour(height: int = 90, width: int = 120) -> np.ndarray:
    return RNG.integers(30, 226, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(("kind", "array_form", "key_form"), OF_KIND)
def test_pipeline_equals_geometry_and_normalise(kind, array_form, key_form):
    config = Preprocessing(kind=kind, size=64)
    picture = Picture(_colour(), "test", aspect=1.2, laterality="L")
    pipeline = Compose([key_form("image", size=64), Normalised("image", config=config)])
    found = pipeline({"image": picture, "label": 1})
    wanted = geometry(config)(picture)
    assert np.array_equal(array_form(size=64)(picture), wanted)
    assert torch.equal(found["image"], normalise(wanted[np.newaxis], config)[0])
    assert found["label"] == 1


@pytest.mark.parametrize(("array_form", "key_form", "options"), ALL)
def test_tensors_go_channel_first_and_keep_their_metadata(array_form, key_form, options):
    array = _colour()
    wanted = array_form(**options)(array)
    tensor = torch.from_numpy(array.transpose(2, 0, 1).copy())
    meta = MetaTensor(tensor, meta={"note": "kept"})
    for value in (tensor, meta):
        found = key_form("image", **options)({"image": value})["image"]
        first = wanted[np.newaxis] if wanted.ndim == 2 else wanted.transpose(2, 0, 1)
        assert np.array_equal(found.numpy(), first)
        assert type(found) is type(value)
    assert found.meta["note"] == "kept"


@pytest.mark.parametrize(("array_form", "key_form", "options"), ALL)
def test_input_is_left_alone_and_other_keys_pass(array_form, key_form, options):
    array = _colour()
    before = array.copy()
    data = {"image": array, "other": _colour(), "label": 3}
    found = key_form(["image", "absent"], allow_missing_keys=True, **options)(data)
    assert np.array_equal(array, before)
    assert data["image"] is array
    assert found["other"] is data["other"]
    assert "absent" not in found


@pytest.mark.parametrize(("array_form", "key_form", "options"), ALL)
def test_missing_keys_are_refused_unless_allowed(array_form, key_form, options):
    with pytest.raises(KeyError):
        key_form("image", **options)({"other": 1})


def test_result_is_fit_for_transforms_of_monai():
    pipeline = Compose([Xrayd("image", size=64), EnsureTyped("image", dtype=torch.float32)])
    assert pipeline({"image": _colour()})["image"].shape == (64, 64)


def test_normalised_tensor_equals_normalised_array():
    square = _colour(64, 64)
    first = torch.from_numpy(square.transpose(2, 0, 1).copy())
    form = Normalised("image", config=CONFIG)
    one, two = (form({"image": value})["image"] for value in (square, MetaTensor(first)))
    assert torch.equal(one, two)


def test_stain_transform_equals_the_function():
    field = _colour(32, 32)
    found = StainNormalised("image", method=Stain.MACENKO)({"image": field})["image"]
    assert np.array_equal(found, normalise_stain(field, Stain.MACENKO))


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((20, 20), np.float32),
        torch.zeros(1, 20, 20),
        np.zeros((20, 20, 4), np.uint8),
        torch.zeros(20, 20, 3, dtype=torch.uint8),
    ],
)
def test_other_types_and_shapes_are_refused(wrong):
    with pytest.raises(PixelsMisuse):
        Xray(size=32)(wrong)
