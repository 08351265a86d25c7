"""The step by which a person answers for a package: a signed record that it may be used."""

from pathlib import Path

from medclf.errors import StudyMisuse
from medclf.registry.package import Package
from medclf.registry.store import Release, record_release
from medclf.study.home import Home
from medclf.study.register import ensure_registered


def release(package: Path, *, home: Home, note: str = "", unvalidated: bool = False) -> Release:
    """Sign a release record for a package and give it the alias `released`.

    Args:
        package: the package's folder.
        home: whose key signs and whose audit trail records it.
        note: why, for the record.
        unvalidated: release a package that was never validated here.

    Raises:
        PackageTampered: a byte of the package differs.
        StudyMisuse: no validation of this very package is in the audit trail.
        AuditUnavailable: the release could not be recorded.
    """
    checked = Package.load(package)
    if not unvalidated and not _was_validated(checked, home):
        raise StudyMisuse(
            f"Package {checked.digest[:19]} was never validated here.",
            advice="Run `medclf validate` first, or say --unvalidated on purpose.",
            package=checked.digest,
        )
    ensure_registered(home, checked)
    home.lineage().promote(str(checked.json("model.json")["name"]), checked.digest)
    key = home.signing_key()
    home.record(
        "package.released",
        {"package": checked.digest, "note": note, "unvalidated": unvalidated},
    )
    return record_release(
        home.releases_folder,
        checked,
        key=key,
        actor=home.actor,
        now=home.clock(),
        note=note,
    )


def _was_validated(package: Package, home: Home) -> bool:
    with home.open_trail() as trail:
        return any(
            event.action == "validation.finished" and event.facts.get("package") == package.digest
            for event in trail.events()
        )
