"""The grey-scale pipeline against DCMTK on real films and slices, and its own shortcuts."""

import subprocess

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from medclf.dicom.instance import open_instance
from medclf.pixels.decode import decode
from medclf.pixels.grey import render_grey
from medclf.pixels.stored import Stored
from medclf.pixels.window import read_lookup, read_window

# DCMTK cuts off where medclf rounds, and goes through tables of 12 bits.
_DCMTK_LEVELS = 1.2


@pytest.mark.shared
@pytest.mark.parametrize(
    "name",
    [
        "693_UNCI",
        "JPEG-LL",
        "JPEG2000_UNC",
        "MR-SIEMENS-DICOM-WithOverlays",
        "MR2_UNCR",
        "RG2_JPLY",
        "RG2_JPLL",
        "JPEGLossless_1s_1f_u_16_12",
        "ct_image",
        "dx_image",
        "MRImageStorage_ExplicitVRBigEndian",
        "RTImageStorage",
    ],
)
def test_real_pictures_look_as_dcmtk_shows_them(shared_data, program, tmp_path, name):
    path = next((shared_data / "dicom").rglob(f"{name}.dcm"))
    instance = open_instance(path)
    asked = ["+Wm"]  # the values found, from the lowest to the highest
    if read_lookup(instance.dataset, "VOILUTSequence"):
        asked = ["+Wl", "1"]
    elif read_window(instance.dataset):
        asked = ["+Wi", "1"]
    shown = tmp_path / "shown.pgm"
    command = [program("dcmj2pnm"), "--write-raw-pnm", "-O", *asked, str(path), str(shown)]
    subprocess.run(command, check=True, capture_output=True)
    wanted = cv2.imread(str(shown), cv2.IMREAD_UNCHANGED).astype(float)
    array = decode(instance).array
    found = array / 257 if array.dtype == np.uint16 else array.astype(float)
    assert np.abs(found - wanted).max() <= _DCMTK_LEVELS


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 99),
    slope=st.sampled_from([1.0, -1.0, 0.25]),
    signed=st.booleans(),
    padded=st.booleans(),
    junk=st.booleans(),
)
def test_stretch_runs_from_the_lowest_to_the_highest_value_found(seed, slope, signed, padded, junk):
    random = np.random.default_rng(seed)
    values = random.integers(-700 if signed else 90, 1900, (9, 11))
    patterns = (values & 0xFFF).astype(np.uint16)
    if junk:
        patterns |= random.integers(0, 16, patterns.shape).astype(np.uint16) << 12
    dataset = Dataset()
    dataset.RescaleSlope, dataset.RescaleIntercept = slope, 3
    if padded:
        dataset.PixelPaddingValue = int(values[0, 0])
    stored = Stored(
        patterns=patterns, shift=0, bits=12, signed=signed, photometric="MONOCHROME2", decoder=""
    )
    kept = np.ones(values.shape, bool) if not padded else values != values[0, 0]
    mapped = values * slope
    low, high = mapped[kept].min(), mapped[kept].max()
    expected = np.where(kept, np.rint((mapped - low) / (high - low) * 65535), 0)
    assert np.array_equal(render_grey(stored, dataset, bits_stored=12), expected)
