from pathlib import Path

import pytest

from medclf import installation
from medclf.audit.trail import read_events
from medclf.cohort.case import Case
from medclf.cohort.manifest import Manifest
from medclf.digest import canonical_json
from medclf.registry.package import Package, write_package
from medclf.study.home import Home
from medclf.study.unsealing import ACTION, record_cohort_opening, record_unsealing


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return installation.open_home(tmp_path / "home", "tester")


def package_of(
    folder: Path, test: list[str], *, name: str = "m", study: str = "sha256:1"
) -> Package:
    data = {"format": "medclf-data/1", "pictures": {"test": test}}
    return write_package(
        folder,
        {
            "model.json": canonical_json({"name": name}),
            "data.json": canonical_json(data),
            "lineage.json": canonical_json({"manifest": study}),
        },
    )


def images(*pictures: str, folder: str = "a") -> Manifest:
    cases = [Case(path=f"{folder}/{p}", digest=p, picture=p, label="x") for p in pictures]
    return Manifest.from_cases(cases, base=Path())


def test_each_opening_of_the_sealed_part_counts_whatever_the_table_is_called(
    tmp_path: Path, home: Home
) -> None:
    package = package_of(tmp_path, ["p1", "p2", "p3"])
    first = record_unsealing(home, package, images("p1", "p2", "p3"))
    assert (first.sealed_part, first.count, first.limitation) == (True, 1, "")
    assert "first time" in str(first)
    moved = record_unsealing(home, package, images("p3", "p1", "p2", folder="elsewhere"))
    fewer = record_unsealing(home, package, images("p2"))
    assert [moved.count, fewer.count] == [2, 3]
    assert "opened 3 times here" in str(fewer)
    assert "the figures are too good" in fewer.limitation


def test_another_model_of_the_same_split_goes_on_counting(tmp_path: Path, home: Home) -> None:
    for number, name in enumerate(("one", "two", "three"), start=1):
        package = package_of(tmp_path, ["p1", "p2"], name=name)
        assert record_unsealing(home, package, images("p1", "p2")).count == number


def test_a_new_split_of_the_same_study_begins_anew_but_the_study_is_told(
    tmp_path: Path, home: Home
) -> None:
    record_unsealing(home, package_of(tmp_path, ["p1", "p2"]), images("p1", "p2"))
    other = record_unsealing(home, package_of(tmp_path, ["p2", "p3"]), images("p2", "p3"))
    assert (other.count, other.of_study) == (1, 2)
    assert "Test parts of this study have been opened 2 times" in other.limitation


def test_the_same_foreign_images_are_recognised_under_another_package(
    tmp_path: Path, home: Home
) -> None:
    one, two = (package_of(tmp_path, [p], study=f"sha256:{p}") for p in ("p1", "p2"))
    record_unsealing(home, one, images("q1", "q2"))
    again = record_unsealing(home, two, images("q2", "q1", folder="b"))
    assert (again.sealed_part, again.count, again.of_study) == (False, 2, 0)
    assert record_unsealing(home, two, images("q3")).count == 1


def test_the_count_is_in_the_trail_and_survives_the_process(tmp_path: Path, home: Home) -> None:
    package = package_of(tmp_path, ["p1"])
    record_unsealing(home, package, images("p1"))
    home.record("service.started", {"note": 'not "action":"test.unsealed" at all'})
    reopened = installation.open_home(home.folder, "somebody else")
    record_unsealing(reopened, package, images("p1"))
    events = list(read_events(home.audit_folder, action=ACTION))
    assert [event.facts["count"] for event in events] == [1, 2]
    assert {event.action for event in events} == {ACTION}
    assert installation.audit_verify(home=home.folder).size == 3


def test_what_is_recorded_names_no_file(tmp_path: Path, home: Home) -> None:
    record_unsealing(home, package_of(tmp_path, ["p1"]), images("p1", folder="Smith^John"))
    (event,) = read_events(home.audit_folder, action=ACTION)
    assert "Smith" not in event.encode().decode()
    assert set(event.facts) == {
        *("package", "images", "test_part", "study_manifest", "count", "of_study")
    }


def test_cross_validation_opens_the_sealed_part_and_the_whole_cohort(
    tmp_path: Path, home: Home
) -> None:
    cohort = images("p1", "p2", "p3", "p4")
    package = package_of(tmp_path, ["p1", "p2"], study=cohort.digest)
    first = record_cohort_opening(home, cohort, test_part=["p2", "p1"], plan="sha256:a")
    assert (first.sealed_part, first.count, first.of_study, first.limitation) == (True, 1, 1, "")
    judged = record_unsealing(home, package, images("p1", "p2"))
    assert (judged.count, judged.of_study) == (2, 2)
    other = record_cohort_opening(home, cohort, test_part=["p1", "p2"], plan="sha256:b")
    assert other.count == 3
    assert "the figures are too good" in other.limitation


def test_cross_validation_that_goes_on_is_counted_once(home: Home) -> None:
    cohort = images("p1", "p2")
    for _ in range(3):
        opened = record_cohort_opening(home, cohort, test_part=["p1"], plan="sha256:a")
        assert opened.count == 1
    assert len(list(read_events(home.audit_folder, action=ACTION))) == 1


def test_cohort_that_seals_nothing_is_told_by_all_of_its_images(home: Home) -> None:
    for number, plan in enumerate(("sha256:a", "sha256:b"), start=1):
        opened = record_cohort_opening(home, images("p1", "p2"), test_part=[], plan=plan)
        assert (opened.sealed_part, opened.count) == (False, number)
