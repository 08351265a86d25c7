"""The folder of all prepared pictures: what it holds, and how it is kept within bounds.

Whatever is deleted here can be made again from the images. Nothing is deleted that a process
reads or writes at that moment, and no file that is not the cache's own.
"""

import json
import re
import shutil
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from medclf.cohort.shard import RowForm, Shard, delete, in_use, index_of, records_in
from medclf.cohort.size import in_words
from medclf.cohort.store import FACTS, form_of, locked, shards_in, told
from medclf.errors import CacheUnavailable

DEFAULT_LIMIT_BYTES = 50_000_000_000  # a million pictures of 224 × 224
_FREE_SHARE = 0.5  # of what the disk would have free without the cache, where that is less
_FOLDER_NAME = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class ShardFacts:
    """One shard, from outside.

    Attributes:
        path: of the file of rows.
        bytes: with its index.
        rows: that were written and not struck off; 0 where the folder does not say their form.
        last_used: when a cohort last needed one of its rows.
    """

    path: Path
    bytes: int
    rows: int
    last_used: datetime


@dataclass(frozen=True)
class InCache:
    """All pictures that were prepared in one way.

    Attributes:
        folder: named by the digest of `facts`.
        facts: what can change a prepared pixel; empty when the folder does not tell.
        shards: by path.
        damaged: rows that are not what was written; None when they were not read.
    """

    folder: Path
    facts: Mapping[str, Any]
    shards: tuple[ShardFacts, ...]
    damaged: int | None = None

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.folder.name

    @property
    def bytes(self) -> int:
        """What the pictures take on disk."""
        return sum(shard.bytes for shard in self.shards)

    @property
    def rows(self) -> int:
        """How many pictures there are."""
        return sum(shard.rows for shard in self.shards)

    @property
    def last_used(self) -> datetime | None:
        """When a cohort last needed one of them; None when there is none."""
        return max((shard.last_used for shard in self.shards), default=None)

    @property
    def in_use(self) -> bool:
        """Whether a process reads or writes one of them now."""
        return any(in_use(shard.path) for shard in self.shards)


@dataclass(frozen=True)
class Pruning:
    """Which shards may go; those that were not used for longest go first.

    Attributes:
        unused_since: only those that were last used before.
        to_bytes: only until the cache holds no more than this.
        transforms: only those of these folders, by the beginning of their names; empty for all.
    """

    unused_since: datetime | None = None
    to_bytes: int | None = None
    transforms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pruned:
    """What went, or would go.

    Attributes:
        gone: shards, in the order in which they go.
        kept: shards that would have gone, but are in use.
        left_bytes: what the cache holds then.
    """

    gone: tuple[ShardFacts, ...] = ()
    kept: tuple[ShardFacts, ...] = ()
    left_bytes: int = 0

    @property
    def bytes(self) -> int:
        """What the shards that go take."""
        return sum(shard.bytes for shard in self.gone)


def list_cache(root: Path, *, verify: bool = False, threads: int = 2) -> tuple[InCache, ...]:
    """Return what a cache holds, what was used last first.

    Args:
        root: the cache's folder; need not exist.
        verify: whether every row is read and held against its checksum.
        threads: that compute checksums.

    Raises:
        CacheUnavailable: it cannot be read.
    """
    with told(root):
        found = [_prepared(folder, verify=verify, threads=threads) for folder in _folders(root)]
    long_ago = datetime.min.replace(tzinfo=UTC)
    return tuple(sorted(found, key=lambda some: some.last_used or long_ago, reverse=True))


def prune(root: Path, pruning: Pruning, *, really: bool) -> Pruned:
    """Delete prepared pictures that a rule names and no process uses.

    Args:
        root: the cache's folder; need not exist.
        pruning: what may go.
        really: whether it goes; otherwise the same is returned and nothing is touched.

    Raises:
        CacheUnavailable: a file may not be deleted.
    """
    if not root.is_dir():
        return Pruned()
    with told(root), locked(root):
        shards = [shard for folder in _folders(root) for shard in _prepared(folder).shards]
        left = sum(shard.bytes for shard in shards)
        gone, kept = [], []
        for shard in sorted(filter(_chosen_by(pruning), shards), key=lambda s: s.last_used):
            if pruning.to_bytes is not None and left <= pruning.to_bytes:
                break
            if delete(shard.path) if really else not in_use(shard.path):
                gone.append(shard)
                left -= shard.bytes
            else:
                kept.append(shard)
        if really:
            _clear_empty(_folders(root))
    return Pruned(tuple(gone), tuple(kept), left)


def make_room(root: Path, needed: int, *, limit: int | None = None) -> None:
    """See to it that a cache stays within its limit when some bytes are added.

    Args:
        root: the cache's folder.
        needed: bytes that will be added.
        limit: bytes that the cache may hold; `default_limit` when None.

    Raises:
        CacheUnavailable: it cannot, because what is needed is too large or the rest is in use;
            nothing was deleted then.
    """
    bound = default_limit(root) if limit is None else limit
    if _bytes_in(root) + needed <= bound:
        return
    wanted = Pruning(to_bytes=max(bound - needed, 0))
    left = prune(root, wanted, really=False).left_bytes
    if left + needed > bound:
        raise CacheUnavailable(
            f"The pictures still to be prepared take {in_words(needed)}; the cache in {root} may "
            f"hold {in_words(bound)}, and {in_words(left)} are in use.",
            advice="Let it hold more with MEDCLF_CACHE_BYTES (for example 200GB), or name a "
            "folder on a larger disk with MEDCLF_CACHE.",
            needed=needed,
            limit=bound,
            in_use=left,
        )
    prune(root, wanted, really=True)


def default_limit(root: Path) -> int:
    """Return what a cache may hold when nobody says: 50 GB, or less on a small or full disk.

    Never more than half of what the disk would have free without the cache.

    Args:
        root: the cache's folder; need not exist.
    """
    there = next(folder for folder in (root, *root.absolute().parents) if folder.is_dir())
    free = shutil.disk_usage(there).free
    return min(DEFAULT_LIMIT_BYTES, int(_FREE_SHARE * (free + _bytes_in(root))))


def _chosen_by(pruning: Pruning) -> Callable[[ShardFacts], bool]:
    def chosen(shard: ShardFacts) -> bool:
        if pruning.unused_since is not None and shard.last_used >= pruning.unused_since:
            return False
        return not pruning.transforms or shard.path.parent.name.startswith(pruning.transforms)

    return chosen


def _folders(root: Path) -> list[Path]:
    if not root.is_dir():
        return []
    return sorted(f for f in root.iterdir() if _FOLDER_NAME.fullmatch(f.name) and f.is_dir())


def _bytes_in(root: Path) -> int:
    return sum(shard.bytes for folder in _folders(root) for shard in _files(folder))


def _files(folder: Path, form: RowForm | None = None) -> Iterable[ShardFacts]:
    for path in shards_in(folder):
        try:
            rows, index = path.stat(), index_of(path).stat()
        except FileNotFoundError:  # begun or deleted this moment
            continue
        names = records_in(path)["digest"] if form else np.empty(0, "S32")
        yield ShardFacts(
            path=path,
            bytes=rows.st_size + index.st_size,
            rows=int((names != b"").sum()),
            last_used=datetime.fromtimestamp(index.st_mtime, UTC),
        )


def _prepared(folder: Path, *, verify: bool = False, threads: int = 2) -> InCache:
    facts, form = _facts_in(folder)
    damaged = None
    if verify and form is not None:
        damaged = sum(_count_damaged(path, form, threads) for path in shards_in(folder))
    return InCache(folder, facts, tuple(_files(folder, form)), damaged)


def _facts_in(folder: Path) -> tuple[dict[str, Any], RowForm | None]:
    try:
        facts = json.loads((folder / FACTS).read_bytes())
        return facts, form_of(facts)
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return {}, None  # of another version, or damaged: it can be seen and pruned


def _count_damaged(path: Path, form: RowForm, threads: int) -> int:
    shard = Shard.open(path, form)
    if shard is None:
        return 0
    with closing(shard):
        records = shard.records()
        slots = np.flatnonzero(records["digest"] != b"").tolist()
        return len(shard.damaged(slots, records, threads=threads))


def _clear_empty(folders: Iterable[Path]) -> None:
    """Take away folders without shards, and an index whose rows are gone."""
    for folder in folders:
        for index in folder.glob("*.index"):
            if not index.with_suffix(".rows").exists():
                index.unlink(missing_ok=True)
        if not shards_in(folder):
            (folder / FACTS).unlink(missing_ok=True)
            if not any(folder.iterdir()):
                folder.rmdir()
