"""Which cases must never be parted: one patient, one group, one picture under two names.

Two cases belong together when they share any of these, and belonging together carries
over: if A shares its patient with B and B its slide with C, then A, B and C are one unit.
"""

from collections.abc import Sequence

import numpy as np

from medclf.cohort.manifest import Manifest

LINKS = ("patient", "group", "picture", "sop_instance_uid")
"""The columns whose shared, non-blank value makes two cases inseparable."""


def find_units(manifest: Manifest) -> np.ndarray:
    """Number the units of a manifest.

    Returns:
        (n,) int64; cases with the same number must stay together. Numbers count from 0
        in the order in which units first appear.
    """
    return connect([manifest.column(name) for name in LINKS], len(manifest))


def connect(columns: Sequence[Sequence[str]], count: int) -> np.ndarray:
    """Number the connected components of rows that share a non-blank value in a column.

    Disjoint-set forest with path halving (Tarjan & van Leeuwen 1984,
    doi:10.1145/62.2160).

    Args:
        columns: each with `count` values; equal values in different columns say nothing.
        count: of rows.

    Returns:
        (count,) int64, numbered from 0 in order of appearance.

    >>> connect([["ann", "ann", "", ""], ["", "s1", "s1", ""]], 4).tolist()
    [0, 0, 0, 1]
    """
    parent = list(range(count))

    def root_of(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    for column in columns:
        first: dict[str, int] = {}
        for row, value in enumerate(column):
            if value:
                a, b = root_of(first.setdefault(value, row)), root_of(row)
                parent[max(a, b)] = min(a, b)
    numbers: dict[int, int] = {}
    units = [numbers.setdefault(root_of(row), len(numbers)) for row in range(count)]
    return np.array(units, dtype=np.int64)
