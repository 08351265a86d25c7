from collections.abc import Callable
from dataclasses import replace

import pytest

from medclf.cohort.copies import Copies, Pair, Sameness
from medclf.cohort.leakage import check, require_clean, require_no_copies
from medclf.cohort.manifest import Manifest
from medclf.errors import LabelsRefused

ROWS = (
    {"patient": "p1", "group": "g1"},
    {"patient": "p1", "picture": "twin"},
    {"group": "g1", "picture": "twin"},
    {"sop_instance_uid": "1.2"},
    {"sop_instance_uid": "1.2"},
)


def test_each_kind_of_leak_is_found(make_manifest: Callable[..., Manifest]) -> None:
    report = check(make_manifest(*ROWS), ["train", "test", "tune", "train", "test"])
    assert [leak.key for leak in report.patients] == ["p1"]
    assert report.patients[0].parts == ("train", "test")
    assert report.patients[0].lines == (2, 3)
    assert [leak.key for leak in report.groups] == ["g1"]
    assert [leak.rows for leak in report.pictures] == [(1, 2)]
    assert [leak.key for leak in report.instances] == ["1.2"]


def test_a_clean_split_passes(make_manifest: Callable[..., Manifest]) -> None:
    report = check(make_manifest(*ROWS), ["train"] * 3 + ["test"] * 2)
    assert report.leaks == ()
    require_clean(report)


def test_a_leak_is_refused_with_parts_and_lines_and_without_its_key(
    make_manifest: Callable[..., Manifest],
) -> None:
    report = check(make_manifest(*ROWS), ["train", "test", "tune", "train", "test"])
    with pytest.raises(LabelsRefused, match=r"one patient in train \(line 2\), test") as caught:
        require_clean(report)
    assert "3 more cross" in str(caught.value)
    assert len(caught.value.facts["leaks"]) == 4
    told = f"{caught.value} {caught.value.facts}"  # a group is free text, and may be a name
    assert not any(leak.key in told for leak in report.leaks)


def test_every_part_is_named_even_when_one_holds_many_lines(
    make_manifest: Callable[..., Manifest],
) -> None:
    manifest = make_manifest(*({"patient": "p1"} for _ in range(9)))
    report = check(manifest, ["train"] * 8 + ["test"])
    assert str(report.patients[0]) == ("one patient in train (lines 2, 3, 4, 5, …), test (line 10)")


def near(*pairs: tuple[int, int]) -> Copies:
    return Copies(tuple(Pair(a, b, Sameness.NEAR, 0.95) for a, b in pairs))


def test_copies_across_parts_and_under_two_labels_are_warned_of(
    make_manifest: Callable[..., Manifest],
) -> None:
    manifest = make_manifest({"label": "a"}, {"label": "b"}, {"label": "a"}, {"label": "a"})
    parts = ["train", "test", "train", "train"]
    report = check(manifest, parts, copies=near((0, 1), (2, 3)))
    assert [group.rows for group in report.crossing] == [(0, 1)]
    assert [group.rows for group in report.contradicting] == [(0, 1)]
    crossing, unbound, contradicting = report.warnings
    assert "Copies lie in several parts (groups: 1, images: 2)" in crossing
    assert "no patient or group is known: the split ignores groups" in unbound
    assert "first in lines 2, 3 (a / b)" in contradicting
    with pytest.raises(LabelsRefused, match="the first are the lines 2, 3 in train, test"):
        require_no_copies(report)


def test_copies_that_no_table_lists_are_named_by_their_rows(
    make_manifest: Callable[..., Manifest],
) -> None:
    cases = ({"label": label, "line": 0} for label in "ab")
    report = check(make_manifest(*cases), ["train", "test"], copies=near((0, 1)))
    assert any("first in rows 1, 2 (a / b)" in warning for warning in report.warnings)
    with pytest.raises(LabelsRefused, match="the first are the rows 1, 2 in train, test"):
        require_no_copies(report)


def test_copies_with_contradicting_findings_are_warned_of(
    make_manifest: Callable[..., Manifest],
) -> None:
    told = ((1, 0), (1, 1), (1, -1))
    made = make_manifest(*({"label": "", "findings": findings} for findings in told))
    manifest = replace(made, facts={"findings": ["edema", "mass"]})
    report = check(manifest, (), copies=near((0, 1)))
    assert [group.findings for group in report.contradicting] == [("mass",)]
    assert any("lines 2, 3 (mass: present / absent)" in warning for warning in report.warnings)
    assert check(manifest, (), copies=near((1, 2))).contradicting == ()


def test_copies_within_one_patient_and_part_are_no_cause_for_warning(
    make_manifest: Callable[..., Manifest],
) -> None:
    manifest = make_manifest(*({"patient": "p"} for _ in range(2)))
    report = check(manifest, ["train", "train"], copies=near((0, 1)))
    assert len(report.copies) == 1
    assert report.warnings == ()
    require_no_copies(report)


def test_without_a_split_only_copies_are_told(make_manifest: Callable[..., Manifest]) -> None:
    report = check(make_manifest(*ROWS), (), copies=near((0, 3)))
    assert report.leaks == ()
    assert [group.parts for group in report.copies] == [("", "")]
