"""Runs the rows, prints what they came to and writes it down: `python -m validation.benchmarks`.

Ends with 0 when nothing fell short and every parity held, else with 1; with 2 when the machine
is too busy to judge; with 130 when interrupted, after showing what was finished.
"""

import argparse
import pkgutil
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from rich.console import Console

from medclf.durable import write_text
from validation import benchmarks
from validation.benchmarks.harness import busy, run_row
from validation.benchmarks.machine import cores, load, machine, versions
from validation.benchmarks.row import Result, Row, Verdict
from validation.benchmarks.show import console, document, print_results

_PATIENCE_S = 240  # for the load that an earlier row has left: 8 decays to 2 in 83 s
_LOOK_S = 5


def row_files() -> dict[int, str]:
    """Return the module of each row, by number: `row_11_bootstrap` is row 11."""
    names = (module.name for module in pkgutil.iter_modules(benchmarks.__path__))
    return {int(name.split("_")[1]): name for name in sorted(names) if name.startswith("row_")}


def load_row(name: str) -> Row:
    """Import the script of a row."""
    row: Row = import_module(f"validation.benchmarks.{name}").ROW
    return row


def main() -> int:
    asked = _arguments()
    to = console()
    if (crowded := busy(load(), cores=cores())) and not (asked.anyway or asked.tiny):
        to.print(f"Not judging: {crowded}. Try later, or use --anyway for bare figures.")
        return 2
    before, began = load(), datetime.now(UTC)
    results: list[Result] = []
    interrupted = False
    try:
        for number in asked.rows:
            for result in _run(row_files()[number], asked, to):
                to.print(f"row {number}: {result.what}: {result.verdict.value}", style="dim")
                results.append(result)
    except KeyboardInterrupt:
        interrupted = True
    print_results(results, to)
    write_text(
        asked.out,
        document(
            results,
            began=began.isoformat(timespec="seconds"),
            interrupted=interrupted,
            load={"before": before, "after": load()},
            machine=machine(),
            versions=versions(),
        ),
    )
    to.print(f"Written to {asked.out}")
    if interrupted:
        return 130
    return int(any(result.broken or result.verdict is Verdict.FALLS_SHORT for result in results))


def _run(name: str, asked: argparse.Namespace, to: Console) -> Iterator[Result]:
    row, anyway = load_row(name), asked.anyway or asked.tiny
    if not anyway:
        _settle(to)
    try:
        yield from run_row(row, load=load(), cores=cores(), anyway=anyway, tiny=asked.tiny)
    except Exception as error:  # noqa: BLE001 - the door's last line: the other rows still count
        to.print_exception()
        failure = f"the row failed: {type(error).__name__}: {error}"
        yield Result(row, next(iter(row.bars)), Verdict.NOT_JUDGED, note=failure, broken=True)


def _settle(to: Console) -> None:
    """Wait until the load of an earlier row is over; the row is not judged if it never is."""
    end = time.monotonic() + _PATIENCE_S
    with to.status("waiting for the load to fall"):
        while busy(load(), cores=cores()) and time.monotonic() < end:
            time.sleep(_LOOK_S)


def _arguments() -> argparse.Namespace:
    known = row_files()
    parser = argparse.ArgumentParser(prog="python -m validation.benchmarks", description=__doc__)
    parser.add_argument(
        "--rows",
        type=lambda text: [int(number) for number in text.split(",")],
        default=list(known),
        help="numbers with commas, such as 11,16 (default: all)",
    )
    parser.add_argument("--out", type=Path, default=Path("bench-out/benchmarks.json"))
    parser.add_argument("--anyway", action="store_true", help="figures on a busy machine, unjudged")
    parser.add_argument("--tiny", action="store_true", help="only see that the scripts run")
    asked = parser.parse_args()
    if unknown := sorted(set(asked.rows) - set(known)):
        parser.error(f"no row {unknown}; there are {', '.join(map(str, known))}")
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    return asked


if __name__ == "__main__":
    sys.exit(main())
