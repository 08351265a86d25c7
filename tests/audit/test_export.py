import base64
import hashlib
import json

import pytest

from medclf.audit.export import check_export, export_events
from medclf.audit.signature import create_key, load_public_key
from medclf.audit.trail import Trail
from medclf.errors import AuditMisuse, AuditTampered, AuditUnavailable

RANGES = [(1, None), (1, 4), (4, 7), (8, 8), (9, 10), (10, 10), (5, 4)]


@pytest.fixture
def key(folder):
    return load_public_key(folder / "public_key.pem")


@pytest.mark.parametrize(("start", "stop"), RANGES)
def test_any_part_of_a_trail_proves_itself(folder, key, tmp_path, start, stop):
    path = tmp_path / "out" / "events.jsonl"

    checkpoint = export_events(folder, path, start=start, stop=stop)

    lines = path.read_text().splitlines()
    assert [json.loads(line)["sequence"] for line in lines[1:]] == list(
        range(start, (stop or 10) + 1)
    )
    assert check_export(path, public_key=key) == checkpoint


def test_a_whole_export_is_checked_with_nothing_but_sha256(folder, tmp_path):
    path = tmp_path / "events.jsonl"
    export_events(folder, path)
    head, *events = [json.loads(line) for line in path.read_text().splitlines()]

    def root(leaves):  # RFC 9162, section 2.1.1
        if len(leaves) == 1:
            return leaves[0]
        k = 1 << (len(leaves) - 1).bit_length() - 1
        return hashlib.sha256(b"\x01" + root(leaves[:k]) + root(leaves[k:])).digest()

    leaves = [hashlib.sha256(b"\x00" + event["body"].encode()).digest() for event in events]
    assert base64.b64encode(root(leaves)).decode() == head["checkpoint"].split("\n")[2]


@pytest.mark.parametrize(("start", "stop"), RANGES[:-1])
def test_every_changed_line_is_found(folder, key, tmp_path, start, stop):
    path = tmp_path / "events.jsonl"
    export_events(folder, path, start=start, stop=stop)
    lines = path.read_text().splitlines()
    changes = [
        [lines[0], *lines[1:-1]],  # cut
        [*lines, lines[-1]],  # repeated
        [lines[0], *lines[1:-1], lines[-1].replace("tester", "nobody")],
        [lines[0].replace('"start":', '"start":1'), *lines[1:]],
        [lines[0].replace("medclf-audit-export/1", "medclf-audit-export/2"), *lines[1:]],
        [lines[0].replace("time 2026", "time 2027"), *lines[1:]],
        lines[1:],
        ["not JSON"],
        ["[]"],
    ]
    for changed in changes:
        path.write_text("\n".join(changed) + "\n")
        with pytest.raises(AuditTampered):
            check_export(path, public_key=key)


def test_lines_in_another_order_are_named(folder, key, tmp_path):
    path = tmp_path / "events.jsonl"
    export_events(folder, path)
    lines = path.read_text().splitlines()
    lines[3], lines[4] = lines[4], lines[3]
    path.write_text("\n".join(lines))

    with pytest.raises(AuditTampered) as caught:
        check_export(path, public_key=key)

    assert caught.value.facts["sequence"] == 3


def test_the_key_in_the_export_is_not_trusted(folder, tmp_path):
    path = tmp_path / "events.jsonl"
    export_events(folder, path)

    with pytest.raises(AuditTampered, match="not signed by key"):
        check_export(path, public_key=create_key(tmp_path / "other.pem").public)


def test_an_empty_trail_can_be_exported(tmp_path, clock):
    with Trail.open(tmp_path / "audit", clock=clock) as trail:
        checkpoint = export_events(trail.folder, tmp_path / "events.jsonl")

    assert checkpoint.size == 0
    assert len((tmp_path / "events.jsonl").read_text().splitlines()) == 1


@pytest.mark.parametrize(("start", "stop"), [(0, None), (1, 11), (12, None), (7, 3)])
def test_a_range_that_is_not_there_is_refused(folder, tmp_path, start, stop):
    with pytest.raises(AuditMisuse, match="1 to 10"):
        export_events(folder, tmp_path / "events.jsonl", start=start, stop=stop)
    assert list(tmp_path.glob("*events.jsonl*")) == []


def test_a_tampered_trail_is_not_exported(folder, edit, tmp_path):
    edit("UPDATE events SET body = replace(body, 'tester', 'nobody') WHERE sequence = 4")

    with pytest.raises(AuditTampered):
        export_events(folder, tmp_path / "events.jsonl")
    assert list(tmp_path.glob("*events.jsonl*")) == []


def test_a_place_that_cannot_be_written_is_unavailable(folder, tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(AuditUnavailable, match="cannot be written"):
        export_events(folder, tmp_path / "file" / "events.jsonl")


def test_an_export_that_is_not_there_is_unavailable(key, tmp_path):
    with pytest.raises(AuditUnavailable, match="cannot be read"):
        check_export(tmp_path / "absent.jsonl", public_key=key)
