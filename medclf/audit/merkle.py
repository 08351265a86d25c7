"""The hash tree of RFC 9162, so that one root vouches for every event and its place.

The hash is SHA-256; a leaf is `SHA-256(0x00 || body)`, a node `SHA-256(0x01 || left || right)`
(RFC 9162, section 2.1.1). All hashes here are 32 raw bytes. A `Frontier` is all that an
append needs: the roots of the full subtrees, at most one for each bit of the size.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()

RangeRoot = Callable[[int, int], bytes]
"""Gives the root over the leaves `start` (counted from 0) up to, not including, `stop`."""


def leaf_hash(body: bytes) -> bytes:
    """Return the hash of one event's text."""
    return hashlib.sha256(b"\x00" + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """The right edge of a tree: enough to append and to know the root.

    Attributes:
        size: number of leaves.
        peaks: roots of the full subtrees, the largest (leftmost) first, one for each
            bit set in `size`.
    """

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if len(self.peaks) != self.size.bit_count():
            raise ValueError(f"{self.size} leaves have {self.size.bit_count()} peaks")

    def append(self, leaf: bytes) -> "Frontier":
        """Return the frontier with one more leaf, in at most log2(size) hashes."""
        return self.append_subtree(leaf, 1)

    def append_subtree(self, root: bytes, width: int) -> "Frontier":
        """Return the frontier with a full subtree of `width` leaves more.

        Raises:
            ValueError: `width` is no power of two, or does not divide the size.
        """
        if width < 1 or width & (width - 1) or self.size % width:
            raise ValueError(f"no subtree of {width} leaves begins at {self.size}")
        peaks = list(self.peaks)
        rest = self.size // width
        while rest & 1:
            root = node_hash(peaks.pop(), root)
            rest >>= 1
        return Frontier(self.size + width, (*peaks, root))

    def extend(self, leaves: Iterable[bytes]) -> "Frontier":
        """Return the frontier with more leaves."""
        frontier = self
        for leaf in leaves:
            frontier = frontier.append(leaf)
        return frontier

    @property
    def root(self) -> bytes:
        """The root of the whole tree."""
        if not self.peaks:
            return EMPTY_ROOT
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root


def _split(size: int) -> int:
    """Return the largest power of two smaller than `size` (RFC 9162, section 2.1.1)."""
    return 1 << (size - 1).bit_length() - 1


def inclusion_proof(index: int, size: int, range_root: RangeRoot) -> list[bytes]:
    """Return the path from leaf `index` (from 0) to the root (RFC 9162, section 2.1.3.1).

    Raises:
        ValueError: there is no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} among {size}")
    start, stop = 0, size
    path: list[bytes] = []
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            path.append(range_root(middle, stop))
            stop = middle
        else:
            path.append(range_root(start, middle))
            start = middle
    return path[::-1]


def inclusion_holds(
    leaf: bytes, *, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> bool:
    """Tell whether a leaf stands at `index` in the tree (RFC 9162, section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last = index, size - 1
    for other in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            leaf = node_hash(other, leaf)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            leaf = node_hash(leaf, other)
        place, last = place >> 1, last >> 1
    return last == 0 and leaf == root


def consistency_proof(old: int, new: int, range_root: RangeRoot) -> list[bytes]:
    """Return the proof that the tree of `old` leaves is the beginning of that of `new`.

    RFC 9162, section 2.1.4.1; empty where `old` is 0 or `new`.

    Raises:
        ValueError: `old` is negative or larger than `new`.
    """
    if not 0 <= old <= new:
        raise ValueError(f"{old} leaves are not the beginning of {new}")
    if old in (0, new):
        return []
    start, stop, whole = 0, new, True
    path: list[bytes] = []
    while old < stop:
        middle = start + _split(stop - start)
        if old <= middle:
            path.append(range_root(middle, stop))
            stop = middle
        else:
            path.append(range_root(start, middle))
            start, whole = middle, False
    if not whole:
        path.append(range_root(start, stop))
    return path[::-1]


def consistency_holds(
    *, old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Tell whether a tree only grew between two roots (RFC 9162, section 2.1.4.2)."""
    if not 0 <= old <= new:
        return False
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not path:
        return False
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = path[0]
    for other in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            before, after = node_hash(other, before), node_hash(other, after)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            after = node_hash(after, other)
        place, last = place >> 1, last >> 1
    return last == 0 and before == old_root and after == new_root
