"""What every command shares: how it shows progress, refuses, and prints for a machine."""

import json
import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from medclf.errors import MedclfError
from medclf.study.progress import Progress

HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home",
        envvar="MEDCLF_HOME",
        help="Folder of audit trail, keys and lineage.",
        show_default="~/.medclf",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a machine.")]

_QUIET_EVERY_S = 15.0  # without a terminal, one line now and then says that work goes on


def refuse(error: MedclfError) -> None:
    """Say on standard error what was found and what to do next."""
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True, soft_wrap=True)
    console.print(Text("error: ", style="bold red").append(Text(error.message, style="default")))
    if error.advice:
        console.print(Text("  do:  ", style="bold").append(Text(error.advice, style="default")))


def print_json(value: Any) -> None:
    """Print one value as one line of JSON."""
    print(json.dumps(value, ensure_ascii=False, allow_nan=False), flush=True)


@contextmanager
def shown_progress() -> Iterator[Progress]:
    """Show the stages of a long step on standard error; quietly where that is no terminal.

    Ctrl-C says how to go on and exits with 130.
    """
    try:
        if sys.stderr.isatty():
            yield from _bars()
        else:
            yield _lines()
    except KeyboardInterrupt:
        print(
            "stopped: nothing half-written was left; the same command goes on from here.",
            file=sys.stderr,
        )
        raise typer.Exit(130) from None


def _bars() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bars

    bars = Bars(
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description:<10}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("[dim]{task.fields[note]}"),
        console=Console(stderr=True),
    )
    tasks: dict[str, Any] = {}
    reached: dict[str, int] = {}

    def show(stage: str, done: int, total: int, note: str) -> None:
        if stage not in tasks:  # what a run that goes on finds done took no time now
            tasks[stage] = bars.add_task(stage, total=total, completed=done, note=note)
        elif done < reached[stage]:  # the stage begins anew, as in each fold
            bars.reset(tasks[stage], total=total, completed=done, note=note)
        reached[stage] = done
        bars.update(tasks[stage], completed=done, total=total, note=note)

    with bars:
        yield show


def _lines() -> Progress:
    last: dict[str, float] = {}
    first: dict[str, tuple[float, int]] = {}
    reached: dict[str, int] = {}

    def show(stage: str, done: int, total: int, note: str) -> None:
        now = time.monotonic()
        if done < reached.get(stage, done):  # the stage begins anew, as in each fold
            del first[stage]
        reached[stage] = done
        began, found = first.setdefault(stage, (now, done))
        if stage in last and done < total and now - last[stage] < _QUIET_EVERY_S:
            return
        last[stage] = now
        left = ""
        if found < done < total:
            left = f" ({_duration((now - began) / (done - found) * (total - done))} left)"
        print(f"{stage}: {done}/{total} {note}".rstrip() + left, file=sys.stderr, flush=True)

    return show


def _duration(seconds: float) -> str:
    """Return a time as a person would say it.

    >>> _duration(59.6), _duration(150), _duration(7500)
    ('60 s', '3 min', '2 h 5 min')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = math.ceil(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
