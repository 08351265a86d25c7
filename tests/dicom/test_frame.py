"""One frame of many becomes an object that any decoder reads like the original's first."""

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import JPEGBaseline8Bit

from medclf.dicom.frame import first_frame
from medclf.dicom.instance import open_instance, parse_instance
from medclf.errors import PixelsRefused
from medclf.reasons import Reason

FRAMES = np.random.default_rng(0).integers(0, 4096, (3, 40, 30), dtype=np.uint16)


def several(tmp_path, write_dicom, **elements):
    held = {"NumberOfFrames": 3, "PixelData": FRAMES.tobytes(), **elements}
    return open_instance(write_dicom(tmp_path / "a.dcm", **held))


def test_the_first_frame_is_an_object_of_its_own(tmp_path, write_dicom):
    instance = several(tmp_path, write_dicom)
    first = first_frame(instance)
    assert first.acquisition.frames == 1
    assert first.digest == instance.digest
    again = parse_instance(first.data)
    for held in (first.dataset, again.dataset):
        np.testing.assert_array_equal(held.pixel_array, FRAMES[0])
    assert instance.dataset.NumberOfFrames == 3
    np.testing.assert_array_equal(instance.dataset.pixel_array, FRAMES)


def test_a_single_frame_comes_back_as_it_is(tmp_path, write_dicom):
    instance = open_instance(write_dicom(tmp_path / "a.dcm"))
    assert first_frame(instance) is instance


def test_the_window_of_the_frame_goes_with_it(tmp_path, write_dicom):
    item, group = Dataset(), Dataset()
    group.WindowCenter, group.WindowWidth = 300, 50
    item.FrameVOILUTSequence = [group]
    instance = several(
        tmp_path, write_dicom, PerFrameFunctionalGroupsSequence=[item], WindowCenter=1
    )
    dataset = first_frame(instance).dataset
    assert (dataset.WindowCenter, dataset.WindowWidth) == (300, 50)
    assert "PerFrameFunctionalGroupsSequence" not in dataset


def test_a_frame_that_is_not_there_is_refused(tmp_path, write_dicom):
    instance = several(tmp_path, write_dicom)
    instance.dataset.PixelData = b"\0" * 100
    with pytest.raises(PixelsRefused) as refusal:
        first_frame(instance)
    assert refusal.value.reason is Reason.TRUNCATED


@pytest.mark.shared
def test_the_first_tile_of_a_real_slide_equals_pydicoms(shared_data):
    for name in ("sm_image.dcm", "sm_image_jpegls.dcm"):
        path = shared_data / "dicom" / "highdicom" / "data" / "test_files" / name
        first = parse_instance(first_frame(open_instance(path)).data)
        expected = pydicom.pixels.pixel_array(path, index=0)
        np.testing.assert_array_equal(pydicom.pixels.pixel_array(first.dataset), expected)


def test_an_encapsulated_frame_keeps_its_syntax(tmp_path, write_dicom):
    frames = [b"\xff\xd8\xff\xd9", b"\xff\xd8\x00\x00\xff\xd9"]
    path = write_dicom(tmp_path / "a.dcm")
    dataset = pydicom.dcmread(path)
    dataset.PixelData = pydicom.encaps.encapsulate(frames)
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.NumberOfFrames = 2
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit = 7
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    dataset.save_as(path)
    first = parse_instance(first_frame(open_instance(path)).data)
    assert first.acquisition.transfer_syntax_uid == JPEGBaseline8Bit
    kept = pydicom.encaps.get_frame(first.dataset.PixelData, 0, number_of_frames=1)
    assert kept == frames[0]
