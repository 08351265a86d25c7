"""The demonstration's data: a folder of made-up chest films in DICOM with a labels table.

Nobody was ever X-rayed for them, and every file says so in its patient's name, its
institution and its comments.
"""

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medclf.demonstration.cast import NO_OPACITY, OPACITY, PREVALENCE, Phantom, draw_cast
from medclf.demonstration.film import draw_film
from medclf.dicom.create import Facts, Subject, create_image, dataset_bytes, uid_from
from medclf.dicom.kind import Kind
from medclf.digest import digest_bytes
from medclf.durable import new_folder
from medclf.errors import StudyMisuse

__all__ = ["NO_OPACITY", "OPACITY", "PREVALENCE", "Phantom", "draw_film", "write_phantoms"]

COLUMNS = ("path", "sha256", "label", "patient_id", "site", "device", "sex", "age")
TABLE = "labels.csv"
COMMENT = "Synthetic: a computed phantom, not a person. Made by medclf for demonstration."

_BITS = 12
_FIRST_DAY = datetime(2024, 1, 1, 9, tzinfo=UTC)  # any fixed day: the same seed, the same bytes
_DAYS_BETWEEN_VISITS = 90


def write_phantoms(
    folder: Path,
    *,
    count: int = 600,
    generator: np.random.Generator,
    progress: Callable[[int, int], None],
) -> Path:
    """Make films and write them as DX objects, a folder a patient, with a labels table beside.

    The folder appears when it is complete. The same state of `generator` gives the same bytes.

    Args:
        folder: to be made; an earlier folder of phantoms there is replaced.
        count: of films, 1 to 9999.
        generator: source of all randomness.
        progress: told (films written, films in all).

    Returns:
        The table: path (relative to it), sha256, label, patient_id, site, device, sex, age.

    Raises:
        StudyMisuse: `count` is out of range, or `folder` holds something else than phantoms.
        OSError: the folder cannot be written; nothing is left behind.
    """
    if not 1 <= count <= 9999:
        raise StudyMisuse(f"{count} phantoms were asked for; 1 to 9999 can be made.", count=count)
    _check_free(folder)
    cast = draw_cast(count, generator)
    rows = []
    with new_folder(folder) as part:
        for done, phantom in enumerate(cast, start=1):
            film = draw_film(phantom, np.random.default_rng(phantom.seed))
            data = _as_dicom(phantom, film)
            path = f"{phantom.patient_id}/film-{phantom.visit}.dcm"
            (part / path).parent.mkdir(exist_ok=True)
            (part / path).write_bytes(data)
            rows.append(_row(phantom, path=path, data=data))
            progress(done, count)
        (part / TABLE).write_text(_table(rows), encoding="utf-8", newline="")
    return folder / TABLE


def _check_free(folder: Path) -> None:
    """Refuse to replace a folder that does not hold phantoms alone."""
    if not folder.exists():
        return
    strangers = not folder.is_dir() or any(
        entry.name != TABLE and not entry.name.startswith("PHANTOM-") for entry in folder.iterdir()
    )
    if strangers:
        raise StudyMisuse(
            f"{folder} exists and holds other things than phantoms.",
            advice="Name a folder that does not exist yet.",
            path=str(folder),
        )


def _as_dicom(phantom: Phantom, film: NDArray[np.uint16]) -> bytes:
    device = phantom.device
    seed = f"medclf phantom {phantom.anatomy.seed}"
    visit = f"{seed} visit {phantom.visit} {phantom.seed}"
    taken = _FIRST_DAY + timedelta(
        days=phantom.patient % 60 + _DAYS_BETWEEN_VISITS * (phantom.visit - 1),
        minutes=phantom.seed % 480,
    )
    facts = Facts(
        kind=Kind.XRAY,
        study_uid=uid_from(f"{visit} study"),
        series_uid=uid_from(f"{visit} series"),
        sop_instance_uid=uid_from(f"{visit} instance"),
        taken_at=taken,
        manufacturer=device.maker,
        device=device.model,
        serial=device.serial,
        station=phantom.site,
        view="PA",
        photometric="MONOCHROME1" if device.inverted else "MONOCHROME2",
        bits_stored=_BITS,
        window=_stored_window(phantom),
        spacing_mm=10 * device.pixel_cm,
        accession_number=f"PH{phantom.patient:04d}{phantom.visit}",
    )
    subject = Subject(
        patient_id=phantom.patient_id,
        name=f"PHANTOM^{phantom.patient:04d}",
        sex=phantom.sex,
        age_years=float(phantom.age_years),
    )
    dataset = create_image(film, subject=subject, facts=facts)
    dataset.InstitutionName = "Made-up Hospital"
    dataset.ImageComments = COMMENT
    return dataset_bytes(dataset)


def _stored_window(phantom: Phantom) -> tuple[float, float]:
    """Return the device's window in the sense its pixels are stored."""
    centre, width = phantom.device.window
    return ((1 << _BITS) - 1 - centre if phantom.device.inverted else centre), width


def _row(phantom: Phantom, *, path: str, data: bytes) -> tuple[str, ...]:
    return (
        path,
        digest_bytes(data).removeprefix("sha256:"),
        phantom.label,
        phantom.patient_id,
        phantom.site,
        phantom.device.model,
        phantom.sex,
        str(phantom.age_years),
    )


def _table(rows: list[tuple[str, ...]]) -> str:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return stream.getvalue()
