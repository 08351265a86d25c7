"""The command that says what makes a study's figures too good."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medclf import api
from medclf.cli.door import HomeOption, JsonOption, print_json, shown_progress

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medclf.cohort.shortcut import Shortcut
    from medclf.study.leakage import Leakage

_LISTED = 12  # groups on the terminal; leakage.json has them all


def leakage(
    study: Annotated[Path, typer.Argument(help="The study.yaml.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find copies, shared patients and shortcuts that make figures too good."""
    with shown_progress() as progress:
        found = api.leakage(study, home=home, progress=progress)
    if as_json:
        print_json(
            {
                "leakage": str(found.document),
                "page": str(found.page),
                "images": found.images,
                "copies": len(found.report.copies),
                "crossing": len(found.report.crossing) + len(found.report.leaks),
                "contradicting": len(found.report.contradicting) + len(found.excluded),
                "warnings": list(found.warnings),
            }
        )
        return
    show_leakage(found)


def show_leakage(found: "Leakage") -> None:
    """Print groups of copies, shortcuts and warnings."""
    from rich.console import Console
    from rich.table import Table

    console = Console(soft_wrap=True, markup=False, highlight=False)
    report = found.report
    counted = Counter(group.sameness.value for group in report.copies)
    told = ", ".join(f"{count:,} {what}" for what, count in counted.items()) or "none"
    console.print(
        f"{found.images:,} images, groups of copies: {told}; {len(report.crossing)} in several "
        f"parts, {len(report.contradicting)} with contradicting labels"
    )
    for excluded in found.excluded:
        console.print(f"  left out: {excluded.message}")
    if report.copies:
        table = Table("copies", "agreement", "where", "labels", "parts", box=None, pad_edge=False)
        ordered = sorted(report.copies, key=lambda g: (not g.contradict, not g.crosses, g.rows))
        for group in ordered[:_LISTED]:
            table.add_row(
                group.sameness.value,
                f"{group.agreement:.3f}",
                group.place,
                group.told,
                ", ".join(dict.fromkeys(filter(None, group.parts))),
            )
        console.print(table)
        if len(ordered) > _LISTED:
            console.print(f"  … and {len(ordered) - _LISTED} more groups in leakage.json")
    table = Table(
        "label told by", "AUC", "95 % interval", "level", "method", box=None, pad_edge=False
    )
    unjudged: dict[str, list[str]] = {
        shortcut.note: [] for shortcut in found.shortcuts if shortcut.auc is None
    }
    for shortcut in found.shortcuts:
        if shortcut.auc is None:
            unjudged[shortcut.note].append(_named(shortcut))
            continue
        table.add_row(
            _named(shortcut),
            f"{shortcut.auc.estimate:.3f}",
            f"{shortcut.auc.low:.3f} to {shortcut.auc.high:.3f}",
            shortcut.level.value,
            f"{shortcut.method} on {shortcut.numbers} numbers",
        )
    if table.row_count:
        console.print(table)
    for note, names in unjudged.items():
        console.print(f"not judged: {', '.join(dict.fromkeys(names))} ({note})")
    show_warnings(found.warnings)
    console.print(f"report {found.document}\n       {found.page}")


def _named(shortcut: "Shortcut") -> str:
    return f"{shortcut.name} ({shortcut.finding})" if shortcut.finding else shortcut.name


def show_warnings(warnings: "Iterable[str]") -> None:
    """Print warnings, a line each."""
    from rich.console import Console
    from rich.text import Text

    console = Console(soft_wrap=True)
    for warning in warnings:
        console.print(Text("warning: ", style="bold yellow").append(Text(warning, style="default")))
