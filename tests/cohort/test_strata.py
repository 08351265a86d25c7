from pathlib import Path

import numpy as np
import pytest

from medclf.cohort.case import Case
from medclf.cohort.manifest import Manifest
from medclf.cohort.split import split_cohort
from medclf.cohort.split_config import SplitConfig
from medclf.cohort.strata import strata_of
from medclf.errors import LabelsRefused

NAMES = ("edema", "mass", "hernia")
CONFIG = SplitConfig(seed=0, minimum_per_class=5)


def cohort(told: np.ndarray) -> Manifest:
    cases = [
        Case(
            path=f"{n:04d}.png",
            digest=str(n),
            picture=str(n),
            label="",
            patient=f"p{n // 2}",
            findings=tuple(row),
        )
        for n, row in enumerate(told.tolist())
    ]
    facts = {"findings": list(NAMES), "uncertain": "present"}
    return Manifest.from_cases(cases, base=Path("/nowhere"), facts=facts)


def drawn(n: int = 600, *, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    told = (generator.random((n, 3)) < [0.4, 0.2, 0.08]).astype(np.int64)
    told[generator.random(told.shape) < 0.3] = -2
    told[generator.random(told.shape) < 0.05] = -1
    told[:40] = -2  # nothing at all is told of some
    return told


def test_every_part_gets_its_share_of_each_finding_both_ways_and_of_cases() -> None:
    told = drawn()
    split = split_cohort(cohort(told), CONFIG)
    for part, share in CONFIG.fractions.items():
        rows = split.rows(part)
        assert len(rows) == pytest.approx(share * 600, abs=8)
        for outcome in (0, 1):
            held, whole = ((t == outcome).sum(axis=0) for t in (told[rows], told))
            assert (held >= CONFIG.minimum_per_class).all()
            assert np.abs(held - share * whole).max() <= 0.1 * share * 600
    assert split.facts["counts"]["test"]["hernia"]["present"] == int(
        (told[split.rows("test"), 2] == 1).sum()
    )


def test_patients_of_several_findings_are_never_parted() -> None:
    split = split_cohort(cohort(drawn()), CONFIG)
    parts = np.array(split.parts).reshape(-1, 2)
    assert (parts[:, 0] == parts[:, 1]).all()


def test_an_uncertain_finding_counts_in_no_stratum() -> None:
    table = strata_of(cohort(np.array([[-1, 1, 0], [1, -2, -1]]))).table
    assert table.tolist() == [[0, 1, 0, 0, 0, 1, 1], [1, 0, 0, 0, 0, 0, 1]]


def test_a_finding_too_rare_for_every_part_is_named() -> None:
    told = drawn()
    told[told[:, 2] == 1, 2] = 0
    told[:3, 2] = 1
    with pytest.raises(LabelsRefused, match="'hernia' is present; at least 5"):
        split_cohort(cohort(told), CONFIG)


def test_a_finding_that_is_never_present_is_refused() -> None:
    told = drawn()
    told[told[:, 1] == 1, 1] = -1
    with pytest.raises(LabelsRefused, match="mass is never told to be present"):
        split_cohort(cohort(told), CONFIG)
