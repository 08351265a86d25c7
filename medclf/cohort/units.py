"""Which cases must never be parted: one patient, one group, one picture under two names.

Two cases belong together when they share any of these, and belonging together carries
over: if A shares its patient with B and B its slide with C, then A, B and C are one unit.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from medclf.cohort.manifest import Manifest

LINKS = ("patient", "group", "picture", "sop_instance_uid")
"""The columns whose shared, non-blank value makes two cases inseparable."""


def find_units(
    manifest: Manifest, *, pairs: Iterable[tuple[int, int]] = (), whole_sites: bool = False
) -> np.ndarray:
    """Number the units of a manifest.

    Args:
        manifest: of the cases.
        pairs: rows that belong together beside, such as near copies.
        whole_sites: whether all cases of one site belong together too.

    Returns:
        (n,) int64; cases with the same number must stay together. Numbers count from 0
        in the order in which units first appear.
    """
    names = (*LINKS, "site") if whole_sites else LINKS
    return connect([manifest.column(name) for name in names], len(manifest), pairs=pairs)


def connect(
    columns: Sequence[Sequence[str]], count: int, *, pairs: Iterable[tuple[int, int]] = ()
) -> np.ndarray:
    """Number the connected components of rows that share a non-blank value in a column.

    Disjoint-set forest with path halving (Tarjan & van Leeuwen 1984,
    doi:10.1145/62.2160).

    Args:
        columns: each with `count` values; equal values in different columns say nothing.
        count: of rows.
        pairs: of rows that are connected beside.

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

    def link(one: int, other: int) -> None:
        a, b = root_of(one), root_of(other)
        parent[max(a, b)] = min(a, b)

    for column in columns:
        first: dict[str, int] = {}
        for row, value in enumerate(column):
            if value:
                link(first.setdefault(value, row), row)
    for one, other in pairs:
        link(one, other)
    numbers: dict[int, int] = {}
    units = [numbers.setdefault(root_of(row), len(numbers)) for row in range(count)]
    return np.array(units, dtype=np.int64)
