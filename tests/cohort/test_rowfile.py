from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medclf.cohort.rowfile import RowFile

SHAPE = (5, 4, 3)


def row(value: int) -> np.ndarray:
    return np.full(SHAPE[1:], value, dtype=np.uint8)


def test_written_rows_are_whole_and_the_others_missing(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    with RowFile.open(path, shape=SHAPE) as rows:
        assert rows.missing() == [0, 1, 2, 3, 4]
        rows.write(1, row(7))
        rows.write(3, row(0))
    with RowFile.open(path, shape=SHAPE) as rows:
        assert rows.missing() == [0, 2, 4]
    array = np.load(path, mmap_mode="r")
    assert array.shape == SHAPE
    assert (array[1] == 7).all()


@given(st.integers(0, 4), st.integers(0, 11), st.integers(1, 255))
def test_a_damaged_row_is_missing_again(tmp_path_factory, number, place, change) -> None:
    path = tmp_path_factory.mktemp("rows") / "a.npy"
    with RowFile.open(path, shape=SHAPE) as rows:
        for index in range(5):
            rows.write(index, row(index))
    array = np.load(path, mmap_mode="r+")
    array.reshape(5, 12)[number, place] ^= change
    array.flush()
    with RowFile.open(path, shape=SHAPE) as rows:
        assert rows.missing() == [number]


def test_a_file_of_another_shape_or_size_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    for change in ("shape", "cut", "marks"):
        with RowFile.open(path, shape=SHAPE) as rows:
            for index in range(5):
                rows.write(index, row(index))
        if change == "cut":
            path.write_bytes(path.read_bytes()[:-1])
        if change == "marks":
            path.with_suffix(".marks").unlink()
        shape = (2, 4, 3) if change == "shape" else SHAPE
        with RowFile.open(path, shape=shape) as rows:
            assert rows.missing() == list(range(shape[0]))


def test_a_row_of_another_shape_or_type_is_refused(tmp_path: Path) -> None:
    with RowFile.open(tmp_path / "a.npy", shape=SHAPE) as rows:
        for wrong in (np.zeros((3, 4), np.uint8), np.zeros((4, 3), np.float32)):
            with pytest.raises(ValueError, match="expected"):
                rows.write(0, wrong)
