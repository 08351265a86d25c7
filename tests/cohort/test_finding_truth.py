from pathlib import Path

import pytest

from medclf.cohort.case import Case
from medclf.cohort.finding_truth import finding_truth, outcome_counts
from medclf.cohort.manifest import Manifest
from medclf.model.part import UNKNOWN

TOLD = [(1, 0), (-1, -2), (0, 1)]


def manifest(uncertain: str) -> Manifest:
    cases = [
        Case(path=f"{n}.png", digest=str(n), picture=str(n), label="", findings=told)
        for n, told in enumerate(TOLD)
    ]
    facts = {"findings": ["edema", "mass"], "uncertain": uncertain}
    return Manifest.from_cases(cases, base=Path("/nowhere"), facts=facts)


@pytest.mark.parametrize(
    ("rule", "counts_as"), [("ignore", UNKNOWN), ("absent", 0), ("present", 1)]
)
def test_an_uncertain_finding_counts_by_the_rule_where_it_is_asked_for(rule, counts_as):
    whole = manifest(rule)
    assert finding_truth(whole, ruled=True).tolist() == [[1, 0], [counts_as, UNKNOWN], [0, 1]]
    assert finding_truth(whole).tolist() == [[1, 0], [UNKNOWN, UNKNOWN], [0, 1]]


def test_outcomes_are_counted_among_what_is_told():
    assert outcome_counts(finding_truth(manifest("ignore"))).tolist() == [[1, 1], [1, 1]]
