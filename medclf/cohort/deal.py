"""Dealing a cohort's units to parts, at random or with the latest ones as the test part."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from medclf.cohort.assign import assign, deal_order
from medclf.cohort.manifest import Manifest
from medclf.cohort.strata import strata_of
from medclf.errors import LabelsRefused


class Dealing(Protocol):
    """What of a `medclf.cohort.split_config.SplitConfig` matters here."""

    @property
    def fractions(self) -> dict[str, float]:
        """The parts asked for, in order, with their fractions."""

    @property
    def minimum_per_class(self) -> int:
        """Cases of every label that every part must hold."""

    @property
    def seed(self) -> int:
        """Of the draw among equals."""


def share_out(
    manifest: Manifest,
    units: np.ndarray,
    fractions: Mapping[str, float],
    config: Dealing,
    *,
    rows: np.ndarray | None = None,
    draw: str = "",
) -> list[str]:
    """Deal units to parts so that every part holds its fair share of every label or finding.

    Args:
        manifest: of the cases.
        units: (n,) int64, numbered from 0.
        fractions: part → share, all positive, sum 1.
        config: seed and minimum.
        rows: (m,) int64, whole units to deal; all rows when None.
        draw: tells several draws with one seed apart.

    Returns:
        The part of each row; "" for rows that are not dealt.
    """
    chosen = np.arange(len(manifest)) if rows is None else rows
    present, own = np.unique(units[chosen], return_inverse=True)
    strata = strata_of(manifest).table[chosen]  # (m, strata)
    counts = np.zeros((len(present), strata.shape[1]), dtype=np.int64)
    np.add.at(counts, own, strata)
    names = [""] * len(present)
    pictures = manifest.column("picture")
    for unit, row in zip(own.tolist(), chosen.tolist(), strict=True):
        names[unit] = min(names[unit] or pictures[row], pictures[row])
    dealt = assign(
        counts,
        deal_order([draw + name for name in names], np.bincount(own), seed=config.seed),
        np.array(list(fractions.values())),
        minimum=config.minimum_per_class,
    )
    asked = list(fractions)
    parts = [""] * len(manifest)
    for row, unit in zip(chosen.tolist(), own.tolist(), strict=True):
        parts[row] = asked[int(dealt[unit])]
    return parts


def share_out_by_time(manifest: Manifest, units: np.ndarray, config: Dealing) -> list[str]:
    """Take the latest units as the test part and deal the others at random.

    A unit counts by its last picture, so that nothing that is learned from is later than
    the first month of the test part. Months are never parted.

    Returns:
        The part of each row.

    Raises:
        LabelsRefused: the month of a case is not known, or all cases are of one month.
    """
    taken = manifest.column("taken_on")
    known = sum(map(bool, taken))
    if known < len(manifest):
        raise LabelsRefused(
            f"The split is to go by time, but only {known} of {len(manifest)} cases tell the "
            "month in which they were taken.",
            advice="Fill in the month in the labels table, or set `by: random`.",
            found=known,
            expected=len(manifest),
        )
    last = [""] * (int(units.max(initial=-1)) + 1)
    for unit, month in zip(units.tolist(), taken, strict=True):
        last[unit] = max(last[unit], month)
    months = np.array([last[unit] for unit in units.tolist()])
    distinct = np.unique(months)
    if len(distinct) < 2:
        raise LabelsRefused(
            "The split is to go by time, but all cases are of one month.",
            advice="Set `by: random`, or add cases of other months.",
        )
    wanted = config.fractions["test"] * len(manifest)
    held = np.array([(months >= month).sum() for month in distinct[1:]])
    first = distinct[1 + int(np.abs(held - wanted).argmin())]
    fractions = {name: share for name, share in config.fractions.items() if name != "test"}
    total = sum(fractions.values())
    parts = share_out(
        manifest,
        units,
        {name: share / total for name, share in fractions.items()},
        config,
        rows=np.flatnonzero(months < first),
    )
    return [part or "test" for part in parts]
