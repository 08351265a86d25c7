"""Races medclf against its peers in one way for all rows, so that no row can judge itself.

Parity is asserted before any time is taken. Ours and the peer's runs are interleaved, and the
ratio is taken pair by pair, so that a machine that slows down slows both. On a machine that
does other work nothing is judged.
"""

import gc
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import cv2
from threadpoolctl import threadpool_limits

from validation.benchmarks.row import Gauge, ParityBroken, Race, Result, Row, Seconds, Skip, Verdict


def busy(load: float, *, cores: int) -> str:
    """Return why nothing may be judged now; empty when the machine is free."""
    if load <= cores:
        return ""
    return f"the 1-minute load of {load:.1f} is higher than the {cores} cores"


def run_row(
    row: Row, *, load: float, cores: int, anyway: bool = False, tiny: bool = False
) -> Iterator[Result]:
    """Run one row and judge it.

    Args:
        row: the row.
        load: 1-minute load before the row.
        cores: that this process may use.
        anyway: take figures on a busy machine too; they are not judged.
        tiny: small data and two rounds, to see that the script runs; not judged.
    """
    missing = [name for name in row.needs if find_spec(name) is None]
    crowded = busy(load, cores=cores)
    if missing or (crowded and not anyway):
        verdict = Verdict.SKIPPED if missing else Verdict.NOT_JUDGED
        note = f"not installed: {', '.join(missing)} (extra `bench`)" if missing else crowded
        yield from (Result(row, what, verdict, note=note) for what in row.bars)
        return
    doubts = [crowded, "tiny data" if tiny else ""]
    with (
        TemporaryDirectory(prefix="medclf-bench-") as folder,
        closing(row.trials(Path(folder), tiny)) as trials,
    ):
        for trial in trials:
            result = _run(trial, row, tiny=tiny)
            if any(doubts) and result.verdict in (Verdict.REACHES, Verdict.FALLS_SHORT):
                note = "; ".join(filter(None, [*doubts, result.note]))
                result = replace(result, verdict=Verdict.NOT_JUDGED, note=note)
            yield result


def _run(trial: Race | Gauge | Skip, row: Row, *, tiny: bool) -> Result:
    if isinstance(trial, Skip):
        return Result(row, trial.what, Verdict.SKIPPED, note=trial.reason)
    rounds = min(trial.rounds, 2) if tiny else trial.rounds
    with _limited_to(row.threads):
        try:
            trial.parity()
        except ParityBroken as broken:
            note = f"no parity, no time taken: {broken}"
            return Result(row, trial.what, Verdict.NOT_JUDGED, note=note, broken=True)
        gc.collect()
        if isinstance(trial, Gauge):
            figures = tuple(float(trial.ours()) for _ in range(rounds))
            result = Result(row, trial.what, Verdict.NOT_JUDGED, figures, note=trial.note)
        else:
            pairs = [(_timed(trial.ours), _timed(trial.peer)) for _ in range(rounds)]
            ours = tuple(pair[0] for pair in pairs)
            peer = tuple(pair[1] / trial.peer_share for pair in pairs)
            share = f"peer timed on 1/{1 / trial.peer_share:g} of the work and extrapolated"
            note = "; ".join(filter(None, [share if trial.peer_share < 1 else "", trial.note]))
            result = Result(row, trial.what, Verdict.NOT_JUDGED, ours, peer, note)
    met = row.bars[trial.what].met_by(median(result.figures))
    return replace(result, verdict=Verdict.REACHES if met else Verdict.FALLS_SHORT)


def _timed(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    told = run()
    took = time.perf_counter() - began
    return float(told) if isinstance(told, Seconds) else took


@contextmanager
def _limited_to(threads: int) -> Iterator[None]:
    """Hold OpenCV, BLAS, OpenMP and torch to some threads."""
    torch = sys.modules.get("torch")  # slow to import, and not every row needs it
    before, torch_before = cv2.getNumThreads(), torch.get_num_threads() if torch else 0
    cv2.setNumThreads(threads)
    if torch:
        torch.set_num_threads(threads)
    try:
        with threadpool_limits(limits=threads):
            yield
    finally:
        cv2.setNumThreads(before)
        if torch:
            torch.set_num_threads(torch_before)
