import base64
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from medclf.digest import digest_bytes

REPOSITORY = Path(__file__).resolve().parents[2]
GENERATED = REPOSITORY / "medclf" / "service" / "_pb"


def _files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*.py*")
        if path.suffix in {".py", ".pyi"}
    }


def test_the_committed_code_is_what_the_protos_give(tmp_path):
    if importlib.util.find_spec("grpc_tools") is None:
        pytest.skip("grpcio-tools is not installed (extra dev)")
    script = REPOSITORY / "protos" / "generate.py"
    subprocess.run([sys.executable, str(script), str(tmp_path)], check=True)
    assert _files(tmp_path) == _files(GENERATED)


@pytest.mark.peer
def test_the_protos_pass_bufs_standard_rules(program):
    done = subprocess.run(
        [program("buf"), "lint"],
        cwd=REPOSITORY / "protos",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


@pytest.mark.peer
@pytest.mark.parametrize("schema", [["--schema", str(REPOSITORY / "protos")], ["--reflect"]])
def test_a_client_of_another_maker_gets_an_opinion(program, serving, trail, png, schema):
    half = len(png) // 2
    parts = [
        {"header": {"sha256": digest_bytes(png), "sizeBytes": len(png), "clientName": "buf"}},
        *({"chunk": base64.b64encode(piece).decode()} for piece in (png[:half], png[half:])),
    ]
    with serving() as address:
        done = subprocess.run(
            [
                program("buf"),
                "curl",
                *schema,
                *("--protocol", "grpc", "--http2-prior-knowledge", "-d", "@-"),
                f"http://{address}/medclf.v1.OpinionService/RequestOpinion",
            ],
            input="".join(json.dumps(part) for part in parts),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    opinion = json.loads(done.stdout)["opinion"]
    (event,) = [event for event in trail.events() if event.action == "opinion.given"]
    assert opinion["status"] == "STATUS_OK"
    assert opinion["instanceDigest"] == digest_bytes(png)
    assert opinion["auditSequence"] == str(event.sequence)
    assert opinion["findings"][0]["probability"] == float(event.facts["findings"][0]["probability"])
    assert event.facts["client"] == "buf"
