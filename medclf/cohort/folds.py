"""k-fold splits: every unit is tested once, and each fold is a whole split of its own.

For figures over a small cohort one test part is a matter of luck. Each fold has its own
train, tune and calibrate parts, so that nothing of a fold's test part ever chose an epoch,
a temperature or a threshold of that fold.
"""

import numpy as np

from medclf.cohort.copies import Copies
from medclf.cohort.deal import share_out
from medclf.cohort.manifest import Manifest
from medclf.cohort.split import Split, seal_split
from medclf.cohort.split_config import SplitConfig
from medclf.cohort.split_rules import check_labels, check_unit
from medclf.cohort.units import find_units
from medclf.errors import LabelsRefused

_MOST = 20


def make_folds(
    manifest: Manifest, config: SplitConfig, *, count: int, copies: Copies | None = None
) -> tuple[Split, ...]:
    """Make k splits whose test parts share the cohort out.

    Deterministic by seed and content, like a single split: the order of the table does not
    matter. The shares of train, tune and calibrate among what is not tested are those of
    `config`; its share of `test` does not enter, as each fold tests one in `count`.

    Args:
        manifest: of the cases.
        config: shares, unit, minimum of each label, policy for near copies, seed.
        count: of folds, 2 to 20.
        copies: what was found among the pictures.

    Returns:
        `count` splits; each row is in the test part of exactly one.

    Raises:
        LabelsRefused: `count` is out of range, the labels table fixes the parts, or a fold
            breaks a rule of `medclf.cohort.split.split_cohort`.
    """
    check_labels(manifest)
    check_unit(manifest, config)
    if not 2 <= count <= _MOST:
        raise LabelsRefused(
            f"{count} folds were asked for; 2 to {_MOST} are possible.", advice="Name another k."
        )
    if any(manifest.column("part")) or config.by == "time":
        raise LabelsRefused(
            "Folds are drawn at random, but the labels table fixes the parts or the split is "
            "to go by time.",
            advice="Remove the column part, and set `by: random`.",
        )
    found = copies or Copies()
    together = found.binding(near=config.near_duplicates == "keep_together")
    units = find_units(manifest, pairs=together, whole_sites=config.unit == "site")
    blocks = np.array(deal_blocks(manifest, units, config, count=count))
    learned = {name: share for name, share in config.fractions.items() if name != "test"}
    total = sum(learned.values())
    splits = []
    for fold in range(count):
        parts = share_out(
            manifest,
            units,
            {name: share / total for name, share in learned.items()},
            config,
            rows=np.flatnonzero(blocks != fold),
            draw=f"fold {fold}\0",
        )
        parts = [part or "test" for part in parts]
        source = f"fold {fold + 1} of {count}"
        splits.append(seal_split(manifest, units, parts, config, source=source, copies=found))
    return tuple(splits)


def deal_blocks(
    manifest: Manifest, units: np.ndarray, config: SplitConfig, *, count: int
) -> list[int]:
    """Deal units to `count` blocks of equal share, each with its fair share of every label.

    Returns:
        The block of each row, from 0.
    """
    fractions = {str(block): 1 / count for block in range(count)}
    return [int(block) for block in share_out(manifest, units, fractions, config, draw="blocks\0")]
