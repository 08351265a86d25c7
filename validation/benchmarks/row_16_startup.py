"""Row 16 exists because a command that thinks for seconds before its help is not used.

Whole processes, from exec to exit, with compiled bytecode and a warm disk.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from validation.benchmarks.row import AtMost, Gauge, Row, Skip, Trials, require


def trials(folder: Path, tiny: bool) -> Trials:
    yield _gauge("import medclf", [sys.executable, "-c", "import medclf; print('done')"], "done")
    program = Path(sys.executable).with_name("medclf")
    if program.is_file():
        yield _gauge("medclf --help", [str(program), "--help"], "Usage")
    else:
        yield Skip("medclf --help", f"there is no {program.name} beside this Python")


def _gauge(what: str, command: list[str], expected: str) -> Gauge:
    def parity() -> None:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        works = done.returncode == 0 and expected in done.stdout
        require(works, f"it ended with {done.returncode}")

    return Gauge(what, parity, _timed(command), rounds=9)


def _timed(command: list[str]) -> Callable[[], float]:
    def run() -> float:
        began = time.perf_counter()
        subprocess.run(command, capture_output=True, check=True)
        return time.perf_counter() - began

    return run


ROW = Row(
    number=16,
    title="start",
    peer="none: absolute",
    bars={"import medclf": AtMost(0.3, "s"), "medclf --help": AtMost(1.0, "s")},
    trials=trials,
)
