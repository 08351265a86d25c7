from dataclasses import replace
from pathlib import Path

from medclf.cli.leakage import show_leakage
from medclf.cohort.copies import Copies, Pair, Sameness
from medclf.cohort.copy_groups import CopyGroup
from medclf.cohort.leakage import LeakageReport
from medclf.study.leakage import Leakage


def group_of(lines: tuple[int, int], labels: tuple[str, str]) -> CopyGroup:
    pair = Pair(4, 8, Sameness.NEAR, 0.95)
    return CopyGroup((4, 8), lines, labels, ("train", "test"), bound=False, pairs=(pair,))


def shown(capsys, *groups: CopyGroup) -> str:
    """What the terminal shows of a cohort with these copies."""
    found = Leakage(
        manifest="sha256:0",
        split="sha256:1",
        images=20,
        report=LeakageReport((), (), (), (), copies=groups),
        excluded=(),
        copies=Copies(),
        shortcuts=(),
        refused="",
        document=Path("leakage.json"),
        page=Path("leakage.html"),
    )
    show_leakage(found)
    return capsys.readouterr().out


def test_copies_are_named_by_lines_or_by_rows_where_no_table_lists_them(capsys) -> None:
    assert "lines 6, 10" in shown(capsys, group_of((6, 10), ("a", "b")))
    out = shown(capsys, group_of((0, 0), ("a", "b")))
    assert "rows 5, 9" in out
    assert "0, 0" not in out


def test_contradicting_findings_are_named(capsys) -> None:
    group = replace(group_of((6, 10), ("", "")), findings=("edema", "mass"))
    out = shown(capsys, group)
    assert "1 with contradicting labels" in out
    assert "edema, mass: present / absent" in out
