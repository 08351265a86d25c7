"""`torchrun` on the whole command: several processes train one study, and one of them speaks."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from medclf import api, installation
from medclf.config import load_yaml, save_yaml
from medclf.model.fit_config import Precision
from medclf.registry.package import Package
from medclf.study.config import StudyConfig


def settle(study, **keys):
    """Change keys of `fit` in a study.yaml."""
    config = load_yaml(study, StudyConfig)
    fit = config.fit.model_copy(update=keys)
    save_yaml(study, config.model_copy(update={"fit": fit}))


def train_together(study, home, processes=2):
    return subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={processes}"),
            *("-m", "medclf", "train", str(study), "--home", str(home), "--json"),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


@pytest.fixture
def study(walked, tmp_path):
    """A study that was ingested and not yet trained, with norms that rest."""
    left_out = shutil.ignore_patterns("home", "packages", "checkpoints", "report")
    folder = shutil.copytree(walked.folder, tmp_path / "two", ignore=left_out)
    settle(
        folder / "study.yaml", epochs=2, freeze_norms=True, precision=Precision.FLOAT32, clip=0.5
    )
    return folder / "study.yaml"


@pytest.mark.slow
def test_two_processes_train_what_one_would_have_trained(study, tmp_path):
    one = shutil.copytree(study.parent, tmp_path / "one")
    alone = api.train(one / "study.yaml", home=tmp_path / "home-one", actor="tester")
    done = train_together(study, tmp_path / "home-two")
    assert done.returncode == 0, done.stderr[-3000:]
    (line,) = done.stdout.splitlines()  # one process speaks
    package = Package.load(Path(json.loads(line)["package"]))
    found, expected = package.json("lineage.json"), alone.package.json("lineage.json")
    assert len(found["epochs"]) == len(expected["epochs"]) == 2
    for together, single in zip(found["epochs"], expected["epochs"], strict=True):
        assert together == pytest.approx(single, abs=1e-5)
    assert json.loads(line)["temperature"] == pytest.approx(
        alone.calibrated.temperature.value, 0.01
    )
    actions = [event.action for event in installation.audit_show(home=tmp_path / "home-two")]
    assert actions == ["training.started", "package.packed"]


@pytest.mark.slow
def test_what_cannot_be_trained_together_is_said_once(study, tmp_path):
    settle(study, freeze_norms=False)
    done = train_together(study, tmp_path / "home")
    assert done.returncode != 0
    assert done.stderr.count("Batch normalisation cannot be taken over 2 processes") == 1
    # torchrun adds a traceback of its own; none is ours.
    assert done.stderr.count("Traceback (most recent call last)") == 1
