"""Which installation is meant: its home, who acts in it, and what looks after both.

The only file that reads the environment (`open_home` says what of it) and the clock; doors hand
both down.
"""

import getpass
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medclf.errors import MisuseError

if TYPE_CHECKING:
    from medclf.audit.checkpoint import Checkpoint
    from medclf.audit.event import Event
    from medclf.audit.verification import Verification
    from medclf.cohort.cache import InCache, Pruned
    from medclf.study.home import Home

StrPath = str | os.PathLike[str]


def open_home(home: StrPath | None = None, actor: str | None = None) -> "Home":
    """Return the folder that holds audit trail, keys and lineage.

    `MEDCLF_CACHE` and `MEDCLF_CACHE_BYTES` say where prepared pictures lie and how much they take.

    Args:
        home: the folder; `MEDCLF_HOME`, or `.medclf` in the user's home when None.
        actor: who acts; `MEDCLF_ACTOR`, or the user's login name when None.
    """
    from medclf.cohort.size import parse_bytes
    from medclf.study.home import Home

    folder = Path(home or os.environ.get("MEDCLF_HOME") or Path.home() / ".medclf")
    who = actor or os.environ.get("MEDCLF_ACTOR") or _login_name()
    cache, bound = os.environ.get("MEDCLF_CACHE"), os.environ.get("MEDCLF_CACHE_BYTES")
    return Home(
        folder=folder.absolute(),
        actor=who,
        clock=now,
        cache=Path(cache).absolute() if cache else None,
        cache_bytes=parse_bytes(bound, what="MEDCLF_CACHE_BYTES") if bound else None,
    )


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:
        raise MisuseError(
            "This account has no name, and the audit trail must say who acts.",
            advice="Set MEDCLF_ACTOR.",
        ) from error


def now() -> datetime:
    """Return the time now, in UTC."""
    return datetime.now(UTC)


def audit_verify(
    *, home: StrPath | None = None, known: "Checkpoint | None" = None
) -> "Verification":
    """Verify the whole audit trail.

    Raises:
        AuditTampered: `facts["sequence"]` is the first bad record.
        AuditUnavailable: the trail cannot be read.
    """
    from medclf.audit.verification import verify_trail

    return verify_trail(open_home(home, "audit").audit_folder, known=known)


def audit_show(
    *, home: StrPath | None = None, start: int = 1, limit: int | None = None
) -> "Iterator[Event]":
    """Give the events of the audit trail in order; they are read, not verified.

    Raises:
        AuditUnavailable: the trail cannot be read.
    """
    from medclf.audit.trail import read_events

    return read_events(open_home(home, "audit").audit_folder, start=start, limit=limit)


def audit_export(out: StrPath, *, home: StrPath | None = None) -> Path:
    """Write the audit trail as JSON lines that a third party can check with the public key.

    Raises:
        MisuseError: `out` exists.
        AuditTampered: the trail does not hold.
        AuditUnavailable: it cannot be read or written.
    """
    from medclf.audit.export import export_events

    if Path(out).exists():
        raise MisuseError(f"{out} exists already.", advice="Name a new file.")
    export_events(open_home(home, "audit").audit_folder, Path(out))
    return Path(out)


def cache_list(*, home: StrPath | None = None, verify: bool = False) -> "tuple[InCache, ...]":
    """Return what the cache of prepared pictures holds; see `medclf.cohort.cache.list_cache`."""
    from medclf.cohort.cache import list_cache

    return list_cache(open_home(home, "cache").cache_folder, verify=verify)


def cache_prune(*, home: StrPath | None = None, **rules: Any) -> "Pruned":
    """Delete prepared pictures; see `medclf.study.cache.prune` for the rules."""
    from medclf.study.cache import prune as step

    return step(open_home(home, "cache"), **rules)
