"""The hub's real client against a small hub of our own, served over HTTP on this machine."""

import hashlib
import http.server
import os
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

import huggingface_hub.constants
import pytest
import torch
from safetensors.torch import save

from medclf.digest import digest_bytes
from medclf.errors import ModelMisuse, WeightsRefused, WeightsUnavailable
from medclf.model.backbone import build_backbone
from medclf.model.hub import fetch, fetch_file, fetch_from_repository
from medclf.model.weights import load_weights

REPOSITORY = "timm/resnet10t.c3_in1k"
FIRST, SECOND = "1" * 40, "2" * 40
NAMES = ("model.safetensors", "pytorch_model.bin")


@dataclass
class Hub:
    """What a small hub holds, and what was asked of it."""

    address: str = ""
    main: str = SECOND
    files: dict[tuple[str, str], bytes] = field(default_factory=dict)  # (commit, name)
    gated: bool = False
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    held = Hub()

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *words):
            pass

        def _fail(self, status, code):
            self.send_response(status)
            self.send_header("X-Error-Code", code)
            self.send_header("X-Repo-Commit", held.main)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _answer(self, *, body):
            held.asked.append(f"{self.command} {self.path}")
            repository, _, rest = self.path.strip("/").partition("/resolve/")
            revision, _, name = rest.partition("/")
            commit = held.main if revision == "main" else revision
            if held.gated:
                return self._fail(403, "GatedRepo")
            if repository != REPOSITORY:
                return self._fail(404, "RepoNotFound")
            if commit not in {FIRST, SECOND}:
                return self._fail(404, "RevisionNotFound")
            content = held.files.get((commit, name))
            if content is None:
                return self._fail(404, "EntryNotFound")
            self.send_response(200)
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", commit)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if body:
                self.wfile.write(content)
            return None

        def do_HEAD(self):
            self._answer(body=False)

        def do_GET(self):
            self._answer(body=True)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    held.address = f"http://127.0.0.1:{server.server_address[1]}"
    constants = huggingface_hub.constants  # what HF_ENDPOINT and HF_HOME set at the start
    monkeypatch.setattr(constants, "ENDPOINT", held.address)
    template = held.address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    yield held
    server.shutdown()
    server.server_close()


def gone(monkeypatch):
    """Let the hub be where nobody listens."""
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    template = "http://127.0.0.1:9/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)


def test_commit_digest_and_licence_of_the_main_branch_are_told(hub):
    hub.files[SECOND, "model.safetensors"] = b"content"
    found = fetch("timm/resnet10t", None)
    assert (found.repository, found.revision) == (REPOSITORY, SECOND)
    assert found.digest == digest_bytes(b"content")
    assert found.licence == "Apache-2.0"
    assert found.path.read_bytes() == b"content"


def test_a_revision_that_is_named_is_the_one_that_comes(hub):
    hub.files |= {(FIRST, NAMES[0]): b"old", (SECOND, NAMES[0]): b"new"}
    assert fetch("timm/resnet10t", FIRST).digest == digest_bytes(b"old")
    assert fetch("timm/resnet10t", "main").digest == digest_bytes(b"new")


def test_the_second_time_nothing_is_downloaded_and_no_hub_is_needed(hub, monkeypatch):
    hub.files[SECOND, "model.safetensors"] = b"content"
    first = fetch("timm/resnet10t", None)
    asked = len([line for line in hub.asked if line.startswith("GET")])
    assert fetch("timm/resnet10t", None) == first
    assert len([line for line in hub.asked if line.startswith("GET")]) == asked
    gone(monkeypatch)
    assert fetch("timm/resnet10t", None) == first
    assert fetch("timm/resnet10t", SECOND) == first
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    assert fetch("timm/resnet10t", None) == first
    with pytest.raises(WeightsUnavailable) as caught:
        fetch("timm/resnet10t", FIRST)  # another commit was never seen here
    assert "path/to/file" in caught.value.advice


def test_an_older_file_is_taken_where_the_repository_has_no_safetensors(hub):
    hub.files[SECOND, "pytorch_model.bin"] = b"older"
    assert fetch("timm/resnet10t", None).path.name == "pytorch_model.bin"


def test_a_changed_file_in_the_cache_is_refused(hub):
    hub.files[SECOND, "model.safetensors"] = b"content"
    path = fetch("timm/resnet10t", None).path
    path.resolve().write_bytes(b"tampered")
    with pytest.raises(WeightsRefused, match="digest differs"):
        fetch("timm/resnet10t", None)


@pytest.mark.parametrize(
    ("change", "revision", "said"),
    [
        ({}, "3" * 40, "no revision"),
        ({"files": {}}, None, "holds none of"),
        ({"gated": True}, None, "accepted its licence"),
    ],
)
def test_what_the_hub_does_not_give_is_told_with_advice(hub, change, revision, said):
    hub.files[SECOND, "model.safetensors"] = b"content"
    for name, value in change.items():
        setattr(hub, name, value)
    with pytest.raises(WeightsUnavailable, match=said) as caught:
        fetch("timm/resnet10t", revision)
    assert caught.value.advice


def test_an_unknown_repository_names_the_ways_out(hub):
    with pytest.raises(WeightsUnavailable) as caught:
        fetch_from_repository("nobody/nothing", filenames=NAMES, revision=None, licence="")
    assert "weights: random" in caught.value.advice


@pytest.mark.slow  # its client asks again and again, for some 20 s
def test_an_unreachable_hub_names_the_ways_out(hub, monkeypatch):
    gone(monkeypatch)
    with pytest.raises(WeightsUnavailable) as caught:
        fetch("timm/resnet10t", None)
    assert "path/to/file" in caught.value.advice


def test_single_files_are_checked_against_the_digits_in_their_name(hub, monkeypatch, tmp_path):
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path / "torch"))
    content = b"a file of torchvision"
    digits = hashlib.sha256(content).hexdigest()[:8]
    hub.files |= {(FIRST, f"net-{digits}.pth"): content, (FIRST, "net-00000000.pth"): content}
    stem = f"{hub.address}/{REPOSITORY}/resolve/{FIRST}"
    found = fetch_file(f"{stem}/net-{digits}.pth", licence="BSD-3-Clause")
    assert (found.digest, found.revision) == (digest_bytes(content), "")
    with pytest.raises(WeightsUnavailable):  # the digits are of another file: nothing is kept
        fetch_file(f"{stem}/net-00000000.pth", licence="BSD-3-Clause")
    assert not (found.path.parent / "net-00000000.pth").exists()
    found.path.write_bytes(b"tampered")
    with pytest.raises(WeightsRefused, match="digest differs"):
        fetch_file(f"{stem}/net-{digits}.pth", licence="BSD-3-Clause")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("medclf/lenet5", "No pretrained weights exist"),
        ("foundation/uni", "handed out by their publishers"),
    ],
)
def test_what_no_hub_has_is_told_before_anything_is_asked(name, said):
    with pytest.raises(WeightsUnavailable, match=said) as caught:
        fetch(name, None)
    assert caught.value.advice


@pytest.mark.parametrize("name", ["timm/no_such_net", "torchvision/no_such_net"])
def test_an_unknown_architecture_is_a_wrong_call(name):
    with pytest.raises(ModelMisuse):
        fetch(name, None)


def test_a_revision_of_a_single_file_is_a_wrong_call():
    with pytest.raises(ModelMisuse, match="no revisions"):
        fetch("torchvision/vgg16", FIRST)


def test_weights_of_the_hub_are_loaded_and_reported(hub):
    backbone = build_backbone("timm/resnet10t", channels=1, size=64)
    original = build_backbone("timm/resnet10t", channels=3, size=64)
    state = {**original.state_dict(), "fc.weight": torch.zeros(10, 512), "fc.bias": torch.zeros(10)}
    hub.files[SECOND, "model.safetensors"] = save(state)
    report = load_weights(backbone, "timm/resnet10t", "hub", revision=SECOND)
    assert (report.source, report.revision) == (f"hub:{REPOSITORY}", SECOND)
    assert report.digest == digest_bytes(hub.files[SECOND, "model.safetensors"])
    assert report.unexpected == ("fc.bias", "fc.weight")
    assert report.adapted == ("conv1.0.weight 24 × 3 × 3 × 3 → 24 × 1 × 3 × 3",)
    assert "Apache-2.0" in str(report)
    assert str(report).startswith(f"hub:{REPOSITORY} at 222222222222: ")
    first = original.state_dict()["conv1.0.weight"]
    assert torch.equal(backbone.state_dict()["conv1.0.weight"], first.sum(dim=1, keepdim=True))


@pytest.mark.slow
def test_the_usual_variables_lead_a_program_of_its_own_to_the_hub(hub, tmp_path):
    hub.files[SECOND, "model.safetensors"] = b"content"
    script = (
        "from medclf.model.hub import fetch; f = fetch('timm/resnet10t', None); "
        "print(f.revision, f.digest, f.path)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "HF_ENDPOINT": hub.address, "HF_HOME": str(tmp_path / "home")},
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    commit, digest, path = done.stdout.split()
    assert (commit, digest) == (SECOND, digest_bytes(b"content"))
    assert Path(path).is_relative_to(tmp_path / "home")
