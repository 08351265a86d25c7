"""What a cohort of several findings tells of each: present, absent, or nothing to learn from."""

from typing import Any

import numpy as np
import pyarrow.compute as pc

from medclf.cohort.manifest import Manifest
from medclf.cohort.values import NOT_TOLD
from medclf.model.part import UNKNOWN

IntArray = np.ndarray[Any, np.dtype[np.int64]]

_UNCERTAIN = -1


def finding_truth(manifest: Manifest, *, ruled: bool = False) -> IntArray:
    """Return what is told of each finding of each case.

    Args:
        manifest: of a cohort of several findings.
        ruled: whether an uncertain finding counts as the manifest's rule `uncertain` has it;
            else it is unknown, as one that is not told.

    Returns:
        (n, findings) int64 of 1 present, 0 absent, `UNKNOWN`.
    """
    flat = pc.list_flatten(manifest.table.column("findings")).to_numpy()
    told = flat.reshape(len(manifest), len(manifest.findings)).astype(np.int64)
    rule = str(manifest.facts.get("uncertain", "ignore")) if ruled else "ignore"
    counts_as = {"ignore": UNKNOWN, "absent": 0, "present": 1}[rule]
    truth = np.where(told == _UNCERTAIN, counts_as, told)
    return np.where(told == NOT_TOLD, UNKNOWN, truth)


def outcome_counts(truth: IntArray) -> IntArray:
    """Return (2, findings) int64: how many cases tell each finding absent, and present.

    Args:
        truth: (n, findings) of 0, 1 and `UNKNOWN`.
    """
    return np.stack([(truth == outcome).sum(axis=0) for outcome in (0, 1)]).astype(np.int64)
