"""Finding fingerprints that differ in few bits, without comparing every pair of a large cohort.

Up to `EXACT_UP_TO` pictures every pair is compared, so nothing within the radius is
missed. Above, pairs are compared only when they agree in a whole band of bits: bands drawn
at random find a pair at distance d with probability 1 - (1 - (1 - d / 256) ** width) ** bands
(Indyk & Motwani 1998, doi:10.1145/276698.276876, bit sampling). A band grows with the
logarithm of the cohort, so that the buckets do not.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medclf.cohort.fingerprint import BITS

EXACT_UP_TO = 20_000
"""Pictures up to which every pair is compared: 2 × 10⁸ pairs take some seconds a variant."""

_BANDS = 40
_SPARE_BITS = 2  # a bucket holds about 2 ** 2 pictures where bits are independent
_WALK = 64  # pictures behind each one in its bucket; fuller buckets are not walked to their end
_BLOCK = 64  # rows compared at once: 64 × 20,000 words are 10 MB
_SEED = 20_260_101  # of the bands; any number serves


@dataclass(frozen=True, eq=False, slots=True)
class Near:
    """Pairs of pictures whose fingerprints are near each other.

    Attributes:
        first: (pairs,) int64, whose variant was compared.
        second: (pairs,) int64, never the same as `first`.
        distance: (pairs,) int64, differing bits.
        exhaustive: whether every pair was compared.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    distance: NDArray[np.int64]
    exhaustive: bool


def find_near(
    variants: NDArray[np.uint64], plain: NDArray[np.uint64], *, radius: int, same: bool
) -> Near:
    """Find the pairs whose fingerprints differ in at most `radius` bits.

    Args:
        variants: (n, 4) uint64, one variant of each picture.
        plain: (n, 4) uint64, each picture as it is.
        radius: in bits.
        same: whether `variants` is `plain`; then each pair is given once.
    """
    if len(plain) <= EXACT_UP_TO:
        first, second = _every_pair(variants, plain, radius, same)
    else:
        first, second = _banded_pairs(variants, plain, radius, same)
    distance = _differing(variants[first], plain[second])
    kept = (distance <= radius) & (first != second)
    if same:
        kept &= first < second
    return Near(first[kept], second[kept], distance[kept], len(plain) <= EXACT_UP_TO)


def _every_pair(
    variants: NDArray[np.uint64], plain: NDArray[np.uint64], radius: int, same: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    firsts, seconds = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for start in range(0, len(plain), _BLOCK):
        begin = start if same else 0
        counts = np.zeros((len(variants[start : start + _BLOCK]), len(plain) - begin), np.uint16)
        for word in range(plain.shape[1]):
            differing = variants[start : start + _BLOCK, None, word] ^ plain[None, begin:, word]
            counts += np.bitwise_count(differing)
        first, second = np.nonzero(counts <= radius)
        firsts.append(first + start)
        seconds.append(second + begin)
    return np.concatenate(firsts), np.concatenate(seconds)


def _banded_pairs(
    variants: NDArray[np.uint64], plain: NDArray[np.uint64], radius: int, same: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs within the radius, first and second, that agree in a band; each once."""
    n = len(plain)
    width = max(1, math.ceil(math.log2(n)) - _SPARE_BITS)
    generator = np.random.default_rng(_SEED)
    found = [np.zeros(0, np.int64)]
    for _ in range(_BANDS):
        chosen = generator.choice(BITS, width, replace=False)
        keys = _band(plain, chosen)
        order = np.argsort(keys, kind="stable")
        asked = keys if same else _band(variants, chosen)
        low = np.searchsorted(keys[order], asked, side="left")
        high = np.searchsorted(keys[order], asked, side="right")
        if same:  # each pair once: from a picture to those behind it in its bucket
            low[order] = np.arange(1, n + 1)
        for step in range(_WALK):
            rows = np.flatnonzero(low + step < high)
            if not len(rows):
                break
            others = order[low[rows] + step]
            near = _differing(variants[rows], plain[others]) <= radius
            first, second = rows[near], others[near]
            if same:
                first, second = np.minimum(first, second), np.maximum(first, second)
            found.append(first * n + second)
    pairs = np.unique(np.concatenate(found))
    return pairs // n, pairs % n


def _band(fingerprints: NDArray[np.uint64], chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the chosen bits of each fingerprint as one number."""
    key = np.zeros(len(fingerprints), np.int64)
    for bit in chosen.tolist():
        word, place = divmod(bit, 64)
        key = (key << 1) | ((fingerprints[:, word] >> np.uint64(place)) & np.uint64(1)).astype(
            np.int64
        )
    return key


def _differing(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> NDArray[np.int64]:
    counts: NDArray[np.int64] = np.bitwise_count(a ^ b).sum(axis=1, dtype=np.int64)
    return counts
