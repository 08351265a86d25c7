"""The step that makes a folder of DICOM files fit to leave the hospital, and records that it did.

What leaves (the output folder) names nobody: neither in headers nor in names of files, and
its list of refusals names files by keyed pseudonyms. What joins both worlds, the table,
is written elsewhere.
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from medclf.cohort.case import Refusal, refusals_as_csv
from medclf.dicom.deidentify.keys import Keys
from medclf.dicom.deidentify.options import EDITION, Deidentification
from medclf.dicom.deidentify.silence import silent_parser
from medclf.dicom.deidentify.whole import Deidentified, deidentify_instance
from medclf.dicom.instance import open_instance
from medclf.digest import digest_bytes, digest_json
from medclf.durable import write_bytes, write_text
from medclf.errors import InstanceRefused, StudyMisuse
from medclf.reasons import Reason
from medclf.study.home import Home
from medclf.study.progress import Progress, silent
from medclf.study.reidentification import Row, require_apart, write_table

RECORD = "deidentification.json"
FILES = "files.csv"
REFUSED = "refused.csv"

_STAGE = "deidentify"


@dataclass(frozen=True)
class Cleared:
    """What became of a folder.

    Attributes:
        folder: the output folder.
        table: the re-identification table.
        written: objects in the output folder.
        patients: pseudonyms among them.
        duplicates: files whose object was there already, byte for byte.
        refused: files that were not taken; `path` is a keyed pseudonym of the file's name.
        audit_sequence: of the record.
    """

    folder: Path
    table: Path
    written: int
    patients: int
    duplicates: int
    refused: tuple[Refusal, ...]
    audit_sequence: int


@dataclass(frozen=True, slots=True)
class _File:
    """One entry of the source; `path` is None for what is no file that can be read."""

    name: str  # relative to the source it was found in
    path: Path | None


def deidentify(
    sources: Sequence[Path],
    out: Path,
    *,
    table: Path,
    options: Deidentification,
    home: Home,
    progress: Progress = silent,
) -> Cleared:
    """De-identify DICOM image files by PS3.15 Annex E into a folder.

    Files appear whole or not at all; a run that was cut off is taken up by the next.

    Args:
        sources: files, and folders that are searched through.
        out: folder; new, empty, or left by a run with the same options and secret.
        table: the re-identification table, CSV; outside `out`. An earlier one is added to.
        options: of the profile.
        home: holds the secret; its audit trail records counts and digests.
        progress: told about each file.

    Raises:
        StudyMisuse: no such source, folders within each other, a table within `out`, or
            `out` holds other things.
        InstanceRefused: every file was refused; `refused.csv` says why.
        StorageUnavailable: secret or table cannot be read or written.
        AuditUnavailable: the step could not be recorded.
        OSError: the folder cannot be written.
    """
    _require_separate(sources, out)
    require_apart(table, out)
    keys = Keys(home.pseudonym_secret())
    _take_folder(out, _record(options, keys))
    files = [file for source in sources for file in _files(source)]
    if not files:
        raise StudyMisuse("The source holds no files.", advice="Name files or a folder.")
    written: dict[str, str] = {}
    refused: list[Refusal] = []
    rows: list[Row] = []
    for done, file in enumerate(files, start=1):
        name = keys.name(file.name)
        try:
            made = _made(file, keys, options)
            path = f"{made.identity.pseudonym}/{made.identity.new_sop_instance_uid}.dcm"
            _write_once(out, path, made.data, written)
            rows.append(Row(name, str(file.path), path, made.identity))
        except InstanceRefused as error:
            refused.append(Refusal(name, error.reason, error.message))
            rows.append(Row(name, str(file.path or file.name)))
        progress(_STAGE, done, len(files), "")
    told = write_table(table, rows)  # before the lists: what has left must be traceable
    write_bytes(out / REFUSED, refusals_as_csv(refused))
    listed = sorted(written.items())
    write_text(out / FILES, "path,sha256\n" + "".join(f"{path},{sha}\n" for path, sha in listed))
    receipt = home.record(
        "study.deidentified",
        {
            "profile": f"PS3.15 {EDITION}",
            "methods": [code for code, _ in options.methods()],
            "files": len(files),
            "written": len(written),
            "refused": dict(sorted(Counter(item.reason.value for item in refused).items())),
            "output": digest_json(listed),
            "table": told,
        },
    )
    if not written:
        raise _nothing_left(refused)
    return Cleared(
        folder=out,
        table=table,
        written=len(written),
        patients=len({path.partition("/")[0] for path in written}),
        duplicates=len(files) - len(refused) - len(written),
        refused=tuple(refused),
        audit_sequence=receipt.sequence,
    )


def _made(file: _File, keys: Keys, options: Deidentification) -> Deidentified:
    if file.path is None:
        raise InstanceRefused(Reason.FILE_MISSING, "There is no file or folder that can be read.")
    with silent_parser():
        return deidentify_instance(open_instance(file.path), keys=keys, options=options)


def _write_once(out: Path, path: str, data: bytes, written: dict[str, str]) -> None:
    sha = digest_bytes(data).removeprefix("sha256:")
    if written.get(path, sha) != sha:
        raise InstanceRefused(
            Reason.UID_INVALID, "Another file has the same SOP Instance UID and other content."
        )
    goal = out / path
    if path not in written and not (goal.is_file() and goal.read_bytes() == data):
        write_bytes(goal, data)
    written[path] = sha


def _require_separate(sources: Sequence[Path], out: Path) -> None:
    place = out.resolve()
    for number, source in enumerate(sources, start=1):
        if not _is(source, Path.exists):  # the path is not repeated: it may name a patient
            raise StudyMisuse(
                f"There is no file or folder at source {number}.", advice="Check the path."
            )
        found = source.resolve()
        if found == place or found in place.parents or place in found.parents:
            raise StudyMisuse(
                "Source and output folder lie within each other.",
                advice="Name an output folder elsewhere.",
            )


def _record(options: Deidentification, keys: Keys) -> dict[str, object]:
    return {
        "format": 1,
        "profile": f"PS3.15 {EDITION} Annex E",
        "methods": [code for code, _ in options.methods()],
        "options": options.model_dump(mode="json"),
        "secret": keys.fingerprint(),
        "software": f"medclf {version('medclf')}",
    }


def _take_folder(out: Path, record: dict[str, object]) -> None:
    """Begin a folder, or go on with one that was begun in the same way."""
    path = out / RECORD
    if out.is_dir() and any(not _is_left_over(item) for item in out.iterdir()):
        try:
            found = json.loads(path.read_text())
        except (OSError, ValueError):
            found = None
        if found != record:
            raise StudyMisuse(
                "The output folder holds other things, or was made with other options, another "
                "secret or another version.",
                advice="Name a folder that does not exist yet.",
            )
        return
    if out.exists() and not out.is_dir():
        raise StudyMisuse("The output folder is a file.", advice="Name a folder.")
    write_text(path, json.dumps(record, indent=2, sort_keys=True) + "\n")


def _is_left_over(path: Path) -> bool:
    return path.name.startswith(".") and path.name.endswith(".part")


def _is(path: Path, question: Callable[[Path], bool]) -> bool:
    """Ask the disk; a folder that may not be searched, whose error names the file, is a no."""
    try:
        return question(path)
    except OSError:
        return False


def _files(source: Path) -> Iterator[_File]:
    """Give the files of a source in a fixed order."""
    if not source.is_dir():
        yield _File(source.name, source)
        return
    unlisted: list[str] = []
    found = []
    for folder, folders, names in os.walk(
        source, onerror=lambda error: unlisted.append(str(error.filename))
    ):
        folders.sort()
        found += [Path(folder) / name for name in names]
    for path in sorted(found):
        yield _File(str(path.relative_to(source)), path if _is(path, Path.is_file) else None)
    for name in sorted(unlisted):
        yield _File(os.path.relpath(name, source), None)


def _nothing_left(refused: Sequence[Refusal]) -> InstanceRefused:
    counted = Counter(item.reason for item in refused)
    codes = ", ".join(sorted(reason.value for reason in counted))
    usual = counted.most_common(1)[0][0]
    return InstanceRefused(usual, f"Every one of the {len(refused)} files was refused ({codes}).")
