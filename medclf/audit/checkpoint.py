"""A signed statement "at this time the trail had this size and this root".

The text follows C2SP tlog-checkpoint over signed-note (c2sp.org/tlog-checkpoint,
c2sp.org/signed-note), with two extension lines: the time, and the SHA-256 of the
checkpoint before, so that the newest signature vouches for every checkpoint::

    medclf-audit/0123456789abcdef            origin, and name of the key
    42                                       size
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=   root, base64
    time 2026-01-02T03:04:05.000000Z
    previous 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=

    — medclf-audit/0123456789abcdef <base64 of 4 bytes of key hash and 64 of signature>
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from medclf.audit.merkle import HASH_BYTES
from medclf.audit.signature import SIGNATURE_BYTES, PublicKey, SigningKey
from medclf.errors import AuditTampered, AuditUnavailable

NO_PREVIOUS = bytes(HASH_BYTES)

_FORM = re.compile(
    r"(?P<origin>[^\s+]{1,100})\n(?P<size>0|[1-9][0-9]{0,15})\n(?P<root>[A-Za-z0-9+/]{43}=)\n"
    r"time (?P<time>[0-9]{4}-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]\.[0-9]{6}Z)\n"
    r"previous (?P<previous>[A-Za-z0-9+/]{43}=)\n"
    r"\n— (?P<name>[^\s+]{1,100}) (?P<signature>[A-Za-z0-9+/]{91}=)\n"
)
_ED25519 = b"\x01"  # signature type of signed-note
_KEY_HASH_BYTES = 4


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed tree head.

    Attributes:
        origin: which trail, by its key: `medclf-audit/<key id>`.
        size: number of events.
        root: 32 bytes, of the hash tree over them.
        time: RFC 3339, UTC.
        previous: 32 bytes, SHA-256 of the text of the checkpoint before; zeros for the first.
        signature: 64 bytes, Ed25519 over `note`.
    """

    origin: str
    size: int
    root: bytes
    time: str
    previous: bytes
    signature: bytes = b""
    key_hash: bytes = b""

    @property
    def key_id(self) -> str:
        """The id of the key that is said to have signed."""
        return self.origin.rpartition("/")[2]

    @property
    def note(self) -> str:
        """The part that is signed."""
        return (
            f"{self.origin}\n{self.size}\n{_base64(self.root)}\n"
            f"time {self.time}\nprevious {_base64(self.previous)}\n"
        )

    @property
    def text(self) -> str:
        """The whole signed note."""
        return f"{self.note}\n— {self.origin} {_base64(self.key_hash + self.signature)}\n"

    @property
    def digest(self) -> bytes:
        """SHA-256 of the text, 32 bytes: what the next checkpoint repeats."""
        return hashlib.sha256(self.text.encode()).digest()

    def verify(self, key: PublicKey) -> None:
        """Return when the key has signed this checkpoint.

        Raises:
            AuditTampered: it has not; `facts["sequence"]` is the size.
        """
        try:
            if self.origin != origin(key) or self.key_hash != _key_hash(key):
                raise AuditTampered(f"The checkpoint names another key than {key.key_id}.")
            key.verify(self.note.encode(), self.signature)
        except AuditTampered as error:
            raise AuditTampered(
                f"The checkpoint of size {self.size} is not signed by key {key.key_id}.",
                advice="Stop, and compare with the checkpoint and the key kept elsewhere.",
                sequence=self.size,
                key_id=key.key_id,
            ) from error


def origin(key: PublicKey) -> str:
    """Return the name of the trail that a key signs."""
    return f"medclf-audit/{key.key_id}"


def sign_checkpoint(
    key: SigningKey, *, size: int, root: bytes, time: str, previous: bytes
) -> Checkpoint:
    """Sign a tree head; `time` is RFC 3339 in UTC with microseconds."""
    name, short = origin(key.public), _key_hash(key.public)
    bare = Checkpoint(name, size, root, time, previous, key_hash=short)
    return Checkpoint(name, size, root, time, previous, key.sign(bare.note.encode()), short)


def parse_checkpoint(text: str) -> Checkpoint:
    """Read a checkpoint's text; the signature is not checked here.

    Raises:
        ValueError: the text is not exactly that of a checkpoint.
    """
    match = _FORM.fullmatch(text)
    if match is None or match["name"] != match["origin"]:
        raise ValueError("not the text of a checkpoint")
    try:
        signed = base64.b64decode(match["signature"], validate=True)
        checkpoint = Checkpoint(
            origin=match["origin"],
            size=int(match["size"]),
            root=base64.b64decode(match["root"], validate=True),
            time=match["time"],
            previous=base64.b64decode(match["previous"], validate=True),
            signature=signed[_KEY_HASH_BYTES:],
            key_hash=signed[:_KEY_HASH_BYTES],
        )
    except binascii.Error as error:
        raise ValueError("not the text of a checkpoint") from error
    if len(signed) != _KEY_HASH_BYTES + SIGNATURE_BYTES or checkpoint.text != text:
        raise ValueError("not the text of a checkpoint")
    return checkpoint


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint file that was kept, for `verify(known=...)`.

    Raises:
        AuditUnavailable: the file is missing or cannot be read.
        AuditTampered: it is not a checkpoint.
    """
    try:
        return parse_checkpoint(path.read_bytes().decode())
    except OSError as error:
        raise AuditUnavailable(
            f"The checkpoint {path} cannot be read ({type(error).__name__}).",
            advice="Check the path.",
            path=str(path),
        ) from error
    except ValueError as error:
        raise AuditTampered(
            f"{path} is not a checkpoint.",
            advice="Take another copy of the checkpoint.",
            sequence=0,
            path=str(path),
        ) from error


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _key_hash(key: PublicKey) -> bytes:
    # c2sp.org/signed-note: SHA-256(name, newline, signature type, public key), four bytes.
    name = origin(key).encode()
    return hashlib.sha256(name + b"\n" + _ED25519 + key.raw).digest()[:_KEY_HASH_BYTES]
