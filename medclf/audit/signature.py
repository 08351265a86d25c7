"""Ed25519 signatures (RFC 8032), so that only the keeper of a key file can vouch for a record.

The private key is a PKCS #8 PEM file of mode 0600 that others may not read; the
public key is a PEM file that everybody may have.
"""

import hashlib
import stat
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from medclf.durable import write_bytes
from medclf.errors import AuditMisuse, AuditTampered, AuditUnavailable

SIGNATURE_BYTES = 64


@dataclass(frozen=True, slots=True)
class PublicKey:
    """What anybody needs to check a signature.

    Attributes:
        raw: the 32 bytes of the key (RFC 8032, section 5.1.5).
    """

    raw: bytes

    @property
    def key_id(self) -> str:
        """The first 16 hex digits of the SHA-256 of the key: what people call it by."""
        return hashlib.sha256(self.raw).hexdigest()[:16]

    @property
    def pem(self) -> str:
        """The key as a PEM file's text."""
        key = Ed25519PublicKey.from_public_bytes(self.raw)
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def verify(self, data: bytes, signature: bytes) -> None:
        """Return when the signature is this key's for these bytes.

        Raises:
            AuditTampered: it is not.
        """
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, data)
        except InvalidSignature as error:
            raise AuditTampered(
                f"The signature is not that of key {self.key_id} for these bytes.",
                advice="Stop using this record, and compare it with a copy kept elsewhere.",
                key_id=self.key_id,
            ) from error


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key and its public half; it never shows the private part.

    Attributes:
        public: the half that checks signatures.
    """

    public: PublicKey
    _private: Ed25519PrivateKey = field(repr=False, compare=False)

    @property
    def key_id(self) -> str:
        """The same as `public.key_id`."""
        return self.public.key_id

    def sign(self, data: bytes) -> bytes:
        """Return the 64 bytes of the signature."""
        return self._private.sign(data)


def _signing_key(private: Ed25519PrivateKey) -> SigningKey:
    raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return SigningKey(PublicKey(raw), private)


def create_key(path: Path) -> SigningKey:
    """Make a new private key file of mode 0600.

    Raises:
        AuditMisuse: there is a file already.
        AuditUnavailable: the file cannot be written.
    """
    if path.exists():
        raise AuditMisuse(f"{path} exists already.", advice="Choose another name.", path=str(path))
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        write_bytes(path, pem, mode=0o600)
    except OSError as error:
        raise _unavailable(path, "written", error) from error
    return _signing_key(private)


def load_key(path: Path) -> SigningKey:
    """Read a private key file.

    Raises:
        AuditMisuse: others may read the file, or it is no Ed25519 private key.
        AuditUnavailable: the file is missing or cannot be read.
    """
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        pem = path.read_bytes()
    except OSError as error:
        raise _unavailable(path, "read", error) from error
    if mode & 0o077:
        raise AuditMisuse(
            f"{path} has mode {mode:04o}: others may read the private key; 0600 is expected.",
            advice=f"Run `chmod 600 {path}`, and make a new key if others had access.",
            path=str(path),
            mode=f"{mode:04o}",
        )
    try:
        private = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _not_a_key(path, "private") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise _not_a_key(path, "private")
    return _signing_key(private)


def load_or_create_key(path: Path) -> SigningKey:
    """Read a private key file, or make it where there is none.

    Raises:
        AuditMisuse: others may read the file, or it is no Ed25519 private key.
        AuditUnavailable: the file cannot be read or written.
    """
    return load_key(path) if path.exists() else create_key(path)


def load_public_key(path: Path) -> PublicKey:
    """Read a public key file.

    Raises:
        AuditMisuse: it is no Ed25519 public key.
        AuditUnavailable: the file is missing or cannot be read.
    """
    try:
        pem = path.read_bytes()
    except OSError as error:
        raise _unavailable(path, "read", error) from error
    try:
        public = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _not_a_key(path, "public") from error
    if not isinstance(public, Ed25519PublicKey):
        raise _not_a_key(path, "public")
    return PublicKey(public.public_bytes(Encoding.Raw, PublicFormat.Raw))


def _not_a_key(path: Path, half: str) -> AuditMisuse:
    return AuditMisuse(
        f"{path} is not an Ed25519 {half} key in PEM form.",
        advice="Restore the file from a backup.",
        path=str(path),
    )


def _unavailable(path: Path, verb: str, error: OSError) -> AuditUnavailable:
    return AuditUnavailable(
        f"The key file {path} cannot be {verb} ({type(error).__name__}).",
        advice="Check the path and its permissions.",
        path=str(path),
    )
