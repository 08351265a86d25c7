"""Several processes learn together what one would have learned alone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from medclf.model.processes import Processes

RUN = Path(__file__).with_name("run_fit.py")
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def learn(folder, *keys, processes):
    folder.mkdir()
    together = ["-m", "torch.distributed.run", f"--nproc-per-node={processes}"]
    done = subprocess.run(
        [sys.executable, *(together if processes > 1 else []), RUN, folder, *keys],
        capture_output=True,
        text=True,
        check=False,
        env=ENVIRONMENT,
    )
    assert done.returncode == 0, done.stderr[-30000:]
    steps = [int(line) for line in done.stdout.split() if line.isdigit()]
    return json.loads((folder / "history.json").read_text()), steps


def test_one_process_is_the_first_and_answers_itself():
    alone = Processes.here()
    assert alone == Processes(rank=0, count=1)
    assert alone.first
    assert alone.shared("word") == "word"
    assert alone.gathered("word") == ["word"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "keys",
    [
        ("freeze_norms=true",),
        ("freeze_norms=true", "mixup=0.3", "accumulate=2", "layer_decay=0.8", "dropout=0.4"),
        ("freeze_norms=true", "method=gradual", "averaging=0"),
        ("freeze_norms=true", "backbone=timm/convnext_atto", "drop_path=0.3", "epochs=2"),
    ],
    ids=["plain", "mixed in passes", "gradual", "stochastic depth"],
)
def test_two_processes_equal_one_with_the_same_batch(tmp_path, keys):
    one, _ = learn(tmp_path / "one", *keys, processes=1)
    two, steps = learn(tmp_path / "two", *keys, processes=2)
    assert len(steps) == len(set(steps))  # only the first process tells
    assert len(one) == len(two)
    for alone, together in zip(one, two, strict=True):
        for figure in ("loss", "tune_figure", "tune_loss", "learning_rate"):
            assert together[figure] == pytest.approx(alone[figure], abs=1e-5), figure


@pytest.mark.slow
def test_batch_statistics_that_would_differ_are_refused(tmp_path):
    with pytest.raises(AssertionError, match="Batch normalisation cannot be taken over 2 proc"):
        learn(tmp_path / "two", processes=2)
