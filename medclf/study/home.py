"""The one folder of an installation: audit trail, keys, lineage and release records.

Everything else (studies, packages, reports) may lie anywhere and be copied about;
what proves them lies here.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from medclf.audit.database import PRIVATE_KEY
from medclf.audit.event import JSON
from medclf.audit.signature import SigningKey, load_key
from medclf.audit.trail import Receipt, Trail
from medclf.durable import write_once
from medclf.errors import StorageUnavailable
from medclf.registry.lineage import Lineage
from medclf.registry.package import Package
from medclf.registry.store import Release, find_release

Clock = Callable[[], datetime]

_SECRET_BYTES = 32  # as long as the digest that it keys (RFC 2104, section 3)


@dataclass(frozen=True)
class Home:
    """Where an installation keeps what proves its work.

    Attributes:
        folder: holds `audit/`, `releases/`, `lineage/`, `pseudonym.key` and `cache/`.
        actor: who acts, as the audit trail will name them.
        clock: gives the time in UTC.
        cache: folder of the prepared pictures; `cache/` in `folder` when None.
        cache_bytes: that it may hold; 50 GB or less when None, see
            `medclf.cohort.cache.default_limit`.
    """

    folder: Path
    actor: str
    clock: Clock
    cache: Path | None = None
    cache_bytes: int | None = None

    @property
    def audit_folder(self) -> Path:
        """Where the audit trail lies."""
        return self.folder / "audit"

    @property
    def cache_folder(self) -> Path:
        """Where the prepared pictures lie, which all studies share; may be deleted."""
        return self.cache or self.folder / "cache"

    @property
    def releases_folder(self) -> Path:
        """Where the signed release records lie."""
        return self.folder / "releases"

    def open_trail(self) -> Trail:
        """Open the audit trail, making it on first use.

        Raises:
            AuditUnavailable: it cannot be opened or made.
            AuditTampered: its files contradict each other.
        """
        return Trail.open(self.audit_folder, clock=self.clock)

    def record(self, action: str, facts: Mapping[str, JSON]) -> Receipt:
        """Append one event in the actor's name; durable when this returns.

        Raises:
            AuditUnavailable: the event could not be written.
        """
        with self.open_trail() as trail:
            return trail.append(action, actor=self.actor, facts=facts)

    def signing_key(self) -> SigningKey:
        """Return the installation's key, made with its audit trail on first use.

        Raises:
            AuditUnavailable: the key cannot be read.
            AuditMisuse: others may read it.
        """
        self.open_trail().close()
        return load_key(self.audit_folder / PRIVATE_KEY)

    def lineage(self) -> Lineage:
        """Return the lineage store, an MLflow database below the home folder."""
        return Lineage.in_folder(self.folder / "lineage", clock=self.clock)

    def find_release(self, package: Package) -> Release | None:
        """Return the signed release record of a package, if it was released here.

        Raises:
            PackageTampered: the record is not the one that was signed.
        """
        key = self.signing_key().public
        return find_release(self.releases_folder, package.digest, public_key=key)

    def pseudonym_secret(self) -> bytes:
        """Return the secret that turns patient numbers into pseudonyms, made on first use.

        Raises:
            StorageUnavailable: it cannot be read or written.
        """
        path = self.folder / "pseudonym.key"
        try:
            write_once(path, lambda: secrets.token_bytes(_SECRET_BYTES), mode=0o600)
            secret = path.read_bytes()
        except OSError as error:
            raise StorageUnavailable(
                f"{path} cannot be read or written ({type(error).__name__}).",
                advice="Name a folder that you may write with --home.",
                path=str(path),
            ) from error
        if len(secret) < _SECRET_BYTES:
            raise StorageUnavailable(
                f"{path} holds {len(secret)} bytes; {_SECRET_BYTES} are expected.",
                advice="Restore it from a backup: with another key no patient is recognised.",
                path=str(path),
            )
        return secret
