import hashlib
import stat

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from medclf.audit.signature import create_key, load_key, load_or_create_key, load_public_key
from medclf.errors import AuditMisuse, AuditTampered, AuditUnavailable


def test_a_key_is_made_once_and_then_loaded(tmp_path):
    first = load_or_create_key(tmp_path / "key.pem")
    second = load_or_create_key(tmp_path / "key.pem")

    assert first == second
    assert second.public == first.public


def test_the_private_key_is_only_for_its_owner(tmp_path):
    create_key(tmp_path / "key.pem")

    assert stat.S_IMODE((tmp_path / "key.pem").stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_key_that_others_may_read_is_refused(tmp_path, mode):
    create_key(tmp_path / "key.pem")
    (tmp_path / "key.pem").chmod(mode)

    with pytest.raises(AuditMisuse, match=f"mode {mode:04o}") as caught:
        load_key(tmp_path / "key.pem")

    assert "chmod 600" in caught.value.advice


def test_the_key_id_is_the_beginning_of_the_keys_sha256(tmp_path):
    key = create_key(tmp_path / "key.pem")

    assert key.key_id == hashlib.sha256(key.public.raw).hexdigest()[:16]


def test_a_signature_holds_for_its_bytes_only(tmp_path):
    key = create_key(tmp_path / "key.pem")
    signature = key.sign(b"data")

    key.public.verify(b"data", signature)

    for data, signed in ((b"date", signature), (b"data", signature[::-1]), (b"data", b"")):
        with pytest.raises(AuditTampered, match=key.key_id):
            key.public.verify(data, signed)


def test_the_private_part_is_never_shown(tmp_path):
    key = create_key(tmp_path / "key.pem")

    assert "private" not in repr(key)


def test_a_public_key_travels_as_pem(tmp_path):
    key = create_key(tmp_path / "key.pem")
    (tmp_path / "public.pem").write_text(key.public.pem)

    assert load_public_key(tmp_path / "public.pem") == key.public


def test_an_existing_key_is_never_replaced(tmp_path):
    create_key(tmp_path / "key.pem")

    with pytest.raises(AuditMisuse, match="exists already"):
        create_key(tmp_path / "key.pem")


@pytest.mark.parametrize("load", [load_key, load_public_key])
def test_what_is_no_key_is_refused(tmp_path, load):
    path = tmp_path / "key.pem"
    with pytest.raises(AuditUnavailable, match="cannot be read"):
        load(path)
    path.write_text("not a key")
    path.chmod(0o600)
    with pytest.raises(AuditMisuse, match="not an Ed25519"):
        load(path)


def test_a_key_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "key.pem"
    other = generate_private_key(SECP256R1())
    path.write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)

    with pytest.raises(AuditMisuse, match="not an Ed25519 private key"):
        load_key(path)
