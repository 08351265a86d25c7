"""All copies among the pictures of a cohort: of bytes, of pixels, and nearly so.

Looks at the prepared pictures (`medclf.cohort.dataset`), so that every format is decoded
once and a PNG can be recognised in a DICOM object. A copy matters three times: in two
parts of a split it makes the test too easy, under two labels it proves that one of them is
wrong, and in one part it makes the cohort look larger than it is.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from medclf.cohort.fingerprint import CROPS, TURNS, Turn, fingerprints
from medclf.cohort.likeness import THRESHOLD, Look, agreement, look_at
from medclf.cohort.manifest import Manifest
from medclf.cohort.nearness import EXACT_UP_TO, find_near
from medclf.cohort.streaming import in_order
from medclf.dicom.kind import Kind
from medclf.digest import digest_array
from medclf.pixels.transforms.resample import as_uint8

RADIUS = {Kind.XRAY: 56, Kind.FUNDUS: 56, Kind.PATHOLOGY: 88}
"""Differing bits of 256 up to which two pictures are compared by their pixels.

Wide enough for copies trimmed by some percent of each side, narrow enough that about one of
10,000 pairs of different chest films lies within; fields of tissue resemble each other less.
"""

_CHECKED_PER_PICTURE = 20  # pairs; a cohort of films of one phantom would have n² of them
_LOOKS_KEPT = 4096  # pictures ready for comparing: 131 KB each, half a gigabyte at most

Progress = Callable[[int, int], None]


class Pictures(Protocol):
    """Prepared pictures, row for row the manifest's."""

    def __len__(self) -> int:
        """How many."""

    def __getitem__(self, row: int) -> NDArray[np.uint8]:
        """Return (side, side) or (side, side, 3) uint8."""


class Sameness(StrEnum):
    """What two copies share; the first that holds."""

    BYTES = "same bytes"
    PICTURE = "same stored pixels"
    PIXELS = "same prepared pixels"
    NEAR = "nearly the same"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two rows of a manifest that show one picture.

    Attributes:
        first: row, counted from 0.
        second: row, greater than `first`.
        sameness: what they share.
        agreement: correlation of their detail, in [-1, 1]; 1 unless they are near copies.
        turn: of the second against the first, or of the first against the second.
    """

    first: int
    second: int
    sameness: Sameness
    agreement: float = 1.0
    turn: Turn = Turn.NONE


@dataclass(frozen=True)
class Copies:
    """Every pair of copies, sorted by rows, and how they were looked for.

    Of k exact copies the k - 1 pairs with the first of them are listed; near copies are
    looked for among pictures that differ.

    Attributes:
        pairs: what was found.
        candidates: pairs whose fingerprints are near.
        checked: of these, how many were compared by their pixels, the nearest first.
        exhaustive: whether all pairs of fingerprints were compared.
        radius: differing bits of 256 up to which fingerprints count as near.
    """

    pairs: tuple[Pair, ...] = ()
    candidates: int = 0
    checked: int = 0
    exhaustive: bool = True
    radius: int = 0

    @property
    def near(self) -> tuple[Pair, ...]:
        """The near copies alone."""
        return tuple(pair for pair in self.pairs if pair.sameness is Sameness.NEAR)

    @property
    def links(self) -> list[tuple[int, int]]:
        """The rows of each pair."""
        return [(pair.first, pair.second) for pair in self.pairs]

    def binding(self, *, near: bool) -> list[tuple[int, int]]:
        """The rows of each pair that must stay together: of exact copies, and `near` ones too."""
        return [
            (pair.first, pair.second)
            for pair in self.pairs
            if near or pair.sameness is not Sameness.NEAR
        ]

    def facts(self) -> dict[str, Any]:
        """Return how they were looked for, as plain values."""
        return {
            "candidates": self.candidates,
            "checked": self.checked,
            "exhaustive": self.exhaustive,
            "radius_bits": self.radius,
            "threshold": THRESHOLD,
        }


def find_copies(
    manifest: Manifest,
    pictures: Pictures,
    *,
    kind: Kind,
    threads: int = 2,
    progress: Progress = lambda done, total: None,
) -> Copies:
    """Find every pair of copies in a cohort.

    Args:
        manifest: of the cases.
        pictures: prepared, row for row the manifest's.
        kind: tells how a copy may be turned.
        threads: that fingerprint and compare.
        progress: told after each picture, then after each pair.
    """
    rows = range(len(manifest))
    variants: list[NDArray[np.uint64]] = []
    contents: list[str] = []
    turns = TURNS[kind]

    def describe(row: int) -> tuple[NDArray[np.uint64], str]:
        picture = as_uint8(pictures[row])
        return fingerprints(picture, turns), digest_array(picture)

    with closing(in_order(describe, rows, threads=threads)) as described:
        for prints, content in described:
            variants.append(prints)
            contents.append(content)
            progress(len(variants), len(manifest))
    exact, different = _exact_pairs(manifest, contents)
    candidates = _candidates(variants, different, turns, radius=RADIUS[kind])
    checked = candidates[: max(1000, _CHECKED_PER_PICTURE * len(different))]
    near = _confirmed(pictures, checked, threads=threads, progress=progress)
    return Copies(
        pairs=tuple(sorted([*exact, *near], key=lambda pair: (pair.first, pair.second))),
        candidates=len(candidates),
        checked=len(checked),
        exhaustive=len(different) <= EXACT_UP_TO,
        radius=RADIUS[kind],
    )


def _exact_pairs(manifest: Manifest, contents: Sequence[str]) -> tuple[list[Pair], list[int]]:
    """Return the pairs of exact copies, and one row of each picture that differs from all."""
    columns = {
        Sameness.BYTES: manifest.column("digest"),
        Sameness.PICTURE: manifest.column("picture"),
        Sameness.PIXELS: contents,
    }
    pairs: list[Pair] = []
    members: defaultdict[str, list[int]] = defaultdict(list)
    for row, content in enumerate(contents):
        members[content].append(row)
    for rows in members.values():
        for row in rows[1:]:
            sameness = next(
                (how for how, keys in columns.items() if keys[row] == keys[rows[0]]),
                Sameness.PIXELS,
            )
            pairs.append(Pair(rows[0], row, sameness))
    return pairs, [rows[0] for rows in members.values()]


@dataclass(frozen=True, slots=True)
class _Candidate:
    first: int  # whose crop and turn resemble the other
    second: int
    distance: int
    crop: float
    turn: Turn


def _candidates(
    variants: Sequence[NDArray[np.uint64]],
    rows: Sequence[int],
    turns: tuple[Turn, ...],
    *,
    radius: int,
) -> list[_Candidate]:
    """Return the pairs with near fingerprints, each once, the nearest first."""
    if len(rows) < 2:
        return []
    every = np.stack([variants[row] for row in rows])  # (n, crops × turns, 4)
    plain = np.ascontiguousarray(every[:, 0])
    looks = [(crop, turn) for crop in CROPS for turn in turns]
    best: dict[tuple[int, int], _Candidate] = {}
    for number, (crop, turn) in enumerate(looks):
        asked = np.ascontiguousarray(every[:, number])
        near = find_near(asked, plain, radius=radius, same=number == 0)
        for a, b, distance in zip(
            near.first.tolist(), near.second.tolist(), near.distance.tolist(), strict=True
        ):
            key = (min(a, b), max(a, b))
            if key not in best or distance < best[key].distance:
                best[key] = _Candidate(rows[a], rows[b], distance, crop, turn)
    return sorted(best.values(), key=lambda c: (c.distance, c.first, c.second))


def _confirmed(
    pictures: Pictures,
    candidates: Sequence[_Candidate],
    *,
    threads: int,
    progress: Progress,
) -> Iterator[Pair]:
    """Yield the candidates whose detail agrees."""

    @lru_cache(maxsize=_LOOKS_KEPT)
    def look(row: int, crop: float, turn: Turn) -> Look:
        return look_at(as_uint8(pictures[row]), crop=crop, turn=turn)

    def compare(candidate: _Candidate) -> float:
        first = look(candidate.first, candidate.crop, candidate.turn)
        return agreement(first, look(candidate.second, 1.0, Turn.NONE))

    with closing(in_order(compare, candidates, threads=threads)) as compared:
        for done, (candidate, found) in enumerate(zip(candidates, compared, strict=True), start=1):
            progress(done, len(candidates))
            if found >= THRESHOLD:
                first, second = sorted((candidate.first, candidate.second))
                yield Pair(first, second, Sameness.NEAR, round(found, 4), candidate.turn)
