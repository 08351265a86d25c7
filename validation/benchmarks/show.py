"""Results for people as a table, and for machines as JSON."""

import json
from collections.abc import Iterator, Sequence
from statistics import median

from rich import box
from rich.console import Console
from rich.table import Table

from validation.benchmarks.row import Result, Verdict

FORMAT = "medclf-benchmarks/1"
_WIDTH = 124  # characters, where the output is no terminal
_COLOUR = {
    Verdict.REACHES: "green",
    Verdict.FALLS_SHORT: "red",
    Verdict.NOT_JUDGED: "yellow",
    Verdict.SKIPPED: "dim",
}


def console() -> Console:
    """Return where everything is printed."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=_WIDTH)


def print_results(results: Sequence[Result], to: Console) -> None:
    """Print one line for each bar, the notes below the table."""
    notes = list(dict.fromkeys(result.note for result in results if result.note))
    shown = Table(caption="medians; ratio = peer / ours, pair by pair", box=box.SIMPLE)
    for name in ("row", "ours", "peer", "ratio (min–max)", "bar", "verdict"):
        left = name in ("row", "verdict")
        shown.add_column(name, justify="left" if left else "right", no_wrap=name == "row")
    number = None
    for result in results:
        if result.row.number != number:
            number = result.row.number
            shown.add_section()
            shown.add_row(f"[bold]{number}  {result.row.title}[/bold]")
        colour = _COLOUR[result.verdict]
        mark = f" \\[{notes.index(result.note) + 1}]" if result.note else ""
        shown.add_row(
            f"   {result.what}",
            *_figures(result),
            str(result.row.bars[result.what]),
            f"[{colour}]{result.verdict.value}[/{colour}]{mark}",
        )
    to.print(shown)
    for place, note in enumerate(notes, start=1):
        to.print(f"[{place}] {note}", markup=False)


def document(results: Sequence[Result], **about: object) -> str:
    """Return all results with every single round, as JSON text."""
    found = {"format": FORMAT, **about, "results": [_as_json(result) for result in results]}
    return json.dumps(found, indent=1, ensure_ascii=False)


def _figures(result: Result) -> Iterator[str]:
    bar = result.row.bars[result.what]
    if not result.ours:
        yield from ("", "", "")
    elif not result.peer:
        yield from (f"{_short(median(result.ours))} {bar.unit}", "", "")
    else:
        low, middle, high = min(result.figures), median(result.figures), max(result.figures)
        yield _duration(median(result.ours))
        yield _duration(median(result.peer))
        yield f"{_short(middle)} × ({_short(low)}–{_short(high)})"


def _short(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.3g}"


def _duration(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{_short(seconds / size)} {unit}"
    return f"{_short(seconds / 1e-6)} µs"


def _as_json(result: Result) -> dict[str, object]:
    bar = result.row.bars[result.what]
    found: dict[str, object] = {
        "row": result.row.number,
        "title": result.row.title,
        "what": result.what,
        "against": result.row.peer,
        "threads": result.row.threads,
        "bar": str(bar),
        "verdict": result.verdict.value,
        "note": result.note,
        "unit": "s" if result.peer else bar.unit,
        "ours": result.ours,
        "peer": result.peer,
    }
    if result.ours:
        figures = result.figures
        spread = {"min": min(figures), "median": median(figures), "max": max(figures)}
        found["ratio" if result.peer else "figure"] = spread
    return found
