"""One store for the whole file: MLflow takes seconds to begin one."""

import getpass
import logging
import os
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from medclf.digest import digest_bytes
from medclf.errors import RegistryMisuse, RegistryUnavailable
from medclf.registry.lineage import Lineage

PACKAGE = digest_bytes(b"package")
SECOND = digest_bytes(b"second package")
DATA = {"train": digest_bytes(b"train"), "test": digest_bytes(b"test")}


def clock():
    return datetime(2026, 1, 2, tzinfo=UTC)


def train(lineage, package=PACKAGE, **changes):
    given = {
        "parameters": {"backbone": "mobilenet_v2", **{f"option_{i}": i for i in range(150)}},
        "metrics": {"tune_auc": [0.7, 0.8, 0.9], "seconds": 12.5},
        "data_digests": DATA,
        "tags": {"medclf.version": "0.1.0"},
        "artifacts": {"card.md": b"# card", "curves/loss.json": b"[]"},
    }
    return lineage.log_training("chest-xray", package_digest=package, **{**given, **changes})


SILENT = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from medclf.registry.lineage import Lineage

assert "mlflow" not in sys.modules
before = dict(os.environ)
lineage = Lineage.in_folder(Path(sys.argv[1]), clock=lambda: datetime.now(UTC))
lineage.log_training("m", package_digest="sha256:" + "0" * 64, parameters={}, metrics={},
                     data_digests={}, tags={}, artifacts={})
from mlflow.telemetry.client import get_telemetry_client
assert get_telemetry_client() is None
assert dict(os.environ) == before
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("lineage")


@pytest.fixture(scope="module")
def begun(folder):
    """Begin the store in a fresh process, as it would run on somebody's machine."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST", "MLFLOW")) and name not in ("CI", "DO_NOT_TRACK")
    }
    return subprocess.run(
        [sys.executable, "-c", SILENT, str(folder)],
        capture_output=True,
        text=True,
        check=False,
        env={**environment, "AI_AGENT": "somebody"},
    )


@pytest.fixture(scope="module")
def lineage(folder, begun):
    lineage = Lineage.in_folder(folder, clock=clock)
    train(lineage)
    return lineage


@pytest.fixture(scope="module")
def client(lineage):
    from mlflow import MlflowClient

    return MlflowClient(lineage.tracking_uri, lineage.tracking_uri)


def test_a_training_run_is_kept_whole(lineage, client, tmp_path):
    (tmp_path / "weights.safetensors").write_bytes(b"weights")
    record = train(lineage, artifacts={"a/weights.safetensors": tmp_path / "weights.safetensors"})

    run = client.get_run(record.run_id)
    version = client.get_model_version_by_alias("chest-xray", "candidate")
    history = client.get_metric_history(record.run_id, "tune_auc")
    inputs = {item.dataset.name: item.dataset.source for item in run.inputs.dataset_inputs}
    artifacts = Path(run.info.artifact_uri.removeprefix("file://"))

    assert run.info.status == "FINISHED"
    assert run.data.tags["medclf.package"] == PACKAGE
    assert run.data.tags["medclf.version"] == "0.1.0"
    assert run.data.params["backbone"] == "mobilenet_v2"
    assert len(run.data.params) == 151
    assert [(metric.step, metric.value) for metric in history] == [(0, 0.7), (1, 0.8), (2, 0.9)]
    assert inputs == DATA
    assert (artifacts / "a" / "weights.safetensors").read_bytes() == b"weights"
    assert (version.run_id, str(version.version)) == (record.run_id, record.version)
    assert version.tags["medclf.package"] == PACKAGE
    assert version.current_stage in (None, "None")


def test_tags_tell_nothing_of_the_person_or_the_machine(client, lineage):
    secrets = [getpass.getuser(), str(Path.home()), str(Path.cwd()), socket.gethostname()]
    texts = []
    for run in client.search_runs([client.get_experiment_by_name("chest-xray").experiment_id]):
        texts += [f"{key}={value}" for key, value in run.data.tags.items()]
        texts.append(f"user={run.info.user_id}")
    for version in client.search_model_versions("name = 'chest-xray'"):
        texts += [f"{key}={value}" for key, value in version.tags.items()]
        texts.append(f"user={version.user_id}")

    assert len(texts) > 4
    told = {part for text in texts for part in text.replace("=", "/").split("/")}
    assert told.isdisjoint(secrets[:1] + secrets[3:])
    assert not any(folder in text for folder in secrets[1:3] for text in texts)
    assert not any("mlflow.user" in text or "mlflow.source" in text for text in texts)


def test_a_promoted_package_is_what_the_alias_means(lineage):
    train(lineage, SECOND, parameters={}, artifacts={})

    assert lineage.package_of("chest-xray", alias="candidate") == SECOND
    assert lineage.package_of("chest-xray", alias="released") is None

    lineage.promote("chest-xray", PACKAGE)

    assert lineage.package_of("chest-xray", alias="released") == PACKAGE
    assert lineage.package_of("other", alias="released") is None


def test_a_validation_is_a_run_beside_its_version(lineage, client):
    record = lineage.log_validation(
        PACKAGE, metrics={"auc": 0.91, "auc_low": 0.88}, artifacts={"report.html": b"<p>"}
    )

    run = client.get_run(record.run_id)
    version = client.get_model_version("chest-xray", record.version)
    assert run.data.metrics == {"auc": 0.91, "auc_low": 0.88}
    assert run.data.tags["medclf.step"] == "validation"
    assert version.tags["medclf.package"] == PACKAGE
    assert version.tags["medclf.validation_run"] == record.run_id


def test_a_cross_validation_is_one_run_with_a_run_below_it_for_each_network(lineage, client):
    summary = digest_bytes(b"summary")
    run_id = lineage.log_folds(
        "crossed",
        summary_digest=summary,
        parameters={"method": "finetune"},
        metrics={"auc_mean": 0.8},
        data_digests={"manifest": DATA["train"]},
        artifacts={"folds.json": b"{}"},
        runs={"finetune fold 1 seed 0": {"auc": 0.7}, "finetune fold 2 seed 0": {"auc": 0.9}},
    )

    run = client.get_run(run_id)
    below = client.search_runs([run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{run_id}'")
    artifacts = Path(run.info.artifact_uri.removeprefix("file://"))
    assert run.data.metrics == {"auc_mean": 0.8}
    assert run.data.tags["medclf.summary"] == summary
    assert (artifacts / "folds.json").read_bytes() == b"{}"
    assert {one.info.run_name: one.data.metrics["auc"] for one in below} == {
        "finetune fold 1 seed 0": 0.7,
        "finetune fold 2 seed 0": 0.9,
    }
    assert {one.info.status for one in [run, *below]} == {"FINISHED"}
    assert not client.search_registered_models("name = 'crossed'")  # no package came out


def test_an_unknown_package_is_refused(lineage):
    with pytest.raises(RegistryMisuse, match="No registered model version"):
        lineage.promote("chest-xray", digest_bytes(b"unknown"))
    with pytest.raises(RegistryMisuse, match="No registered model version"):
        lineage.log_validation(digest_bytes(b"unknown"), metrics={}, artifacts={})


@pytest.mark.parametrize("name", ["", "a/b", "x' or '1'='1", "a:b", "..", "a b"])
def test_a_name_that_could_break_out_is_refused(lineage, name):
    with pytest.raises(RegistryMisuse, match="not a name"):
        lineage.promote(name, PACKAGE)


@pytest.mark.parametrize("name", ["../up.txt", "/etc/x.txt", ""])
def test_an_artifact_cannot_leave_its_folder_and_its_run_fails(lineage, client, name):
    with pytest.raises(RegistryMisuse, match="no name for an artifact"):
        train(lineage, digest_bytes(b"third"), artifacts={name: b""})

    experiment = client.get_experiment_by_name("chest-xray").experiment_id
    (newest,) = client.search_runs(
        [experiment], f"tags.`medclf.package` = '{digest_bytes(b'third')}'", max_results=1
    )
    assert newest.info.status == "FAILED"


def test_what_mlflow_refuses_is_misuse(lineage):
    with pytest.raises(RegistryMisuse, match="MLflow does not accept"):
        train(lineage, parameters={"bad\nname": 1})


def test_the_environment_and_the_loggers_stay_as_they_were(lineage, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "33")
    logging.getLogger("alembic").setLevel(logging.INFO)
    before = dict(os.environ)

    lineage.package_of("chest-xray", alias="candidate")

    assert dict(os.environ) == before
    assert logging.getLogger("alembic").level == logging.INFO


def test_a_server_that_refuses_is_an_error_soon():
    with socket.socket() as held:  # bound but not listening: connections are refused
        held.bind(("127.0.0.1", 0))
        uri = f"http://127.0.0.1:{held.getsockname()[1]}"
        with pytest.raises(RegistryUnavailable, match="cannot be used") as caught:
            Lineage(uri, None, clock=clock).promote("chest-xray", PACKAGE)

    assert "127.0.0.1" in str(caught.value.facts["cause"])


def test_a_store_that_cannot_be_written_is_unavailable(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(RegistryUnavailable):
        Lineage.in_folder(tmp_path / "file", clock=clock).promote("chest-xray", PACKAGE)


def test_mlflow_says_nothing_and_sends_nothing(begun):
    assert (begun.returncode, begun.stdout, begun.stderr) == (0, "", "")
