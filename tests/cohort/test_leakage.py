from collections.abc import Callable

import pytest

from medclf.cohort.leakage import check, require_clean
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


def test_a_leak_is_refused_with_its_key_parts_and_lines(
    make_manifest: Callable[..., Manifest],
) -> None:
    report = check(make_manifest(*ROWS), ["train", "test", "tune", "train", "test"])
    with pytest.raises(LabelsRefused, match=r"patient p1 in train \(line 2\), test") as caught:
        require_clean(report)
    assert "3 more cross" in str(caught.value)
    assert len(caught.value.facts["leaks"]) == 4


def test_every_part_is_named_even_when_one_holds_many_lines(
    make_manifest: Callable[..., Manifest],
) -> None:
    manifest = make_manifest(*({"patient": "p1"} for _ in range(9)))
    report = check(manifest, ["train"] * 8 + ["test"])
    assert str(report.patients[0]) == ("patient p1 in train (lines 2, 3, 4, 5, …), test (line 10)")
