import pytest

from medclf.cohort.contradiction import contradicting_findings, in_short


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([(1, 0), (0, 1)], ("edema", "mass")),
        ([(1, 0), (1, 1)], ("mass",)),
        ([(1, -1), (-1, 1), (1, 0)], ("mass",)),
        ([(1, 0), (1, 0)], ()),
        ([(1, 0), (-1, -2)], ()),
        ([(-2, -1), (-1, -2)], ()),
        ([(), ()], ()),
    ],
)
def test_only_present_against_absent_contradicts(
    told: list[tuple[int, ...]], expected: tuple[str, ...]
) -> None:
    assert contradicting_findings(told, ("edema", "mass")) == expected


def test_findings_without_names_are_counted() -> None:
    assert contradicting_findings([(1, 0), (1, 1)]) == ("finding 2",)


def test_labels_and_findings_are_told_in_short() -> None:
    assert in_short(["b", "a", "b"], ()) == "b / a"
    assert in_short(["", ""], ["edema", "mass"]) == "edema, mass: present / absent"
