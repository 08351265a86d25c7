import errno
import multiprocessing
import os
import resource
import signal
from pathlib import Path

import numpy as np
import pytest

from medclf.cohort.shard import RowForm, Shard, delete, records_in
from medclf.cohort.shard_writer import ShardWriter

FORM = RowForm((64, 64), "uint8")
SPAWN = multiprocessing.get_context("spawn")


def row(value: int) -> np.ndarray:
    return np.full(FORM.shape, value, np.uint8)


def test_a_shard_has_one_writer_at_a_time(tmp_path: Path) -> None:
    first = ShardWriter.create(tmp_path, FORM)
    assert ShardWriter.claim(first.path, FORM) is None
    assert not delete(first.path)
    first.close()
    second = ShardWriter.claim(first.path, FORM)
    assert second is not None
    second.close()
    second.close()
    assert delete(first.path)
    assert ShardWriter.claim(first.path, FORM) is None


def test_a_row_of_another_shape_or_type_is_refused(tmp_path: Path) -> None:
    writer = ShardWriter.create(tmp_path, FORM)
    for wrong in (np.zeros((64, 63), np.uint8), np.zeros((64, 64), np.uint16)):
        with pytest.raises(ValueError, match="expected"):
            writer.append(b"a" * 32, wrong)
    writer.close()
    assert len(records_in(writer.path)) == 0


def test_readers_see_rows_while_they_are_added(tmp_path: Path) -> None:
    writer = ShardWriter.create(tmp_path, FORM)
    shard = Shard.open(writer.path, FORM)
    for value in range(5):
        writer.append(bytes([value + 1]) * 32, row(value))
        assert len(shard.records()) == value + 1
        assert (shard.rows(value + 1)[value] == value).all()
    shard.close()
    writer.close()


def _die_while_writing(path: Path) -> None:
    writer = ShardWriter.claim(path, FORM)
    writer.append(b"b" * 32, row(2))
    os.pwrite(writer._rows, b"half a row", FORM.row_bytes * 2)
    os.pwrite(writer._index, b"half", 36 * 2)
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_writer_leaves_no_lock_and_no_half_row(tmp_path: Path) -> None:
    writer = ShardWriter.create(tmp_path, FORM)
    writer.append(b"a" * 32, row(1))
    writer.close()
    process = SPAWN.Process(target=_die_while_writing, args=(writer.path,))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    again = ShardWriter.claim(writer.path, FORM)
    again.append(b"c" * 32, row(3))
    again.close()
    records = records_in(writer.path)
    assert records["digest"].tolist() == [b"a" * 32, b"b" * 32, b"c" * 32]
    shard = Shard.open(writer.path, FORM)
    assert shard.damaged(range(3), records, threads=1) == []
    shard.close()


def _write_until_full(path: Path, told: "multiprocessing.Queue[tuple[int, int]]") -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))  # two rows and a bit
    writer = ShardWriter.claim(path, FORM)
    for value in range(5):
        try:
            writer.append(bytes([value + 1]) * 32, row(value))
        except OSError as error:
            told.put((value, error.errno or 0))
            break
    writer.close()


def test_no_more_space_is_an_error_and_what_was_whole_stays(tmp_path: Path) -> None:
    writer = ShardWriter.create(tmp_path, FORM)
    writer.close()
    told = SPAWN.Queue()
    process = SPAWN.Process(target=_write_until_full, args=(writer.path, told))
    process.start()
    assert told.get(timeout=60) == (2, errno.EFBIG)
    process.join(60)
    assert process.exitcode == 0
    records = records_in(writer.path)
    shard = Shard.open(writer.path, FORM)
    assert len(shard.records()) == 2
    assert shard.damaged(range(2), records, threads=1) == []
    shard.close()
