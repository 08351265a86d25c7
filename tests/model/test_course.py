"""A training that is killed goes on to the very same weights, whenever that happens."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).with_name("run_fit.py")
STEPS = 20  # of the whole run: four epochs of five
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def start(folder, *keys):
    folder.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, RUN, folder, *keys],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=ENVIRONMENT,
    )


def finish(folder, *keys):
    with start(folder, *keys) as run:
        steps = [int(line) for line in run.stdout]
    assert run.returncode == 0
    return steps, (folder / "weights.safetensors").read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The weights of a run that nobody interrupted."""
    return finish(tmp_path_factory.mktemp("whole"))[1]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_run_killed_at_any_moment_goes_on_to_the_same_bytes(tmp_path, whole, seed):
    last_wish = random.Random(seed).randrange(6, STEPS)
    with start(tmp_path) as run:
        for line in run.stdout:
            if int(line) == last_wish:
                run.send_signal(signal.SIGKILL)
                break
    assert run.returncode == -signal.SIGKILL
    steps, weights = finish(tmp_path)
    assert weights == whole
    assert steps[0] > 5  # the first epoch was not learned again
    assert (steps[0] - 1) % 5 == 0  # and no more than one epoch was


@pytest.mark.slow
@pytest.mark.parametrize("number", [1, 3])
def test_a_run_killed_while_it_writes_a_checkpoint_goes_on_to_the_same_bytes(
    tmp_path, whole, number
):
    with start(tmp_path, f"die={number}") as run:
        run.stdout.read()
    assert run.returncode == -signal.SIGKILL
    assert list(tmp_path.glob(".c.pt.*.part"))
    steps, weights = finish(tmp_path)
    assert weights == whole
    assert steps[0] == 5 * (number - 1) + 1  # the one before it stood
    assert not list(tmp_path.glob(".c.pt.*.part"))


@pytest.mark.slow
def test_gradual_unfreezing_goes_on_to_the_same_bytes(tmp_path):
    whole = finish(tmp_path / "whole", "method=gradual", "layer_decay=0.7")[1]
    with start(tmp_path / "cut", "method=gradual", "layer_decay=0.7", "die=3") as run:
        run.stdout.read()
    assert finish(tmp_path / "cut", "method=gradual", "layer_decay=0.7")[1] == whole
