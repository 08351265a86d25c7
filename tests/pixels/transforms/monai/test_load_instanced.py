"""The loader goes through the checked door."""

import numpy as np
import pytest
from monai.transforms.compose import Compose

from medclf.dicom.instance import Limits, open_instance
from medclf.errors import InstanceRefused
from medclf.pixels.decode import decode
from medclf.pixels.transforms.monai.load_instanced import LoadInstance, LoadInstanced
from medclf.pixels.transforms.monai.xrayd import Xrayd
from medclf.reasons import Reason


def test_path_text_bytes_and_instance_give_the_decoded_picture(tmp_path, write_dicom):
    path = write_dicom(tmp_path / "film.dcm")
    wanted = decode(open_instance(path)).array
    for value in (path, str(path), path.read_bytes(), open_instance(path)):
        assert np.array_equal(LoadInstance()(value).array, wanted)


def test_pipeline_goes_from_path_to_square(tmp_path, write_png):
    pipeline = Compose([LoadInstanced("image"), Xrayd("image", size=32)])
    assert pipeline({"image": write_png(tmp_path / "a.png")})["image"].shape == (32, 32)


def test_refusal_is_the_cause_of_what_monai_raises(tmp_path):
    path = tmp_path / "text.png"
    path.write_text("no image")
    with pytest.raises(RuntimeError) as caught:
        Compose([LoadInstanced("image")])({"image": path})
    assert isinstance(caught.value.__cause__, InstanceRefused)
    assert caught.value.__cause__.reason is Reason.FORMAT_UNKNOWN


def test_limits_hold(tmp_path, write_png):
    with pytest.raises(InstanceRefused) as caught:
        LoadInstance(limits=Limits(pixels=100))(write_png(tmp_path / "a.png"))
    assert caught.value.reason is Reason.PIXELS_TOO_MANY
