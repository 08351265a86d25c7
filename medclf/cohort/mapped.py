"""Rows of many shards as one array in the order of a cohort, without a copy in memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from medclf.cohort.shard import RowForm, Shard
from medclf.errors import CacheUnavailable


@dataclass(frozen=True, eq=False)
class Mapped:
    """The first rows of a shard, mapped from disk.

    Attributes:
        path: of the file of rows.
        rows: (m, …) read-only; the shard is not deleted while this array lives.
    """

    path: Path
    rows: np.ndarray


class MappedRows:
    """An array of n rows, each of which may lie in any shard.

    Takes a place (a view of the disk) or an array of places, a slice or a mask (a copy), as
    `numpy.ndarray` does. It goes to another process by its paths, whatever its size; the rows are
    not held against their checksums again there, because the first process holds them in use.
    """

    def __init__(
        self, shards: Sequence[Mapped], shard: np.ndarray, slot: np.ndarray, *, form: RowForm
    ) -> None:
        """Put the rows in order.

        Args:
            shards: that hold the rows.
            shard: (n,) int32, place in `shards` of each row; -1 where there is none.
            slot: (n,) int32, row in its shard.
            form: of the rows.
        """
        self._shards = tuple(shards)
        self._shard = shard
        self._slot = slot
        self._form = form
        self._bytes = [held.rows.data.cast("B") for held in shards]

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, …)."""
        return (len(self._slot), *self._form.shape)

    @property
    def dtype(self) -> "np.dtype[Any]":
        """`uint8`, `uint16` or `float32`."""
        return self._form.stored

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files that hold the rows."""
        return tuple(shard.path for shard in self._shards)

    @property
    def absent(self) -> np.ndarray:
        """(n,) bool, where there is no row."""
        absent: np.ndarray = self._shard < 0
        return absent

    def __len__(self) -> int:
        return len(self._slot)

    def __getitem__(self, place: Any) -> np.ndarray:
        if isinstance(place, int | np.integer):
            row: np.ndarray = self._shards[self._shard[place]].rows[self._slot[place]]
            return row
        return self.take(np.arange(len(self))[place])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("rows of many shards cannot be one array without a copy")
        return self.take(np.arange(len(self))).astype(dtype or self.dtype, copy=False)

    def take(self, places: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """Gather a batch.

        Args:
            places: (b,) integers.
            out: (b, …) contiguous, of the rows' type; filled and returned. A new array when None.

        Raises:
            IndexError: a place is outside the array.
            ValueError: `out` has another shape or type.
        """
        shards, slots = self._shard[places], self._slot[places]
        shape = (len(slots), *self._form.shape)
        if out is None:
            out = np.empty(shape, self._form.stored)
        if out.shape != shape or out.dtype != self.dtype or not out.flags.c_contiguous:
            raise ValueError(f"expected {shape} {self.dtype}, got {out.shape} {out.dtype}")
        if not len(slots):
            return out
        if (shards == shards[0]).all():
            rows = self._shards[shards[0]].rows
            return np.take(rows, slots, axis=0, out=out, mode="clip")  # slots are in range
        length, start = self._form.row_bytes, 0
        filled = out.data.cast("B")
        # Bytes to bytes: numpy's way of assigning a row costs as much as copying it.
        for shard, slot in zip(shards.tolist(), slots.tolist(), strict=True):
            filled[start : start + length] = self._bytes[shard][slot * length : (slot + 1) * length]
            start += length
        return out

    def joined(self, other: "MappedRows", at: np.ndarray) -> "MappedRows":
        """Return this array with the rows of another one at some places.

        Args:
            other: (b, …) of the same form.
            at: (b,) integers, where its rows go.
        """
        shard, slot = self._shard.copy(), self._slot.copy()
        shard[at] = np.where(other._shard < 0, -1, other._shard + len(self._shards))
        slot[at] = other._slot
        return MappedRows((*self._shards, *other._shards), shard, slot, form=self._form)

    def __reduce__(self) -> tuple[Callable[..., "MappedRows"], tuple[Any, ...]]:
        places = [(shard.path, len(shard.rows)) for shard in self._shards]
        return _mapped_again, (places, self._shard, self._slot, self._form)


def _mapped_again(
    places: list[tuple[Path, int]], shard: np.ndarray, slot: np.ndarray, form: RowForm
) -> MappedRows:
    mapped = []
    for path, count in places:
        found = Shard.open(path, form)
        if found is None or len(found.records()) < count:
            raise CacheUnavailable(
                f"{path} is no longer what it was in the process that opened it.",
                advice="Keep the data set alive there for as long as other processes use it.",
                path=str(path),
            )
        mapped.append(Mapped(path, found.rows(count)))
        found.close()
    return MappedRows(mapped, shard, slot, form=form)
