"""A cross-validation on made-up films: every case tested once, killed and taken up again."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import medclf
from medclf import installation
from medclf.audit.trail import read_events
from medclf.cohort.manifest import Manifest
from medclf.config import load_yaml, save_yaml
from medclf.demonstration.phantoms import write_phantoms
from medclf.demonstration.story import study_config
from medclf.errors import LabelsRefused, StorageUnavailable, StudyMisuse
from medclf.model.network import Architecture, Network
from medclf.study.config import StudyConfig
from medclf.study.fold_baselines import READERS
from medclf.study.folds import Folds, train_folds
from medclf.study.home import Home

FOLDS = 3

KILLED = """
import os, signal, sys
from pathlib import Path
from medclf import installation
from medclf.study.folds import train_folds

def die_in_the_second_fold(stage, done, total, note):
    if stage == "fine-tune" and "fold 2/3" in note and done == total // 2 + 1:
        os.kill(os.getpid(), signal.SIGKILL)

home = installation.open_home(Path(sys.argv[2]), "tester")
train_folds(Path(sys.argv[1]), home=home, folds=3, progress=die_in_the_second_fold)
"""


def write_study(folder: Path, weights: Path) -> Path:
    config = study_config()
    fit = config.fit.model_copy(update={"epochs": 2, "batch": 16})
    model = config.model.model_copy(update={"weights": str(weights)})
    path = folder / "study.yaml"
    save_yaml(path, config.model_copy(update={"fit": fit, "model": model}))
    return path


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """Films, and weights that a network starts from; each study over them is a copy."""
    folder = tmp_path_factory.mktemp("source")
    write_phantoms(
        folder / "dicom",
        count=90,
        generator=np.random.default_rng(7),
        progress=lambda done, total: None,
    )
    torch.manual_seed(0)
    network = Network(Architecture(backbone="medclf/spotnet", channels=1, size=96, classes=2))
    torch.save(network.backbone.state_dict(), folder / "start.pth")
    write_study(folder, folder / "start.pth")
    return folder


def home_of(folder: Path) -> Home:
    home = installation.open_home(folder / "home", "tester")
    home.folder.mkdir(parents=True, exist_ok=True)
    (home.folder / "pseudonym.key").write_bytes(bytes(32))
    (home.folder / "pseudonym.key").chmod(0o600)
    return home


@pytest.fixture(scope="module")
def done(source) -> Folds:
    return train_folds(source / "study.yaml", home=home_of(source), folds=FOLDS, seeds=1)


@pytest.fixture
def copied(source, done, tmp_path) -> Path:
    """The finished study, to be damaged."""
    shutil.copytree(source, tmp_path, dirs_exist_ok=True)
    write_study(tmp_path, tmp_path / "start.pth")
    return tmp_path


def results(folder: Path) -> list[Path]:
    return sorted((folder / "study" / "folds").glob("*.json"))


def test_every_case_is_tested_once_by_each_method(source, done):
    manifest = Manifest.load(source / "study")
    assert list(done.methods) == ["finetune", "probe", *READERS]
    for summary in done.methods.values():
        tested = [digest for one in summary.runs for digest in one.scores.cases]
        assert sorted(tested) == sorted(manifest.column("digest"))
        assert [one.scores.fold for one in summary.runs] == [1, 2, 3]


def test_probe_and_network_are_judged_on_the_same_test_parts(done):
    network, probe = done.methods["finetune"], done.methods["probe"]
    for one, other in zip(network.runs, probe.runs, strict=True):
        assert one.scores.cases == other.scores.cases
        assert one.scores.best_epoch > 0
        assert other.scores.epochs == 0
        assert not np.array_equal(one.scores.scores, other.scores.scores)


def test_simpler_readers_are_judged_on_the_same_test_parts_and_fitted_once(copied, done):
    own = [one.scores.cases for one in done.methods["finetune"].runs]
    for name in READERS:
        assert [one.scores.cases for one in done.methods[name].runs] == own
    stages = set()
    train_folds(
        copied / "study.yaml",
        home=home_of(copied),
        folds=FOLDS,
        progress=lambda stage, done, total, note: stages.add(stage),
    )
    assert not stages & {"baselines", "describe", "fine-tune"}


def test_no_baselines_leave_the_networks_alone(copied, done):
    config = load_yaml(copied / "study.yaml", StudyConfig)
    save_yaml(copied / "study.yaml", config.model_copy(update={"baselines": False}))
    alone = train_folds(copied / "study.yaml", home=home_of(copied), folds=FOLDS)
    assert list(alone.methods) == ["finetune", "probe"]
    for name, summary in alone.document["methods"].items():
        assert summary == done.document["methods"][name]


def test_only_small_results_are_left(source, done):
    left = list((source / "study" / "folds").iterdir())
    assert len(left) == (2 + len(READERS)) * FOLDS
    assert all(path.suffix == ".json" and path.stat().st_size < 20_000 for path in left)
    assert not (source / "study" / "packages").exists()
    assert json.loads(done.path.read_bytes()) == done.document


def test_summary_names_no_path_and_no_patient(source, done):
    text = done.path.read_text()
    assert str(source) not in text
    manifest = Manifest.load(source / "study")
    assert not [patient for patient in set(manifest.column("patient")) if patient in text]
    assert not [digest for digest in manifest.column("digest") if digest in text]
    assert "no longer unseen" in text


def test_killed_run_goes_on_to_the_same_bytes(source, done, tmp_path):
    (tmp_path / "dicom").symlink_to(source / "dicom")
    shutil.copy(source / "start.pth", tmp_path)
    study, home = write_study(tmp_path, tmp_path / "start.pth"), home_of(tmp_path)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, study, home.folder],
        env={**os.environ, "PYTHONPATH": str(Path(medclf.__file__).parents[1])},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    (unfinished,) = [p for p in (tmp_path / "study" / "folds").iterdir() if p.is_dir()]
    assert list(unfinished.rglob("*.pt"))
    finished = {path: path.stat().st_mtime_ns for path in results(tmp_path)}
    assert len(finished) == 2
    stages = []
    again = train_folds(
        study,
        home=home,
        folds=FOLDS,
        progress=lambda stage, done, total, note: stages.append((stage, note[:8])),
    )
    assert ("judge", "fold 1/3") not in stages
    assert ("judge", "fold 2/3") in stages
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    assert not unfinished.exists()
    assert again.path.read_bytes() == done.path.read_bytes()
    opened = list(read_events(home.audit_folder, action="test.unsealed"))
    assert [event.facts["count"] for event in opened] == [1]  # resumed, not opened again


def test_damaged_result_is_made_anew_to_the_same_bytes(copied, done):
    damaged = results(copied)[0]
    whole = damaged.read_bytes()
    damaged.write_bytes(whole.replace(b'"temperature":{"', b'"temperature": {"', 1)[:-40])
    again = train_folds(copied / "study.yaml", home=home_of(copied), folds=FOLDS)
    assert damaged.read_bytes() == whole
    assert again.digest == done.digest


def test_changed_score_in_a_result_is_not_believed(copied, done):
    changed = results(copied)[0]
    content = json.loads(changed.read_bytes())
    content["scores"][0] = [9.0, -9.0]
    changed.write_text(json.dumps(content))
    again = train_folds(copied / "study.yaml", home=home_of(copied), folds=FOLDS)
    assert again.digest == done.digest


def test_further_seed_is_fitted_beside_what_is_there_and_keeps_the_split(copied, done):
    before = {path: path.stat().st_mtime_ns for path in results(copied)}
    more = train_folds(copied / "study.yaml", home=home_of(copied), folds=FOLDS, seeds=2)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert more.document["splits"] == done.document["splits"]
    by_seed = {
        seed: [one.scores for one in more.methods["finetune"].runs if one.scores.seed == seed]
        for seed in (0, 1)
    }
    for one, other in zip(by_seed[0], by_seed[1], strict=True):
        assert one.cases == other.cases
        assert not np.array_equal(one.scores, other.scores)
    assert len(more.methods["probe"].runs) == FOLDS  # no seed changes a probe
    assert len(more.methods[READERS[-1]].runs) == FOLDS
    assert set(more.methods["finetune"].over_seeds) == set(more.methods["finetune"].over_folds)


def test_what_was_done_is_in_the_trail_with_its_digests(source, done):
    (event,) = read_events(home_of(source).audit_folder, action="training.folds")
    assert event.facts["summary"] == done.digest
    assert event.facts["manifest"] == done.document["manifest"]
    assert event.facts["splits"] == done.document["splits"]
    assert event.sequence == done.audit_sequence


def test_package_trained_and_validated_afterwards_is_told_that_its_test_part_was_seen(copied):
    home = home_of(copied)
    trained = medclf.train(copied / "study.yaml", home=home.folder)
    validated = medclf.validate(
        trained.package.path, data=trained.test_table, out=copied / "report", home=home.folder
    )
    assert validated.unsealing.count == 2
    assert "too good" in validated.unsealing.limitation


@pytest.mark.parametrize("seeds", [0, 21])
def test_seeds_out_of_range_are_refused_before_anything_is_written(source, tmp_path, seeds):
    study = write_study(tmp_path, source / "start.pth")
    with pytest.raises(StudyMisuse, match="seeds"):
        train_folds(study, home=home_of(tmp_path), folds=3, seeds=seeds)
    assert not (tmp_path / "study").exists()


def test_seed_beyond_the_largest_is_refused(source, tmp_path):
    path = write_study(tmp_path, source / "start.pth")
    config = load_yaml(path, StudyConfig)
    save_yaml(path, config.model_copy(update={"seed": 2**31 - 1}))
    with pytest.raises(StudyMisuse, match="seeds"):
        train_folds(path, home=home_of(tmp_path), folds=3, seeds=2)


def test_one_fold_is_refused_and_opens_nothing(copied):
    home = home_of(copied)
    before = len(list(read_events(home.audit_folder, action="test.unsealed")))
    with pytest.raises(LabelsRefused, match="folds"):
        train_folds(copied / "study.yaml", home=home, folds=1)
    assert len(list(read_events(home.audit_folder, action="test.unsealed"))) == before


def test_disk_that_takes_nothing_is_told_with_what_to_do(copied):
    shutil.rmtree(copied / "study" / "folds")
    (copied / "study" / "folds").write_text("in the way")
    with pytest.raises(StorageUnavailable, match="fold"):
        train_folds(copied / "study.yaml", home=home_of(copied), folds=FOLDS)


def test_terminal_tells_each_fold_and_what_it_means(copied, medclf):
    code, out, err = medclf(
        *("train", copied / "study.yaml", "--folds", FOLDS, "--home", copied / "home")
    )
    assert (code, "Traceback" in err) == (0, False)
    assert all(len(line) <= 80 for line in out.splitlines() if line.startswith("  "))
    assert "finetune, each fold on its own test part" in out
    assert "…" not in out
    assert "no longer unseen" in out
    assert "No package comes out of folds" in out


def test_json_for_a_machine_is_one_line(copied, medclf, done):
    code, out, _ = medclf(
        *("train", copied / "study.yaml", "--folds", FOLDS, "--home", copied / "home", "--json")
    )
    content = json.loads(out)
    assert code == 0
    assert content["digest"] == done.digest
    assert content["methods"] == done.document["methods"]


@pytest.mark.parametrize("options", [("--seeds", "2"), ("--folds", "3", "--out", "packages")])
def test_options_that_contradict_each_other_are_refused(source, medclf, options):
    code, _, err = medclf("train", source / "study.yaml", *options)
    assert code == 2
    assert "do:" in err
