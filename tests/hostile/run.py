"""Throw the hostile set at medclf and see what is left standing.

    python tests/hostile/run.py [--flips 10000] [--json FILE]

Every file is opened in this process and decoded in a child, as at every door of medclf; after each
one a good file must be served. Ends with 1, and a list, when one was not refused with a code of its
own or left something else than a legal picture.
"""

# ruff: noqa: T201 - a program that prints a table
import argparse
import json
import os
import resource
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from time import perf_counter, process_time

import cv2
import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1]))

from hostile.building import Hostile
from hostile.damage import damaged, flips, pictures, truncations
from hostile.make import made_up

from medclf.dicom.instance import Instance, open_instance, parse_instance
from medclf.errors import InstanceRefused, MedclfError, PixelsRefused
from medclf.pixels.isolation import DecodingPool, Isolation
from medclf.pixels.picture import Picture
from medclf.reasons import Reason

SAMPLE_S = 0.02
LONGEST_CPU_S = 5.0  # of opening one file in this process; the worst of the set takes 1 s
SLOWEST_S = 10.0  # of decoding one image in the child; the pool's own bound
CHILD_BYTES = 1 << 30
CONTAINED = {Reason.DECODING_TOO_SLOW, Reason.DECODING_TOO_LARGE, Reason.DECODER_CRASHED}


@dataclass
class Tally:
    """What became of one family."""

    outcomes: Counter[str] = field(default_factory=Counter)
    open_s: float = 0.0
    decode_s: float = 0.0
    slowest: str = ""
    contained: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def files(self) -> int:
        return self.outcomes.total()


class Trial:
    """One pool, one good file, and what was seen."""

    def __init__(self, pool: DecodingPool) -> None:
        self.pool = pool
        self.tallies: dict[str, Tally] = {}
        array = np.random.default_rng(0).integers(0, 256, (48, 64), np.uint8)
        self.good = parse_instance(cv2.imencode(".png", array)[1].tobytes())
        self.expected = array

    def throw(self, hostile: Hostile) -> None:
        tally = self.tallies.setdefault(hostile.family, Tally())
        began, worked = perf_counter(), process_time()
        try:
            instance: Instance | InstanceRefused = parse_instance(hostile.data)
        except InstanceRefused as refusal:
            instance = refusal
        tally.open_s = max(tally.open_s, perf_counter() - began)
        if process_time() - worked > LONGEST_CPU_S:
            tally.wrong.append(f"{hostile.name}: opening took {process_time() - worked:.0f} s")
        self._judge(tally, hostile, instance)

    def throw_path(self, name: str, path: Path, reason: Reason) -> None:
        tally = self.tallies.setdefault("paths", Tally())
        began = perf_counter()
        try:
            instance: Instance | InstanceRefused = open_instance(path)
        except InstanceRefused as refusal:
            instance = refusal
        tally.open_s = max(tally.open_s, perf_counter() - began)
        self._judge(tally, Hostile("paths", name, b"", frozenset({reason})), instance)

    def _judge(self, tally: Tally, hostile: Hostile, found: Instance | InstanceRefused) -> None:
        outcome: Picture | MedclfError | InstanceRefused
        if isinstance(found, InstanceRefused):
            outcome = found
        else:
            began = perf_counter()
            outcome = self._decode(found)
            took = perf_counter() - began
            if took > tally.decode_s:
                tally.decode_s, tally.slowest = took, hostile.name
            if isinstance(outcome, PixelsRefused) and outcome.reason in CONTAINED:
                tally.contained.append(f"{outcome.reason.value}: {hostile.name}")
        if isinstance(outcome, InstanceRefused | PixelsRefused):
            tally.outcomes[outcome.reason.value] += 1
            if hostile.reasons and outcome.reason not in hostile.reasons:
                tally.wrong.append(f"{hostile.name}: {outcome.reason.value}")
        elif isinstance(outcome, Picture):
            tally.outcomes["decoded"] += 1
            if hostile.reasons or not _is_legal(outcome):
                tally.wrong.append(f"{hostile.name}: decoded {outcome.array.shape}")
        else:
            tally.outcomes["failed"] += 1
            tally.wrong.append(f"{hostile.name}: {type(outcome).__name__}")
        if not np.array_equal(self.pool.decode(self.good).array, self.expected):
            tally.wrong.append(f"{hostile.name}: the next good file came out wrong")

    def _decode(self, instance: Instance) -> Picture | MedclfError:
        try:
            return self.pool.decode(instance)
        except MedclfError as error:
            return error


class Watch(threading.Thread):
    """Notes how much memory any child of this process ever had in use."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.ended = threading.Event()
        self.most_bytes = 0

    def run(self) -> None:
        while not self.ended.wait(SAMPLE_S):
            for task in Path("/proc/self/task").iterdir():
                for pid in (task / "children").read_text().split():
                    self.most_bytes = max(self.most_bytes, _peak_bytes(pid))


def _peak_bytes(pid: str) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    if "Name:\tpython" not in status:  # between fork and exec it is a copy of this process
        return 0
    lines = dict(line.split(":", 1) for line in status.splitlines())
    return int(lines.get("VmHWM", "0 kB").split()[0]) << 10


def _is_legal(picture: Picture) -> bool:
    array = picture.array
    shape = array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3)
    return shape and array.size > 0 and array.dtype in (np.uint8, np.uint16)


def odd_paths(folder: Path) -> Iterator[tuple[str, Path, Reason]]:
    """Give paths that are no files: none may be waited for, or read without end."""
    os.mkfifo(folder / "pipe")
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "dangling").symlink_to(folder / "absent")
    (folder / "endless").symlink_to("/dev/zero")
    for name in ("pipe", "loop", "dangling", "endless", "absent", "zero\0byte", "n" * 5000):
        yield name[:12], folder / name, Reason.FILE_MISSING
    yield "folder", folder, Reason.FILE_MISSING
    yield "/dev/zero", Path("/dev/zero"), Reason.FILE_MISSING
    yield "/dev/tty", Path("/dev/tty"), Reason.FILE_MISSING


def everything(shared: Path | None, *, count: int, cut: int) -> Iterable[Hostile]:
    """Chain all families; `cut` real files are truncated."""
    real = list(damaged(shared))
    photographs = list(pictures(shared)) if shared else []
    return chain(
        made_up(),
        truncations(real[:cut] + photographs),
        flips(real + photographs, count=count),
    )


def show(trial: Trial, *, child_bytes: int) -> None:
    print(f"{'family':<12} {'files':>6} {'open s':>7} {'decode s':>8}  outcomes")
    for family, tally in trial.tallies.items():
        told = ", ".join(f"{name} {n}" for name, n in tally.outcomes.most_common())
        print(f"{family:<12} {tally.files:>6} {tally.open_s:>7.2f} {tally.decode_s:>8.2f}  {told}")
        if tally.slowest:
            print(f"{'':<37} slowest: {tally.slowest}")
        for told in tally.contained:
            print(f"{'':<37} {told}")
        for fault in tally.wrong:
            print(f"  WRONG  {fault}")
    ours = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(f"largest child {child_bytes >> 20} MiB; this process {ours} MiB")


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--flips", type=int, default=10_000, help="files with flipped bytes")
    options.add_argument("--cut", type=int, default=40, help="real files that are truncated")
    options.add_argument("--json", type=Path, help="write the figures here")
    chosen = options.parse_args()
    shared = Path(os.environ.get("MEDCLF_SHARED_DATA", "absent"))
    shared_or_none = shared if (shared / "README.md").is_file() else None
    watch = Watch()
    watch.start()
    with (
        DecodingPool(Isolation(workers=1, timeout_s=SLOWEST_S)) as pool,
        tempfile.TemporaryDirectory() as folder,
    ):
        trial = Trial(pool)
        for name, path, reason in odd_paths(Path(folder)):
            trial.throw_path(name, path, reason)
        for hostile in everything(shared_or_none, count=chosen.flips, cut=chosen.cut):
            trial.throw(hostile)
    watch.ended.set()
    child_bytes = watch.most_bytes
    show(trial, child_bytes=child_bytes)
    wrong = [f"{name}: {fault}" for name, t in trial.tallies.items() for fault in t.wrong]
    if child_bytes > CHILD_BYTES:
        wrong.append(f"a child took {child_bytes} bytes")
    if chosen.json:
        tallies = {
            name: {"outcomes": dict(t.outcomes), "open_s": t.open_s, "decode_s": t.decode_s}
            for name, t in trial.tallies.items()
        }
        facts = {"families": tallies, "child_bytes": child_bytes, "wrong": wrong}
        chosen.json.write_text(json.dumps(facts, indent=1))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
