"""Ingest at scale: memory that stays flat, and a run killed three times that ends the same.

    python -m validation.ingest_scale --files 100000 --out ingest_scale.json

It writes small PNG files that pass the real check, runs the real `medclf ingest` in a child
process, reads the child's memory from /proc, kills it with SIGKILL at random moments, and
compares what comes out with what an uninterrupted run gives, byte by byte.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import cv2
import numpy as np

from medclf.config import save_yaml
from medclf.demonstration.story import study_config
from medclf.digest import digest_file
from validation.benchmarks.machine import machine, versions

_SIDE = 64  # px, the smallest that the check of the picture lets pass
_FILES_A_FOLDER = 1000
_SAMPLE_EVERY_S = 0.1
_KILLS = 3
_MARKS = (0.1, 0.5, 1.0)  # shares of the files at which memory is told
_SEALED = ("manifest.parquet", "manifest.rows", "manifest.json", "refused.csv")
_SEGMENT_FILES = 1024


@dataclass
class Run:
    """One run of `medclf ingest`.

    Attributes:
        seconds: from start to end or kill.
        seconds_before: from start to the first entry in the journal; mostly imports.
        peak_mb: highest resident memory.
        killed: whether it was ended with SIGKILL.
        samples: (files in the journal, resident MB), over time.
    """

    seconds: float = 0.0
    seconds_before: float = 0.0
    peak_mb: float = 0.0
    killed: bool = False
    samples: list[tuple[int, float]] = field(default_factory=list)


def write_files(folder: Path, count: int) -> None:
    """Write pictures that all differ, and a labels table over them."""
    ramp = np.add.outer(np.arange(_SIDE), np.arange(_SIDE)) * 2
    picture = ramp.astype(np.uint8)
    lines = ["path,label,patient_id,site,sex,age\n"]
    for number in range(count):
        place = folder / f"{number // _FILES_A_FOLDER:04d}"
        if number % _FILES_A_FOLDER == 0:
            place.mkdir(parents=True)
        picture[0, :8] = np.frombuffer(number.to_bytes(8, "big"), np.uint8)
        _, data = cv2.imencode(".png", picture)
        name = f"film-{number:07d}.png"
        (place / name).write_bytes(data.tobytes())
        label = "opacity" if number % 3 == 0 else "no_opacity"
        lines.append(
            f"{place.name}/{name},{label},P{number // 2:07d},site-{number % 5},F,{number % 90}\n"
        )
    (folder / "labels.csv").write_text("".join(lines))


def write_study(path: Path, table: Path, workspace: str) -> Path:
    """Write a study over a labels table."""
    config = study_config()
    data = config.data.model_copy(update={"table": table})
    save_yaml(path, config.model_copy(update={"data": data, "workspace": Path(workspace)}))
    return path


def run(study: Path, workspace: Path, *, home: Path, kill_after_s: float | None = None) -> Run:
    """Run `medclf ingest` in a child; kill it some time after it began to add to its journal."""
    done = Run()
    environment = {**os.environ, "MEDCLF_HOME": str(home), "MEDCLF_ACTOR": "validation"}
    started, found = time.monotonic(), _files_in(workspace)
    child = subprocess.Popen(
        [sys.executable, "-m", "medclf", "ingest", str(study)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    while child.poll() is None:
        time.sleep(_SAMPLE_EVERY_S)
        resident_mb, peak_mb = _memory_mb(child.pid)
        files, now = _files_in(workspace), time.monotonic()
        if resident_mb:
            done.samples.append((files, resident_mb))
        if files > found and not done.seconds_before:
            done.seconds_before = now - started
        done.peak_mb = max(done.peak_mb, peak_mb)
        begun_s = now - started - done.seconds_before if done.seconds_before else 0.0
        if kill_after_s is not None and begun_s > kill_after_s:
            child.send_signal(signal.SIGKILL)
            child.wait()
    done.seconds = time.monotonic() - started
    done.killed = child.returncode == -signal.SIGKILL
    if child.returncode not in {0, -signal.SIGKILL}:
        raise RuntimeError(child.stderr.read().decode() if child.stderr else "")
    return done


def _files_in(workspace: Path) -> int:
    """Return how many files the journal of a workspace tells of, at least."""
    return _SEGMENT_FILES * len(list((workspace / "ingest-journal").glob("*.segment")))


def _memory_mb(process: int) -> tuple[float, float]:
    """Return resident memory now and at its highest; zeros when the process has ended."""
    try:
        text = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0.0, 0.0
    kilobytes = {
        name: int(value.split()[0])
        for name, _, value in (line.partition(":") for line in text.splitlines())
        if name in {"VmRSS", "VmHWM"}
    }
    return kilobytes.get("VmRSS", 0) / 1024, kilobytes.get("VmHWM", 0) / 1024


def measure(folder: Path, count: int, *, seed: int) -> dict[str, object]:
    """Run everything and return the figures."""
    rng = random.Random(seed)
    home = folder / "home"
    few = max(count // 10, 1)
    for name, files in (("few", few), ("many", count)):
        write_files(folder / name, files)
    small = run(
        write_study(folder / "few.yaml", folder / "few" / "labels.csv", "ws-few"),
        folder / "ws-few",
        home=home,
    )
    table = folder / "many" / "labels.csv"
    whole = run(write_study(folder / "a.yaml", table, "ws-a"), folder / "ws-a", home=home)
    study = write_study(folder / "b.yaml", table, "ws-b")
    work_s = whole.seconds - whole.seconds_before
    moments = [rng.uniform(0.02, 0.25) * work_s for _ in range(_KILLS)]
    pieces = [run(study, folder / "ws-b", home=home, kill_after_s=moment) for moment in moments]
    last = run(study, folder / "ws-b", home=home)
    digests = [
        json.loads((folder / name / "manifest.json").read_text())["digest"]
        for name in ("ws-a", "ws-b")
    ]
    same = [
        digest_file(folder / "ws-a" / name) == digest_file(folder / "ws-b" / name)
        for name in _SEALED
    ]
    return {
        "files": count,
        "seconds_uninterrupted": round(whole.seconds, 1),
        "milliseconds_a_file": round(1000 * work_s / count, 3),
        "resident_mb_at": {
            str(int(mark * count)): _at(whole.samples, mark * count) for mark in _MARKS
        },
        "peak_mb": round(whole.peak_mb, 1),
        "peak_mb_with_a_tenth": round(small.peak_mb, 1),
        "peak_growth_bytes_a_file": round((whole.peak_mb - small.peak_mb) * 2**20 / (count - few)),
        "killed_after_s": [round(piece.seconds, 1) for piece in pieces],
        "killed": [piece.killed for piece in pieces],
        "files_in_journal_when_killed": [piece.samples[-1][0] for piece in pieces],
        "seconds_of_the_last_run": round(last.seconds, 1),
        "digests": digests,
        "same_digest": digests[0] == digests[1],
        "same_bytes": all(same),
        "journal_removed": not (folder / "ws-b" / "ingest-journal").exists(),
        "seed": seed,
        "runs": [asdict(each) | {"samples": []} for each in (small, whole, *pieces, last)],
        "machine": machine() | versions(),
    }


def _at(samples: list[tuple[int, float]], files: float) -> float:
    """Return the resident memory when about so many files were done."""
    reached = [mb for done, mb in samples if done and done <= files]
    return round(reached[-1], 1) if reached else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0, help="of the moments of the kills")
    parser.add_argument("--folder", type=Path, help="for the files; a temporary one when absent")
    parser.add_argument("--out", type=Path, default=Path("ingest_scale.json"))
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder, prefix="medclf-scale-") as folder:
        figures = measure(Path(folder), chosen.files, seed=chosen.seed)
    chosen.out.write_text(json.dumps(figures, indent=1) + "\n")
    for name, value in figures.items():
        if name not in {"runs", "machine"}:
            print(f"{name:32} {value}")
    if not (figures["same_digest"] and figures["same_bytes"] and figures["journal_removed"]):
        sys.exit(1)


if __name__ == "__main__":
    main()
