"""Release records: a signed statement that somebody released one package for use.

A record is one JSON file, `<64 hex digits>.json`, named by the package's digest. Its
signature is Ed25519 over the canonical JSON of all other members, so that neither the
package nor the person nor the note can be changed afterwards.
"""

import base64
import binascii
import json
import re
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from medclf.audit.event import rfc3339
from medclf.audit.signature import PublicKey, SigningKey
from medclf.digest import canonical_json
from medclf.durable import write_bytes
from medclf.errors import AuditTampered, PackageTampered, RegistryMisuse, RegistryUnavailable
from medclf.registry.package import Package

_FORMAT = "medclf-release/1"


@dataclass(frozen=True, slots=True)
class Release:
    """That a package was released.

    Attributes:
        package: digest of the package.
        actor: who released it.
        time: RFC 3339, UTC.
        note: why, in the releaser's words.
        key_id: of the key that signed.
    """

    package: str
    actor: str
    time: str
    note: str
    key_id: str


def record_release(
    folder: Path, package: Package, *, key: SigningKey, actor: str, now: datetime, note: str
) -> Release:
    """Sign and write the release record of a package, replacing an earlier one.

    Args:
        folder: of release records, made when missing.
        package: loaded, so checked.
        key: of the releaser.
        actor: who releases it.
        now: with time zone.
        note: why.

    Raises:
        RegistryMisuse: no actor is named.
        RegistryUnavailable: the record cannot be written.
    """
    if not actor.strip():
        raise RegistryMisuse("A release needs somebody who answers for it.", advice="Name them.")
    release = Release(package.digest, actor, rfc3339(now), note, key.key_id)
    signature = base64.b64encode(key.sign(_signed(release))).decode()
    content = {"format": _FORMAT, **asdict(release), "signature": signature}
    try:
        write_bytes(_path(folder, package.digest), canonical_json(content) + b"\n")
    except OSError as error:
        raise _unavailable(folder, error) from error
    return release


def find_release(folder: Path, digest: str, *, public_key: PublicKey) -> Release | None:
    """Return the release record of a package, None where there is none.

    Args:
        folder: of release records.
        digest: of the package, `sha256:` and 64 hex digits.
        public_key: of the releaser.

    Raises:
        PackageTampered: the record is changed, of another package, or signed by another key.
        RegistryMisuse: `digest` is not one.
        RegistryUnavailable: the record cannot be read.
    """
    path = _path(folder, digest)
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unavailable(folder, error) from error
    try:
        content: dict[str, Any] = json.loads(text)
        signature = base64.b64decode(content.pop("signature"), validate=True)
        if content.pop("format") != _FORMAT:
            raise ValueError("another format")
        release = Release(**content)
        signed = _signed(release)
    except (ValueError, TypeError, KeyError, AttributeError, binascii.Error) as error:
        raise _tampered(path, "is not a release record") from error
    try:
        public_key.verify(signed, signature)
    except AuditTampered as error:
        raise _tampered(path, f"is not signed by key {public_key.key_id}") from error
    if release.package != digest:
        raise _tampered(path, f"releases {release.package}, not {digest}")
    return release


def _signed(release: Release) -> bytes:
    return canonical_json({"format": _FORMAT, **asdict(release)})


def _path(folder: Path, digest: str) -> Path:
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        raise RegistryMisuse(
            f"{digest!r} is not the digest of a package.",
            advice="Give `sha256:` and 64 hex digits.",
        )
    return folder / f"{digest.removeprefix('sha256:')}.json"


def _tampered(path: Path, what: str) -> PackageTampered:
    return PackageTampered(
        f"The release record {path} {what}.",
        advice="Treat the package as not released, and find out who changed the record.",
        file=path.name,
    )


def _unavailable(folder: Path, error: OSError) -> RegistryUnavailable:
    return RegistryUnavailable(
        f"The release records in {folder} cannot be used "
        f"({error.strerror or type(error).__name__}).",
        advice="Check the disk and the permissions.",
        path=str(folder),
    )
