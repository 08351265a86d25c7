"""Any number of processes fill one store; whatever dies, every row given out is right."""

import json
import multiprocessing
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medclf.cohort import shard_writer
from medclf.cohort.shard import in_use, index_of
from medclf.cohort.store import FACTS, PictureStore, shards_in
from medclf.errors import CacheUnavailable

FACTS_8 = {"shape": [40, 30], "dtype": "uint8"}
SPAWN = multiprocessing.get_context("spawn")


def name(number: int) -> bytes:
    return (number + 1).to_bytes(4, "big") * 8


def names(*numbers: int) -> np.ndarray:
    return np.array([name(n) for n in numbers], "S32")


def row(number: int, dtype: str = "uint8") -> np.ndarray:
    """What any process prepares from an image: the same everywhere."""
    return np.random.default_rng(number).integers(0, 255, (40, 30)).astype(dtype)


def no_need() -> None:
    """There is room for a shard."""


def fill(root: Path, *numbers: int, facts=FACTS_8) -> PictureStore:
    store = PictureStore(root, facts)
    with store.writer(make_room=no_need) as write:
        for number in numbers:
            write(name(number), row(number, facts["dtype"]))
    return store


def right(store: PictureStore, *numbers: int) -> bool:
    found = store.find(names(*numbers), threads=2)
    assert not found.absent.any()
    wanted = [row(n, store.facts["dtype"]) for n in numbers]
    return np.array_equal(np.asarray(found), np.array(wanted))


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_rows_are_found_by_their_image_in_any_order(tmp_path: Path, dtype: str) -> None:
    store = fill(tmp_path, 3, 1, 2, facts={"shape": [40, 30], "dtype": dtype})
    assert right(store, 1, 2, 3, 1)
    found = store.find(names(2, 9), threads=1)
    assert found.absent.tolist() == [False, True]
    assert found.dtype == np.dtype(dtype)
    assert json.loads((store.folder / FACTS).read_text()) == store.facts


def test_what_is_prepared_otherwise_lies_elsewhere(tmp_path: Path) -> None:
    one, two = fill(tmp_path, 1), PictureStore(tmp_path, {**FACTS_8, "version": 2})
    assert one.folder != two.folder
    assert two.find(names(1), threads=1).absent.all()


def test_a_store_that_is_not_there_holds_nothing_and_is_not_made(tmp_path: Path) -> None:
    store = PictureStore(tmp_path / "new", FACTS_8)
    assert store.find(names(1), threads=1).absent.all()
    assert store.added() == set()
    assert not (tmp_path / "new").exists()


def test_a_full_shard_is_followed_by_another(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(shard_writer, "CAPACITY_BYTES", 3 * 1200)
    store = fill(tmp_path, *range(8))
    assert len(shards_in(store.folder)) == 3
    fill(tmp_path, 8)
    assert len(shards_in(store.folder)) == 3
    assert right(store, *range(9))


def test_shards_without_a_wanted_row_are_let_go(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(shard_writer, "CAPACITY_BYTES", 1200)
    store = fill(tmp_path, 1, 2, 3)
    found = store.find(names(2), threads=1)
    assert [in_use(path) for path in shards_in(store.folder)].count(True) == 1
    assert in_use(found.paths[0])


@settings(max_examples=40, deadline=None)
@given(st.sets(st.integers(0, 5), min_size=1), st.integers(0, 1199), st.integers(1, 255))
def test_damaged_rows_are_missing_and_a_second_copy_takes_over(
    tmp_path_factory, numbers, offset, change
) -> None:
    store = fill(tmp_path_factory.mktemp("store"), *range(6))
    path = shards_in(store.folder)[0]
    data = np.memmap(path, np.uint8, "r+")
    for number in numbers:
        data[number * 1200 + offset] ^= change
    data.flush()
    found = store.find(names(*range(6)), threads=2)
    assert set(np.flatnonzero(found.absent).tolist()) == numbers
    fill(store.root, *sorted(numbers))
    assert right(store, *range(6))
    assert len(index_of(path).read_bytes()) == 36 * (6 + len(numbers))


def test_of_two_copies_the_whole_one_is_given(tmp_path: Path) -> None:
    store = fill(tmp_path, 1, 1, 1)
    data = np.memmap(shards_in(store.folder)[0], np.uint8, "r+")
    data[[5, 1200 + 5]] ^= 1
    data.flush()
    assert right(store, 1, 1)


def test_what_others_add_meanwhile_is_told_once(tmp_path: Path) -> None:
    store = fill(tmp_path, 1)
    store.find(names(1), threads=1)
    assert store.added() == set()
    fill(tmp_path, 2, 3)
    assert store.added() == {name(2), name(3)}
    assert store.added() == set()


def _fill_slowly(root: Path, numbers: list[int], begin: float) -> None:
    time.sleep(max(begin - time.time(), 0))
    store = PictureStore(root, FACTS_8)
    with store.writer(make_room=no_need) as write:
        for number in numbers:
            write(name(number), row(number))
            time.sleep(0.002)


def test_three_processes_fill_overlapping_sets_at_once(tmp_path: Path) -> None:
    begin = time.time() + 1.5  # all are up by then
    sets = [list(range(start, start + 100)) for start in (0, 50, 100)]
    processes = [SPAWN.Process(target=_fill_slowly, args=(tmp_path, s, begin)) for s in sets]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    store = PictureStore(tmp_path, FACTS_8)
    assert right(store, *range(200))
    assert 1 <= len(shards_in(store.folder)) <= 3


def test_killed_again_and_again_it_ends_like_one_that_was_not(tmp_path: Path) -> None:
    wanted = list(range(120))
    store = PictureStore(tmp_path / "killed", FACTS_8)
    for _ in range(3):
        missing = np.flatnonzero(store.find(names(*wanted), threads=1).absent).tolist()
        process = SPAWN.Process(target=_fill_slowly, args=(store.root, missing, 0.0))
        process.start()
        before, patience = len(missing), time.time() + 60
        while before - store.find(names(*wanted), threads=1).absent.sum() < 10:
            assert time.time() < patience
        os.kill(process.pid, signal.SIGKILL)
        process.join(60)
        assert process.exitcode == -signal.SIGKILL
    missing = np.flatnonzero(store.find(names(*wanted), threads=1).absent).tolist()
    assert 0 < len(missing) <= 90
    fill(store.root, *missing)
    fresh = fill(tmp_path / "fresh", *wanted)
    whole = np.asarray(fresh.find(names(*wanted), threads=1)).tobytes()
    assert np.asarray(store.find(names(*wanted), threads=1)).tobytes() == whole
    assert len(shards_in(store.folder)) == 1  # no lock was left: each took over from the one before


def interrupted(store: PictureStore) -> None:
    with store.writer(make_room=no_need) as write:
        write(name(1), row(1))
        raise KeyboardInterrupt


def test_ctrl_c_keeps_what_is_finished(tmp_path: Path) -> None:
    store = PictureStore(tmp_path, FACTS_8)
    with pytest.raises(KeyboardInterrupt):
        interrupted(store)
    assert right(store, 1)
    assert right(fill(tmp_path, 2), 1, 2)
    assert len(shards_in(store.folder)) == 1


def test_a_disk_that_refuses_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = PictureStore(tmp_path / "file", FACTS_8)
    with pytest.raises(CacheUnavailable, match="cannot be used") as told:
        fill(store.root, 1)
    assert "medclf cache prune" in told.value.advice
