"""Large values are left in the file's own memory, and come out when they are asked for."""

import copy
import hashlib
import pickle
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset

from medclf.dicom.in_place import bytes_of
from medclf.dicom.instance import open_instance
from medclf.dicom.limits import Limits
from medclf.dicom.parsing import parse_dataset

LIMITS = Limits()
LARGE = np.arange(400 * 300, dtype=np.uint16).reshape(400, 300)


@pytest.fixture
def film(tmp_path, write_dicom) -> bytes:
    path = tmp_path / "film.dcm"
    write_dicom(path, Rows=400, Columns=300, BitsStored=16, HighBit=15, PixelData=LARGE.tobytes())
    return path.read_bytes()


def test_view_shares_the_memory_of_the_file(film):
    pixels = np.frombuffer(bytes_of(parse_dataset(film, LIMITS), "PixelData"), np.uint16)
    assert np.array_equal(pixels, LARGE.ravel())
    assert np.shares_memory(pixels, np.frombuffer(film, np.uint8))


def test_value_comes_out_whole_when_asked_for_and_in_every_copy(film):
    dataset = parse_dataset(film, LIMITS)
    copies = [copy.deepcopy(dataset), pickle.loads(pickle.dumps(dataset)), dataset]
    assert all(one.PixelData == LARGE.tobytes() for one in copies)
    assert bytes_of(dataset, "PixelData") == LARGE.tobytes()


def test_object_is_written_as_it_was_read(film):
    stream = BytesIO()
    parse_dataset(film, LIMITS).save_as(stream)
    assert stream.getvalue() == film


def _pixel_data(dataset: Dataset, together: threading.Barrier) -> bytes:
    together.wait()
    return dataset.PixelData


def test_many_threads_read_one_data_set_at_once(film):
    switching = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            for _ in range(200):
                dataset, together = parse_dataset(film, LIMITS), threading.Barrier(4)
                calls = [pool.submit(_pixel_data, dataset, together) for _ in range(4)]
                assert [call.result() for call in calls] == [LARGE.tobytes()] * 4
    finally:
        sys.setswitchinterval(switching)


def test_deflated_objects_are_inflated_as_usual():
    path = Path(get_testdata_file("image_dfl.dcm", download=False))
    dataset = parse_dataset(path.read_bytes(), LIMITS)
    assert bytes(bytes_of(dataset, "PixelData")) == pydicom.dcmread(path).PixelData


def test_digest_is_that_of_the_file(tmp_path, film):
    path = tmp_path / "again.dcm"
    path.write_bytes(film)
    assert open_instance(path).digest == "sha256:" + hashlib.sha256(film).hexdigest()
