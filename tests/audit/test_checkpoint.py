import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from medclf.audit.checkpoint import (
    NO_PREVIOUS,
    load_checkpoint,
    parse_checkpoint,
    sign_checkpoint,
)
from medclf.audit.signature import create_key
from medclf.errors import AuditTampered, AuditUnavailable


@pytest.fixture
def key(tmp_path):
    return create_key(tmp_path / "key.pem")


@pytest.fixture
def checkpoint(key):
    return sign_checkpoint(
        key,
        size=42,
        root=hashlib.sha256(b"root").digest(),
        time="2026-01-02T03:04:05.000000Z",
        previous=NO_PREVIOUS,
    )


def test_a_checkpoint_reads_back_as_it_was(checkpoint, key):
    again = parse_checkpoint(checkpoint.text)

    assert again == checkpoint
    again.verify(key.public)


def test_a_third_party_can_check_it_as_a_signed_note(checkpoint, key):
    # c2sp.org/signed-note, by hand: note, blank line, signature line with the key's hash.
    note, _, line = checkpoint.text.partition("\n\n")
    note += "\n"
    dash, name, blob = line.rstrip("\n").split(" ")
    signed = base64.b64decode(blob)

    assert dash == "—"
    assert name == note.split("\n")[0]
    assert signed[:4] == hashlib.sha256(name.encode() + b"\n\x01" + key.public.raw).digest()[:4]
    Ed25519PublicKey.from_public_bytes(key.public.raw).verify(signed[4:], note.encode())


def test_every_changed_character_is_found(checkpoint, key):
    text = checkpoint.text
    for place in range(len(text)):
        changed = text[:place] + chr(ord(text[place]) ^ 1) + text[place + 1 :]
        with pytest.raises((ValueError, AuditTampered)):
            parse_checkpoint(changed).verify(key.public)


def test_the_signature_of_another_key_is_found(checkpoint, tmp_path):
    other = create_key(tmp_path / "other.pem")

    with pytest.raises(AuditTampered, match="not signed by key") as caught:
        checkpoint.verify(other.public)

    assert caught.value.facts["sequence"] == 42


def test_a_kept_file_is_loaded(checkpoint, tmp_path):
    (tmp_path / "kept.txt").write_text(checkpoint.text)

    assert load_checkpoint(tmp_path / "kept.txt") == checkpoint


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path):
    with pytest.raises(AuditUnavailable, match="cannot be read"):
        load_checkpoint(tmp_path / "absent.txt")
    (tmp_path / "other.txt").write_bytes(b"\xff")
    with pytest.raises(AuditTampered, match="not a checkpoint"):
        load_checkpoint(tmp_path / "other.txt")
