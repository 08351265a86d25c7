import multiprocessing
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medclf.cohort.mapped import Mapped, MappedRows
from medclf.cohort.shard import RowForm, Shard, delete
from medclf.cohort.shard_writer import ShardWriter
from medclf.errors import CacheUnavailable

FORM = RowForm((3, 2), "uint16")


def shard_of(folder: Path, values: list[int]) -> Mapped:
    writer = ShardWriter.create(folder, FORM)
    for value in values:
        writer.append(bytes([value]) * 32, np.full(FORM.shape, value, np.uint16))
    writer.close()
    shard = Shard.open(writer.path, FORM)
    mapped = Mapped(writer.path, shard.rows(len(values)))
    shard.close()
    return mapped


@pytest.fixture(scope="module")
def rows(tmp_path_factory) -> MappedRows:
    """0 to 9 in order; even numbers in one shard, odd ones in another, both upside down."""
    folder = tmp_path_factory.mktemp("shards")
    shards = [shard_of(folder, [8, 6, 4, 2, 0]), shard_of(folder, [9, 7, 5, 3, 1])]
    numbers = np.arange(10, dtype=np.int32)
    return MappedRows(shards, numbers % 2, 4 - numbers // 2, form=FORM)


PLAIN = np.broadcast_to(np.arange(10, dtype=np.uint16)[:, None, None], (10, 3, 2))
PLACES = st.one_of(
    st.integers(-10, 9),
    st.lists(st.integers(-10, 9), max_size=12).map(lambda some: np.array(some, np.int64)),
    st.lists(st.booleans(), min_size=10, max_size=10).map(np.array),
    st.slices(10),
)


@settings(max_examples=40, deadline=None)
@given(PLACES)
def test_rows_are_taken_as_from_an_array(rows: MappedRows, place) -> None:
    assert np.array_equal(rows[place], PLAIN[place])
    assert rows[place].dtype == np.uint16


def test_the_whole_is_an_array(rows: MappedRows) -> None:
    assert rows.shape == (10, 3, 2)
    assert len(rows) == 10
    assert np.array_equal(np.asarray(rows), PLAIN)
    with pytest.raises(ValueError, match="without a copy"):
        np.array(rows, copy=False)


def test_one_row_is_a_view_that_cannot_be_changed(rows: MappedRows) -> None:
    assert not rows[3].flags.owndata
    with pytest.raises(ValueError, match="read-only"):
        rows[3][0, 0] = 1


@pytest.mark.parametrize("places", [[1, 4, 4, 9], [2, 4, 6], []])
def test_a_batch_may_be_gathered_into_an_array_of_ones_own(rows: MappedRows, places) -> None:
    out = np.empty((len(places), 3, 2), np.uint16)
    given_back = rows.take(np.array(places, np.int64), out=out)
    assert given_back is out
    assert np.array_equal(out, PLAIN[places])


@pytest.mark.parametrize(
    "out",
    [
        np.empty((2, 3, 2), np.uint8),
        np.empty((3, 3, 2), np.uint16),
        np.empty((2, 3, 4), np.uint16)[:, :, ::2],
    ],
)
def test_an_array_that_cannot_take_the_batch_is_refused(rows: MappedRows, out) -> None:
    with pytest.raises(ValueError, match="expected"):
        rows.take(np.array([1, 2]), out=out)


@pytest.mark.parametrize("place", [10, -11, np.array([3, 10])])
def test_a_place_outside_is_refused(rows: MappedRows, place) -> None:
    with pytest.raises(IndexError):
        rows[place]


def _sum(rows: MappedRows, told: "multiprocessing.Queue[int]") -> None:
    told.put(int(rows[np.arange(10)].sum()))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_another_process_gets_the_paths_and_not_the_rows(rows: MappedRows, method: str) -> None:
    context = multiprocessing.get_context(method)
    told = context.Queue()
    process = context.Process(target=_sum, args=(rows, told))
    process.start()
    assert told.get(timeout=60) == PLAIN.sum()
    process.join(60)


def test_the_size_of_a_copy_does_not_grow_with_that_of_a_row(tmp_path: Path) -> None:
    form = RowForm((512, 512), "uint8")
    writer = ShardWriter.create(tmp_path, form)
    writer.append(b"a" * 32, np.zeros(form.shape, np.uint8))
    writer.close()
    shard = Shard.open(writer.path, form)
    at = np.zeros(1, np.int32)
    rows = MappedRows([Mapped(writer.path, shard.rows(1))], at, at, form=form)
    assert len(pickle.dumps(rows)) < 2000
    shard.close()


def test_rows_that_were_deleted_meanwhile_are_told(tmp_path: Path) -> None:
    mapped = shard_of(tmp_path, [1])
    at = np.zeros(1, np.int32)
    data = pickle.dumps(MappedRows([mapped], at, at, form=FORM))
    path = mapped.path
    del mapped
    assert delete(path)
    with pytest.raises(CacheUnavailable, match="no longer what it was"):
        pickle.loads(data)
