import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from medclf import api
from medclf.errors import LabelsRefused, StudyMisuse
from medclf.study.alone import alone
from validation.ingest_scale import write_files, write_study


@pytest.fixture
def study(tmp_path: Path) -> Path:
    write_files(tmp_path / "files", 12)
    return write_study(tmp_path / "study.yaml", tmp_path / "files" / "labels.csv", "ws")


def test_the_journal_is_gone_once_the_manifest_is_saved(tmp_path: Path, study: Path) -> None:
    done = api.ingest(study, home=tmp_path / "home", actor="tester")
    assert (len(done.manifest), done.resumed) == (12, 0)
    assert not (tmp_path / "ws" / "ingest-journal").exists()


def test_ctrl_c_keeps_what_is_done_and_the_next_run_goes_on(tmp_path: Path, study: Path) -> None:
    def progress(stage: str, done: int, total: int, note: str) -> None:
        if done == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        api.ingest(study, home=tmp_path / "home", actor="tester", progress=progress)
    assert not (tmp_path / "ws" / "manifest.json").exists()
    done = api.ingest(study, home=tmp_path / "home", actor="tester")
    assert (len(done.manifest), done.resumed) == (12, 7)


def test_a_table_with_a_fault_leaves_no_journal(tmp_path: Path, study: Path) -> None:
    (tmp_path / "files" / "labels.csv").write_text("path,label\na.png,unheard of\n")
    with pytest.raises(LabelsRefused, match="unheard of"):
        api.ingest(study, home=tmp_path / "home", actor="tester")
    assert not (tmp_path / "ws" / "ingest-journal").exists()


def test_a_second_ingest_of_the_same_study_is_turned_away(tmp_path: Path, study: Path) -> None:
    folder = tmp_path / "ws" / "ingest-journal"
    folder.mkdir(parents=True)
    with (
        alone(folder, doing="ingest", study=tmp_path),
        pytest.raises(StudyMisuse, match="Another ingest"),
    ):
        api.ingest(study, home=tmp_path / "home", actor="tester")
    assert folder.is_dir()  # it is the first one's, who may not have written to it yet


def test_training_wants_another_ingest_when_the_study_says_something_else(
    tmp_path: Path, study: Path
) -> None:
    api.ingest(study, home=tmp_path / "home", actor="tester")
    text = study.read_text()
    study.write_text(text + "admission: {secondary_capture: true}\n")
    with pytest.raises(StudyMisuse, match="something else of the data"):
        api.leakage(study, home=tmp_path / "home", actor="tester")
    study.write_text(text)
    api.leakage(study, home=tmp_path / "home", actor="tester")


def test_the_terminal_tells_counts_reasons_and_advice(tmp_path: Path, study: Path, medclf) -> None:
    (tmp_path / "files" / "0000" / "film-0000003.png").unlink()
    code, out, _ = medclf("ingest", study, "--home", tmp_path / "home")
    assert code == 0
    assert "accepted 11 of 12 images" in out
    assert "no_opacity" in out
    assert "72.7 %" in out
    assert "file_missing" in out
    assert "Check the path" in out


@pytest.mark.slow
def test_a_run_that_is_killed_again_and_again_ends_in_the_same_manifest(tmp_path: Path) -> None:
    write_files(tmp_path / "files", 6000)
    table, home = tmp_path / "files" / "labels.csv", tmp_path / "home"
    whole = api.ingest(
        write_study(tmp_path / "a.yaml", table, "a"), home=home, actor="tester"
    ).manifest
    study = write_study(tmp_path / "b.yaml", table, "b")
    journal = tmp_path / "b" / "ingest-journal"
    for segments in (1, 3):
        child = subprocess.Popen(
            [sys.executable, "-m", "medclf", "ingest", str(study), "--home", str(home)],
            env={**os.environ, "MEDCLF_ACTOR": "tester"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while child.poll() is None and len(list(journal.glob("*.segment"))) < segments:
            time.sleep(0.002)
        child.send_signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
    done = api.ingest(study, home=home, actor="tester")
    assert done.resumed >= 3 * 1024
    assert done.manifest.digest == whole.digest
    assert not journal.exists()
