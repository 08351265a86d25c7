"""The prepared pictures of one way of preparing, found by the digest of the image.

A folder of shards, named by everything that can change a prepared pixel. Any number of
processes read it, and any number add to it, each to a shard of its own. Two that prepare the
same image at once leave it twice, which costs space and harms nothing.
"""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from medclf.cohort.mapped import Mapped, MappedRows
from medclf.cohort.shard import RowForm, Shard, records_in
from medclf.cohort.shard_writer import ShardWriter
from medclf.digest import digest_json
from medclf.durable import write_text
from medclf.errors import CacheUnavailable

FACTS = "transform.json"
_NAME_LENGTH = 32  # hex digits of the folder's name: 128 bits


class PictureStore:
    """All pictures that were prepared in one way."""

    def __init__(self, root: Path, facts: dict[str, Any]) -> None:
        self.root = root
        self.facts = facts
        self.form = form_of(facts)
        self.folder = root / digest_json(facts).removeprefix("sha256:")[:_NAME_LENGTH]
        self._seen: dict[Path, int] = {}

    def find(self, wanted: np.ndarray, *, threads: int) -> MappedRows:
        """Find rows by the digest of their image; each is read once and held against its checksum.

        A damaged row counts as not there, and is struck off where the folder can be written.

        Args:
            wanted: (n,) `S32`, the SHA-256 of each image.
            threads: that compute checksums.

        Raises:
            CacheUnavailable: the folder cannot be read.
        """
        with told(self.folder), ExitStack() as opened:
            shards = []
            for path in shards_in(self.folder):
                if (found := Shard.open(path, self.form)) is not None:
                    shards.append(found)
                    opened.callback(found.close)
            self._seen = {shard.path: len(records_in(shard.path)) for shard in shards}
            records = [shard.records() for shard in shards]
            counts = np.array([len(some) for some in records], np.int64)
            digests = np.concatenate([some["digest"] for some in records] or [wanted[:0]])
            owner = np.repeat(np.arange(len(shards), dtype=np.int32), counts)
            slots = np.arange(len(digests)) - np.repeat(counts.cumsum() - counts, counts)
            order = np.argsort(digests, kind="stable")
            ordered = digests[order]
            candidate = np.searchsorted(ordered, wanted, "left")
            end = np.searchsorted(ordered, wanted, "right")
            shard, slot = np.full((2, len(wanted)), -1, np.int32)
            pending = np.flatnonzero(candidate < end)
            while len(pending):  # more than once only where a row is damaged
                at = order[candidate[pending]]
                bad = self._damaged(shards, records, owner[at], slots[at], threads=threads)
                whole, place = pending[~bad], at[~bad]
                shard[whole], slot[whole] = owner[place], slots[place]
                candidate[pending] += 1
                pending = pending[bad & (candidate[pending] < end[pending])]
            return self._mapped(shards, shard, slot)

    def _mapped(self, shards: list[Shard], shard: np.ndarray, slot: np.ndarray) -> MappedRows:
        """Keep only the shards that hold a row that was wanted; others may be deleted again."""
        used = np.unique(shard[shard >= 0])
        for index in used.tolist():
            shards[index].mark_used()
        return MappedRows(
            [Mapped(shards[i].path, shards[i].rows(int(slot[shard == i].max()) + 1)) for i in used],
            np.where(shard < 0, -1, np.searchsorted(used, shard)).astype(np.int32),
            slot,
            form=self.form,
        )

    def added(self) -> set[bytes]:
        """Return the images whose rows came since `find` or the last call, as 32 bytes each.

        Raises:
            CacheUnavailable: the folder cannot be read.
        """
        names: set[bytes] = set()
        with told(self.folder):
            for path in shards_in(self.folder):
                records = records_in(path, start=self._seen.get(path, 0))
                self._seen[path] = self._seen.get(path, 0) + len(records)
                names.update(name.ljust(32, b"\0") for name in records["digest"].tolist())
        return names

    @contextmanager
    def writer(self, *, make_room: Callable[[], None]) -> Iterator[Callable[[bytes, Any], None]]:
        """Give a function `write(digest, values)` that adds a row; for one thread.

        Args:
            make_room: called before another shard is begun.

        Raises:
            CacheUnavailable: the folder cannot be written, for example for lack of space.
        """
        with told(self.folder):  # before anybody decodes for a folder that cannot be written
            writer = self._claim() or self._create(make_room)

        def write(digest: bytes, values: np.ndarray) -> None:
            nonlocal writer
            with told(self.folder):
                if writer.room < 1:
                    writer.close()
                    writer = self._claim() or self._create(make_room)
                writer.append(digest, values)

        try:
            yield write
        finally:
            with told(self.folder):
                writer.close()

    def _claim(self) -> ShardWriter | None:
        """Take over a shard with room that nobody writes to."""
        for path in shards_in(self.folder):
            try:
                writer = ShardWriter.claim(path, self.form)
            except PermissionError:  # of another user; shards of one's own can still be begun
                continue
            if writer is None:
                continue
            if writer.room > 0:
                return writer
            writer.close()
        return None

    def _create(self, make_room: Callable[[], None]) -> ShardWriter:
        make_room()
        with locked(self.root):
            facts = self.folder / FACTS
            if not facts.is_file():
                write_text(facts, json.dumps(self.facts, indent=1, sort_keys=True))
            return ShardWriter.create(self.folder, self.form)

    def _damaged(
        self,
        shards: list[Shard],
        records: list[np.ndarray],
        owner: np.ndarray,
        slot: np.ndarray,
        *,
        threads: int,
    ) -> np.ndarray:
        """Return which places are not what was written, (n,) bool, and strike them off."""
        bad = np.zeros(len(owner), bool)
        for index in np.unique(owner).tolist():
            own = owner == index
            slots = np.unique(slot[own]).tolist()
            found = shards[index].damaged(slots, records[index], threads=threads)
            if found:
                bad |= own & np.isin(slot, found)
                with suppress(OSError):  # read-only: they stay, and are found damaged again
                    shards[index].give_up(found)
        return bad


def form_of(facts: dict[str, Any]) -> RowForm:
    """Return the form of a store's rows."""
    return RowForm(tuple(facts["shape"]), facts["dtype"])


def shards_in(folder: Path) -> list[Path]:
    """Return the files of rows in a store's folder, by name."""
    try:
        return sorted(folder.glob("*.rows"))
    except FileNotFoundError:
        return []


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Hold the cache's folder while shards come or go; the kernel lets go when a process dies."""
    root.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def told(folder: Path) -> Iterator[None]:
    """Turn the disk's refusals into an error that says what to do."""
    try:
        yield
    except OSError as error:
        raise CacheUnavailable(
            f"The cache of prepared pictures in {folder} cannot be used "
            f"({error.strerror or type(error).__name__}).",
            advice="Free some space (`medclf cache prune`) or name another folder with "
            "MEDCLF_CACHE, then run the same command again: finished pictures are kept.",
            path=str(folder),
        ) from error
