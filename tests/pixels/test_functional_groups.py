"""Enhanced multi-frame objects: each frame is shown by its own rescale and window."""

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut, apply_voi_lut, pixel_array
from pydicom.sequence import Sequence

from medclf.dicom.instance import open_instance
from medclf.errors import PixelsRefused
from medclf.pixels.decode import decode, decode_frames
from medclf.pixels.functional_groups import of_frame
from medclf.reasons import Reason

FRAMES = (np.arange(2 * 40 * 50).reshape(2, 40, 50) % 4096).astype(np.uint16)


def _group(name: str, **elements: object) -> Dataset:
    inner, item = Dataset(), Dataset()
    for keyword, value in elements.items():
        setattr(inner, keyword, value)
    setattr(item, name, Sequence([inner]))
    return item


@pytest.fixture
def enhanced(make_instance):
    return make_instance(
        FRAMES.reshape(80, 50),
        Rows=40,
        NumberOfFrames=2,
        BitsStored=12,
        SharedFunctionalGroupsSequence=Sequence(
            [_group("PixelValueTransformationSequence", RescaleSlope="2", RescaleIntercept="-10")]
        ),
        PerFrameFunctionalGroupsSequence=Sequence(
            [
                _group("FrameVOILUTSequence", WindowCenter="1000", WindowWidth="500"),
                _group("FrameVOILUTSequence", WindowCenter="6000", WindowWidth="3000"),
            ]
        ),
    )


def test_each_frame_has_its_window_and_the_shared_rescale(enhanced, make_instance):
    windows = (("1000", "500"), ("6000", "3000"))
    for number, (centre, width) in enumerate(windows):
        single = make_instance(
            FRAMES[number],
            BitsStored=12,
            RescaleSlope="2",
            RescaleIntercept="-10",
            WindowCenter=centre,
            WindowWidth=width,
        )
        found = decode(enhanced, frame=number).array
        assert np.array_equal(found, decode(single).array)


def test_frames_come_one_after_the_other(enhanced):
    arrays = [picture.array for picture in decode_frames(enhanced)]
    assert len(arrays) == 2
    for number, array in enumerate(arrays):
        assert np.array_equal(array, decode(enhanced, frame=number).array)


def test_object_without_functional_groups_speaks_for_itself(make_instance):
    dataset = make_instance(FRAMES[0]).dataset
    assert of_frame(dataset, 0) is dataset


def test_frame_without_functional_groups_is_refused(enhanced):
    del enhanced.dataset.PerFrameFunctionalGroupsSequence[1]
    with pytest.raises(PixelsRefused) as caught:
        decode(enhanced, frame=1)
    assert caught.value.reason is Reason.MALFORMED


def test_spacing_in_the_functional_groups_gives_the_aspect(make_instance):
    shared = Sequence([_group("PixelMeasuresSequence", PixelSpacing=["0.6", "0.3"])])
    instance = make_instance(FRAMES[0], SharedFunctionalGroupsSequence=shared)
    assert decode(instance).aspect == pytest.approx(2)


@pytest.mark.shared
def test_real_enhanced_ct_looks_as_pydicom_shows_it(shared_data):
    folder = shared_data / "dicom/pydicom-data/data_store/data"
    instance = open_instance(folder / "eCT_Supplemental.dcm")
    values = pixel_array(instance.dataset, index=1)
    said = of_frame(instance.dataset, 1)
    said.PhotometricInterpretation, said.BitsStored, said.PixelRepresentation = "MONOCHROME2", 16, 0
    shown = apply_voi_lut(apply_modality_lut(values, said), said)
    low = float(said.RescaleIntercept)
    expected = (shown - low) / (65535 * float(said.RescaleSlope)) * 65535
    assert np.abs(decode(instance, frame=1).array - expected).max() <= 1
