from collections.abc import Callable

import pytest

from medclf.cohort.case import Refusal
from medclf.cohort.duplicates import (
    excluded_conflicts,
    find_duplicates,
    raise_for,
    refusals_of,
)
from medclf.cohort.manifest import Manifest
from medclf.errors import LabelsRefused
from medclf.reasons import Reason

CASES = (
    {"path": "1.png", "picture": "same", "label": "a"},
    {"path": "2.png", "picture": "same", "label": "b"},
    {"path": "3.png", "picture": "twin", "label": "a"},
    {"path": "4.png", "picture": "twin", "label": "a"},
    {"path": "5.png", "picture": "alone", "label": "a"},
)


def test_copies_are_grouped_within_and_across_labels(
    make_manifest: Callable[..., Manifest],
) -> None:
    groups = find_duplicates(make_manifest(*CASES).cases())
    assert [group.paths for group in groups] == [("1.png", "2.png"), ("3.png", "4.png")]
    assert [group.contradict for group in groups] == [True, False]


def test_contradicting_copies_are_refused_one_by_one_or_all_at_once(
    make_manifest: Callable[..., Manifest],
) -> None:
    conflicts = [g for g in find_duplicates(make_manifest(*CASES).cases()) if g.contradict]
    refused = refusals_of(conflicts)
    assert [(r.path, r.reason) for r in refused] == [
        ("1.png", Reason.LABEL_CONFLICT),
        ("2.png", Reason.LABEL_CONFLICT),
    ]
    with pytest.raises(LabelsRefused, match=r"lines 2, 3 \(a / b\)"):
        raise_for(conflicts)
    raise_for([])


def test_refusals_of_one_conflict_are_gathered_again(
    make_manifest: Callable[..., Manifest],
) -> None:
    conflicts = [g for g in find_duplicates(make_manifest(*CASES).cases()) if g.contradict]
    (found,) = excluded_conflicts(refusals_of(conflicts))
    assert found.images == 2
    assert "a, b (table lines 2, 3)" in found.message
    assert excluded_conflicts([Refusal("1.png", Reason.FILE_EMPTY, "empty")]) == ()


FINDINGS = (
    {"path": "1.png", "picture": "same", "label": "", "findings": (1, 0, 1)},
    {"path": "2.png", "picture": "same", "label": "", "findings": (0, 1, 1)},
    {"path": "3.png", "picture": "twin", "label": "", "findings": (1, -1, -2)},
    {"path": "4.png", "picture": "twin", "label": "", "findings": (1, 0, 1)},
)


def test_copies_contradict_where_a_finding_is_present_and_absent(
    make_manifest: Callable[..., Manifest],
) -> None:
    cases = list(make_manifest(*FINDINGS).cases())
    groups = find_duplicates(cases, names=("edema", "mass", "effusion"))
    assert [group.findings for group in groups] == [("edema", "mass"), ()]
    conflicts = [group for group in groups if group.contradict]
    assert [refusal.path for refusal in refusals_of(conflicts)] == ["1.png", "2.png"]
    (found,) = excluded_conflicts(refusals_of(conflicts))
    assert "the findings edema, mass both as present and as absent" in found.message
    with pytest.raises(LabelsRefused, match=r"lines 2, 3 \(edema, mass: present / absent\)"):
        raise_for(conflicts)
    assert find_duplicates(cases)[0].findings == ("finding 1", "finding 2")
