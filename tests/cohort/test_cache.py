import os
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medclf.cohort.cache import Pruning, default_limit, list_cache, make_room, prune
from medclf.cohort.shard import Shard, index_of
from medclf.cohort.store import FACTS, PictureStore, form_of, shards_in
from medclf.errors import CacheUnavailable

FACTS_OF = {"dtype": "uint8", "preprocessing": {"kind": "xray"}}
ROW_BYTES = 100 + 36


def no_need() -> None:
    """There is room for a shard."""


def fill(root: Path, *, version: int, rows: int, used: int) -> PictureStore:
    """A store of one shard that was last used at some second."""
    store = PictureStore(root, {**FACTS_OF, "shape": [10, 10], "version": version})
    with store.writer(make_room=no_need) as write:
        for number in range(rows):
            write(bytes([number + 1]) * 32, np.full((10, 10), number, np.uint8))
    os.utime(index_of(shards_in(store.folder)[0]), (used, used))
    return store


@pytest.fixture
def three(tmp_path: Path) -> list[PictureStore]:
    """Three stores of 1, 2 and 3 rows, last used in this order."""
    return [fill(tmp_path, version=n, rows=n, used=n * 1000) for n in (1, 2, 3)]


def left(root: Path) -> list[str]:
    return sorted(folder.name for folder in root.iterdir())


def test_the_list_tells_what_there_is_last_used_first(tmp_path: Path, three) -> None:
    listed = list_cache(tmp_path)
    assert [held.name for held in listed] == [store.folder.name for store in three[::-1]]
    assert [held.rows for held in listed] == [3, 2, 1]
    assert [held.bytes for held in listed] == [3 * ROW_BYTES, 2 * ROW_BYTES, ROW_BYTES]
    assert listed[0].last_used == datetime.fromtimestamp(3000, UTC)
    assert listed[0].facts == three[2].facts
    assert [held.damaged for held in listed] == [None, None, None]
    assert not any(held.in_use for held in listed)
    found = three[1].find(np.array([b"\x01" * 32], "S32"), threads=1)
    listed = list_cache(tmp_path)
    assert [held.in_use for held in listed] == [True, False, False]
    assert listed[0].name == three[1].folder.name
    assert len(found) == 1


def test_verifying_counts_the_damaged_rows(tmp_path: Path, three) -> None:
    data = np.memmap(shards_in(three[2].folder)[0], np.uint8, "r+")
    data[[0, 250]] ^= 1
    data.flush()
    assert [held.damaged for held in list_cache(tmp_path, verify=True)] == [2, 0, 0]


def test_an_empty_cache_holds_nothing(tmp_path: Path) -> None:
    assert list_cache(tmp_path / "none") == ()
    assert prune(tmp_path / "none", Pruning(), really=True).left_bytes == 0
    assert not (tmp_path / "none").exists()


def test_without_really_nothing_is_touched(tmp_path: Path, three) -> None:
    before = left(tmp_path)
    told = prune(tmp_path, Pruning(), really=False)
    assert (len(told.gone), told.bytes, told.left_bytes) == (3, 6 * ROW_BYTES, 0)
    assert left(tmp_path) == before
    assert prune(tmp_path, Pruning(), really=True) == told
    assert left(tmp_path) == []


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 7 * ROW_BYTES))
def test_what_was_not_used_for_longest_goes_until_the_bound_holds(
    tmp_path_factory, bound: int
) -> None:
    root = tmp_path_factory.mktemp("cache")
    stores = [fill(root, version=n, rows=n, used=n * 1000) for n in (1, 2, 3)]
    pruned = prune(root, Pruning(to_bytes=bound), really=True)
    held = list_cache(root)
    assert sum(some.bytes for some in held) == pruned.left_bytes <= bound
    assert pruned.left_bytes + pruned.bytes == 6 * ROW_BYTES
    assert [some.name for some in held] == [s.folder.name for s in stores[::-1]][: len(held)]
    if pruned.gone:  # one less would not have been enough
        assert pruned.left_bytes + pruned.gone[-1].bytes > bound


def test_an_age_and_a_name_spare_the_others(tmp_path: Path, three) -> None:
    since = datetime.fromtimestamp(2500, UTC)
    name = three[1].folder.name[:10]
    told = prune(tmp_path, Pruning(unused_since=since), really=False)
    assert [shard.path.parent for shard in told.gone] == [s.folder for s in three[:2]]
    pruned = prune(tmp_path, Pruning(unused_since=since, transforms=(name,)), really=True)
    assert [shard.path.parent for shard in pruned.gone] == [three[1].folder]
    assert left(tmp_path) == sorted(three[n].folder.name for n in (0, 2))


def test_what_a_process_uses_is_kept_and_told(tmp_path: Path, three) -> None:
    found = three[0].find(np.array([b"\x01" * 32], "S32"), threads=1)
    pruned = prune(tmp_path, Pruning(), really=True)
    assert [shard.path for shard in pruned.kept] == list(found.paths)
    assert left(tmp_path) == [three[0].folder.name]
    assert (found[0] == 0).all()
    with three[0].writer(make_room=no_need) as write:
        write(b"\x09" * 32, np.full((10, 10), 9, np.uint8))
        del found
        assert len(prune(tmp_path, Pruning(), really=True).kept) == 1
    assert len(prune(tmp_path, Pruning(), really=True).gone) == 1


def test_files_of_others_are_never_touched(tmp_path: Path, three) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.rows").write_text("mine")
    (three[0].folder / "notes.txt").write_text("mine")
    prune(tmp_path, Pruning(), really=True)
    assert left(tmp_path) == sorted(["notes", three[0].folder.name])
    assert [path.name for path in three[0].folder.iterdir()] == ["notes.txt"]
    assert (tmp_path / "notes" / "a.rows").exists()


def test_leftovers_of_a_process_that_died_are_seen_and_cleared(tmp_path: Path, three) -> None:
    (three[0].folder / FACTS).write_text("{")
    index_of(shards_in(three[1].folder)[0].rename(tmp_path / "away")).touch()
    listed = {held.name: held for held in list_cache(tmp_path, verify=True)}
    assert listed[three[0].folder.name].damaged is None
    assert listed[three[0].folder.name].rows == 0
    assert listed[three[1].folder.name].bytes == 0
    prune(tmp_path, Pruning(to_bytes=10**9), really=True)
    assert three[0].folder.exists()
    assert not three[1].folder.exists()


def test_room_is_made_only_when_it_is_needed_and_only_as_much(tmp_path: Path, three) -> None:
    make_room(tmp_path, 100, limit=6 * ROW_BYTES + 100)
    assert len(left(tmp_path)) == 3
    make_room(tmp_path, 100, limit=6 * ROW_BYTES + 99)
    assert left(tmp_path) == sorted(store.folder.name for store in three[1:])


def test_no_room_is_told_before_anything_is_deleted(tmp_path: Path, three) -> None:
    shard = Shard.open(shards_in(three[2].folder)[0], form_of(three[2].facts))
    for needed in (10 * ROW_BYTES, 4 * ROW_BYTES):
        with pytest.raises(CacheUnavailable, match="MEDCLF_CACHE_BYTES"):
            make_room(tmp_path, needed, limit=6 * ROW_BYTES)
    assert len(left(tmp_path)) == 3
    make_room(tmp_path, 3 * ROW_BYTES, limit=6 * ROW_BYTES)
    assert left(tmp_path) == [three[2].folder.name]
    shard.close()


def test_the_bound_that_nobody_set_leaves_half_of_the_disk(tmp_path: Path, three) -> None:
    disk = os.statvfs(tmp_path)
    free = disk.f_bavail * disk.f_frsize
    assert default_limit(tmp_path) <= 50_000_000_000
    assert default_limit(tmp_path / "none" / "below") <= max(free, 1)
