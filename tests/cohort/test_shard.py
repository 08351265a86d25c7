import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medclf.cohort.shard import RECORD, RowForm, Shard, delete, in_use, index_of, records_in
from medclf.cohort.shard_writer import ShardWriter

FORM = RowForm((4, 3), "uint8")
NAMES = st.binary(min_size=32, max_size=32)


def row(value: int, form: RowForm = FORM) -> np.ndarray:
    return np.full(form.shape, value, dtype=form.dtype)


def filled(folder: Path, values: list[int], form: RowForm = FORM) -> Path:
    writer = ShardWriter.create(folder, form)
    for value in values:
        writer.append(bytes([value]) * 32, row(value, form))
    writer.close()
    return writer.path


def damaged(path: Path, form: RowForm = FORM) -> list[int]:
    shard = Shard.open(path, form)
    assert shard is not None
    records = shard.records()
    found = shard.damaged(range(len(records)), records, threads=2)
    shard.close()
    return found


def flip(path: Path, offset: int, change: int = 1) -> None:
    with path.open("r+b") as stream:
        stream.seek(offset)
        byte = stream.read(1)[0]
        stream.seek(offset)
        stream.write(bytes([byte ^ change]))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(NAMES, st.integers(0, 65535)), min_size=1, max_size=30), st.booleans())
def test_what_was_added_is_read_back(tmp_path_factory, pairs, deep) -> None:
    form = RowForm((2, 5), "uint16" if deep else "uint8")
    writer = ShardWriter.create(tmp_path_factory.mktemp("shard"), form)
    values = [np.full(form.shape, value).astype(form.dtype) for _, value in pairs]
    for (name, _), value in zip(pairs, values, strict=True):
        writer.append(name, value)
    writer.close()
    shard = Shard.open(writer.path, form)
    records = shard.records()
    assert [bytes(n).ljust(32, b"\0") for n in records["digest"].tolist()] == [n for n, _ in pairs]
    assert np.array_equal(shard.rows(len(pairs)), np.array(values).reshape(-1, *form.shape))
    assert shard.damaged(range(len(pairs)), records, threads=1) == []
    assert not shard.rows(len(pairs)).flags.writeable
    shard.close()


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_changed_byte_anywhere_spoils_its_own_row_only(tmp_path_factory, data) -> None:
    path = filled(tmp_path_factory.mktemp("shard"), [1, 2, 3])
    file, size = data.draw(st.sampled_from([(path, 12), (index_of(path), RECORD.itemsize)]))
    offset = data.draw(st.integers(0, 3 * size - 1))
    flip(file, offset, data.draw(st.integers(1, 255)))
    assert damaged(path) == [offset // size]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 3 * RECORD.itemsize), st.integers(0, 36))
def test_files_cut_anywhere_never_give_a_row_that_was_not_written(
    tmp_path_factory, index_size, rows_size
) -> None:
    path = filled(tmp_path_factory.mktemp("shard"), [1, 2, 3])
    os.truncate(index_of(path), index_size)
    os.truncate(path, rows_size)
    shard = Shard.open(path, FORM)
    count = len(shard.records())
    assert count == min(index_size // RECORD.itemsize, rows_size // 12)
    assert np.array_equal(shard.rows(count), np.array([row(v) for v in (1, 2, 3)])[:count])
    shard.close()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 3 * RECORD.itemsize), st.integers(0, 36))
def test_a_cut_shard_goes_on_with_whole_rows(tmp_path_factory, index_size, rows_size) -> None:
    path = filled(tmp_path_factory.mktemp("shard"), [1, 2, 3])
    os.truncate(index_of(path), index_size)
    os.truncate(path, rows_size)
    writer = ShardWriter.claim(path, FORM)
    writer.append(b"\x09" * 32, row(9))
    writer.close()
    names = records_in(path)["digest"].tolist()
    assert names[-1] == b"\x09" * 32
    assert len(names) == index_size // RECORD.itemsize + 1
    assert set(damaged(path)) == set(range(rows_size // 12, len(names) - 1))


def test_a_row_that_was_given_up_is_nobodys(tmp_path: Path) -> None:
    path = filled(tmp_path, [1, 2])
    shard = Shard.open(path, FORM)
    shard.give_up([0])
    assert shard.records()["digest"].tolist() == [b"", b"\x02" * 32]
    shard.close()


def test_a_shard_is_not_deleted_while_an_array_of_it_lives(tmp_path: Path) -> None:
    path = filled(tmp_path, [1, 2])
    shard = Shard.open(path, FORM)
    held = shard.rows(2)[1]
    shard.close()
    assert in_use(path)
    assert not delete(path)
    assert held.tolist() == row(2).tolist()
    del held
    assert not in_use(path)
    assert delete(path)
    assert not list(tmp_path.iterdir())
    assert Shard.open(path, FORM) is None
    assert delete(path)


def test_only_rows_of_known_types_are_kept() -> None:
    for shape, dtype in (((2, 2), "float64"), ((), "uint8"), ((0, 2), "uint8")):
        with pytest.raises(ValueError, match="expected a shape"):
            RowForm(shape, dtype)
