"""What every part of a split must hold its fair share of: each label, or each finding both ways.

Of several findings a part needs cases that are told to have one and cases that are told not
to: without either there is no sensitivity or no specificity, and no threshold between them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from medclf.cohort.finding_truth import finding_truth, outcome_counts
from medclf.cohort.manifest import Manifest


@dataclass(frozen=True, eq=False, slots=True)
class Strata:
    """Which strata each case counts in.

    Attributes:
        table: (n, strata) int64, 1 where a case counts.
        told: each stratum that no part may lack with its column, as a person would say it:
            `cases of 'benign'`, `cases in which 'Mass' is present`.
    """

    table: np.ndarray
    told: tuple[str, ...]

    def columns(self) -> Iterator[tuple[str, np.ndarray]]:
        """Yield each stratum that no part may lack: its words and (n,) bool."""
        for place, words in enumerate(self.told):
            yield words, self.table[:, place] > 0


def strata_of(manifest: Manifest) -> Strata:
    """Return the strata of a cohort, of labels or of findings.

    Uncertain findings count in no stratum: nothing is chosen, calibrated or judged by them. A
    last column counts every case of several findings, so that those of which nothing is told
    are shared out as well.
    """
    if not manifest.findings:
        places = manifest.label_indices(manifest.labels)
        table = (places[:, None] == np.arange(len(manifest.labels))).astype(np.int64)
        return Strata(table, tuple(f"cases of {label!r}" for label in manifest.labels))
    truth = finding_truth(manifest)
    present, absent = (truth == 1).astype(np.int64), (truth == 0).astype(np.int64)
    told = (
        *(f"cases in which {name!r} is present" for name in manifest.findings),
        *(f"cases in which {name!r} is told to be absent" for name in manifest.findings),
    )
    return Strata(np.hstack([present, absent, np.ones((len(truth), 1), np.int64)]), told)


def counts_of(manifest: Manifest, rows: np.ndarray) -> dict[str, object]:
    """Return how many of some cases carry each label, or tell each finding absent and present.

    Args:
        manifest: of the cases.
        rows: (m,) int64.
    """
    if not manifest.findings:
        held = np.bincount(
            manifest.label_indices(manifest.labels)[rows], minlength=len(manifest.labels)
        )
        return dict(zip(manifest.labels, held.tolist(), strict=True))
    absent, present = outcome_counts(finding_truth(manifest)[rows])
    return {
        name: {"present": int(present[k]), "absent": int(absent[k])}
        for k, name in enumerate(manifest.findings)
    }
