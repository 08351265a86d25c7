import json
import subprocess
import sys

import pytest

from medclf import api, images, installation
from medclf.service.background import running
from medclf.service.config import ServiceConfig
from medclf.service.served import ServedClassifier
from medclf.study.read import load_classifier

SUBCOMMANDS = [
    *("demo", "init", "models", "dicomize", "ingest", "train", "validate", "release", "variant"),
    *("read", "serve", "ask", "audit", "cache"),
]


def test_help_names_every_command_and_the_exit_codes(medclf):
    code, out, _ = medclf("--help")
    assert code == 0
    assert all(f" {name} " in out for name in SUBCOMMANDS)
    assert "Exit codes" in out


@pytest.mark.parametrize("command", SUBCOMMANDS)
def test_every_command_explains_itself(medclf, command):
    code, out, _ = medclf(command, "--help")
    assert code == 0
    assert "Usage" in out


def test_every_command_has_a_python_face():
    import medclf

    faces = [
        *(c for c in SUBCOMMANDS if c not in {"audit", "cache"}),
        "audit_verify",
        "audit_show",
        "audit_export",
        "cache_list",
        "cache_prune",
    ]
    for name in faces:
        home = installation if name.startswith(("audit_", "cache_")) else api
        if name in {"deidentify", "demo", "dicomize"}:
            home = images
        assert getattr(medclf, name) is getattr(home, name)
        assert name in dir(medclf)
    with pytest.raises(AttributeError):
        _ = medclf.no_such_name


def test_importing_medclf_and_asking_for_help_loads_nothing_heavy():
    heavy = ["torch", "monai", "mlflow", "grpc", "pydicom", "pandas", "sklearn"]
    program = (
        "import sys, medclf, medclf.cli.app; "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_an_unknown_command_is_a_wrong_call(medclf):
    assert medclf("diagnose")[0] == 2


def test_models_are_listed_for_people_and_for_machines(medclf):
    _, out, _ = medclf("models")
    assert "torchvision/mobilenet_v2" in out
    _, out, _ = medclf("models", "--json")
    listed = [json.loads(line) for line in out.splitlines()]
    assert listed[0].keys() == {
        *("name", "provider", "size", "parameters_millions", "licence", "source", "mean", "std")
    }


def test_the_audit_trail_is_shown_and_exported_with_its_proof(walked, tmp_path, medclf):
    code, out, _ = medclf("audit", "show", "--home", walked.home, "--start", 2, "--limit", 1)
    assert code == 0
    assert "training.started" in out
    assert len(out.splitlines()) == 1
    _, out, _ = medclf("audit", "show", "--home", walked.home, "--json")
    assert [json.loads(line)["sequence"] for line in out.splitlines()][:3] == [1, 2, 3]
    export = tmp_path / "trail.jsonl"
    code, _, _ = medclf("audit", "export", "--home", walked.home, "--out", export)
    assert code == 0
    assert "checkpoint" in json.loads(export.read_text().splitlines()[0])


def test_verifying_with_a_kept_checkpoint_finds_a_trail_that_was_cut(walked, tmp_path, medclf):
    kept = tmp_path / "checkpoint.txt"
    kept.write_bytes((walked.home / "audit" / "checkpoint.txt").read_bytes())
    code, out, _ = medclf("audit", "verify", "--home", walked.home, "--checkpoint", kept)
    assert code == 0
    assert out.startswith("whole: ")
    code, _, err = medclf("audit", "verify", "--home", tmp_path / "new", "--checkpoint", kept)
    assert code == 5
    assert "There is no audit trail" in err


def test_a_file_that_cannot_be_read_does_not_stop_the_asking(walked, tmp_path, medclf):
    place = installation.open_home(tmp_path / "home", "tester")
    classifier = ServedClassifier(load_classifier(walked.package, place))
    config = ServiceConfig(listen="127.0.0.1:0")
    with place.open_trail() as trail, running(classifier, trail.append, config=config) as address:
        code, out, _ = medclf(
            "ask", tmp_path / "gone.dcm", walked.images()[0], "--server", address, "--json"
        )
    gone, read = map(json.loads, out.splitlines())
    assert code == 3
    assert (gone["reasons"], gone["audit_sequence"]) == (["file_missing"], None)
    assert read["audit_sequence"] == 2


def test_nobody_answers_is_told_with_what_to_do(walked, medclf):
    code, _, err = medclf("ask", walked.images()[0], "--server", "127.0.0.1:9")
    assert code == 5
    assert "medclf serve" in err


def test_listening_beyond_this_machine_without_tls_is_refused(walked, tmp_path, medclf):
    code, _, err = medclf(
        "serve", walked.package, "--listen", "0.0.0.0:0", "--home", tmp_path / "home"
    )
    assert code == 2
    assert "TLS" in err or "tls" in err


def test_an_address_that_is_none_is_told_without_a_traceback(walked, tmp_path, medclf):
    code, _, err = medclf("serve", walked.package, "--listen", "x", "--home", tmp_path / "home")
    assert code == 2
    assert "error:" in err


def test_a_report_is_never_written_over_anything(walked, tmp_path, medclf):
    image = tmp_path / "film.dcm"
    image.write_bytes(walked.images()[0].read_bytes())
    before = image.read_bytes()
    home = tmp_path / "home"
    code, out, err = medclf("read", walked.package, image, "--sr", image, "--home", home)
    assert (code, out) == (2, "")
    assert "exists already" in err
    assert image.read_bytes() == before
    code, _, err = medclf("audit", "export", "--home", walked.home, "--out", image)
    assert code == 2
    assert image.read_bytes() == before


def test_a_folder_among_the_images_is_told_before_anything_is_read(walked, tmp_path, medclf):
    code, _, err = medclf("read", walked.package, tmp_path, "--home", tmp_path / "home")
    assert code == 2
    assert "is a folder" in err
    assert not (tmp_path / "home").exists()


def test_a_release_may_be_required(walked, tmp_path, medclf):
    code, _, err = medclf("serve", walked.package, "--require-release", "--home", tmp_path / "home")
    assert code == 2
    assert "medclf release" in err


def test_what_lightning_says_of_its_precision_does_not_reach_the_terminal():
    script = (
        "from medclf.cli.app import quiet_libraries; quiet_libraries()\n"
        "from lightning_fabric import Fabric; Fabric(precision='bf16-mixed')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout + done.stderr == ""
