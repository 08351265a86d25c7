from dataclasses import replace

import pytest

from medclf.audit.checkpoint import load_checkpoint
from medclf.audit.proof import check_growth, prove_event, prove_growth
from medclf.audit.signature import load_public_key
from medclf.audit.trail import Trail
from medclf.errors import AuditMisuse, AuditTampered


@pytest.fixture
def key(folder):
    return load_public_key(folder / "public_key.pem")


@pytest.mark.parametrize("sequence", range(1, 11))
def test_each_event_can_be_proven_alone(folder, key, sequence):
    proof = prove_event(folder, sequence)

    proof.verify(key)
    assert f'"sequence":{sequence}' in proof.body
    assert len(proof.path) <= 4


def test_a_proof_holds_for_its_event_only(folder, key):
    proof = prove_event(folder, 4)
    for wrong in (
        replace(proof, sequence=5),
        replace(proof, body=proof.body.replace("tester", "nobody")),
        replace(proof, path=proof.path[1:]),
    ):
        with pytest.raises(AuditTampered) as caught:
            wrong.verify(key)
        assert caught.value.facts["sequence"] == wrong.sequence


@pytest.mark.parametrize("sequence", [0, 11])
def test_an_event_that_is_not_there_has_no_proof(folder, sequence):
    with pytest.raises(AuditMisuse, match="1 to 10"):
        prove_event(folder, sequence)


def test_a_changed_event_has_no_proof(folder, edit):
    edit("UPDATE events SET body = replace(body, 'tester', 'nobody') WHERE sequence = 4")

    with pytest.raises(AuditTampered, match="Record 4"):
        prove_event(folder, 4)


def test_growth_is_proven_from_any_checkpoint_on(tmp_path, clock):
    known = []
    with Trail.open(tmp_path / "audit", clock=clock) as trail:
        for _ in range(9):
            known.append(trail.checkpoint())
            trail.append("test.done", actor="tester", facts={})
    key = load_public_key(tmp_path / "audit" / "public_key.pem")
    for earlier in known:
        newest, path = prove_growth(tmp_path / "audit", earlier)

        check_growth(earlier, newest, path, key=key)
        assert newest.size == 9


def test_a_rewritten_past_has_no_proof_of_growth(folder, clock, edit):
    known = load_checkpoint(folder / "checkpoint.txt")
    with Trail.open(folder, clock=clock) as trail:
        for _ in range(3):
            trail.append("test.done", actor="tester", facts={})
    edit("UPDATE events SET body = replace(body, 'tester', 'nobody') WHERE sequence = 4")

    with pytest.raises(AuditTampered, match="rewritten"):
        prove_growth(folder, known)


def test_a_shorter_trail_has_no_proof_of_growth(tmp_path, folder, clock):
    old = {path.name: path.read_bytes() for path in folder.iterdir()}
    with Trail.open(folder, clock=clock) as trail:
        trail.append("test.done", actor="tester", facts={})
        known = trail.checkpoint()
    shorter = tmp_path / "shorter"
    shorter.mkdir()
    for name, data in old.items():
        (shorter / name).write_bytes(data)

    with pytest.raises(AuditTampered) as caught:
        prove_growth(shorter, known)

    assert caught.value.facts["sequence"] == 11
