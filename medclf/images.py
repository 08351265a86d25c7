"""The part of the Python face that makes images: made-up ones, DICOM objects, de-identified copies.

The steps of a study and the opinions stand in `medclf.api`.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from medclf.errors import MisuseError
from medclf.installation import StrPath, open_home
from medclf.study.progress import Progress, silent

if TYPE_CHECKING:
    from medclf.demonstration.story import Told
    from medclf.dicom.instance import Kind
    from medclf.study.deidentify import Cleared


def dicomize(
    table: StrPath,
    out: StrPath,
    *,
    kind: str,
    limit: int | None = None,
    progress: Progress = silent,
) -> Path:
    """Turn PNG, JPEG or TIFF images with a labels table into valid DICOM objects.

    Returns:
        The labels table of the DICOM files.

    Raises:
        MedclfError: see `medclf.study.dicomize.dicomize`.
    """
    from medclf.study.dicomize import dicomize as step

    return step(Path(table), Path(out), kind=kind_named(kind), limit=limit, progress=progress)


def deidentify(
    sources: Iterable[StrPath],
    out: StrPath,
    *,
    table: StrPath,
    retain_device: bool = False,
    modify_dates: bool = False,
    clean_descriptors: bool = False,
    retain_patient: bool = False,
    accept_pixel_text: bool = False,
    home: StrPath | None = None,
    actor: str | None = None,
    progress: Progress = silent,
) -> "Cleared":
    """De-identify DICOM image files by PS3.15 Annex E into a folder.

    Args:
        sources: files, and folders that are searched through.
        out: folder; new, empty, or left by a run with the same options.
        table: CSV that joins pseudonyms and people again; outside `out`, owner only.
        retain_device: keep what names the device.
        modify_dates: keep dates, shifted by a secret number of days for each patient.
        clean_descriptors: keep the known harmless words of descriptions.
        retain_patient: keep sex, age (above 89 as 90), size and weight.
        accept_pixel_text: take objects whose pixels are likely to show text.
        home: holds the secret and the audit trail.
        actor: who acts.
        progress: told about each file.

    Raises:
        MedclfError: see `medclf.study.deidentify.deidentify`.
    """
    from medclf.dicom.deidentify.options import Deidentification
    from medclf.study.deidentify import deidentify as step

    options = Deidentification(
        retain_device=retain_device,
        modify_dates=modify_dates,
        clean_descriptors=clean_descriptors,
        retain_patient=retain_patient,
        accept_pixel_text=accept_pixel_text,
    )
    return step(
        [Path(source) for source in sources],
        Path(out),
        table=Path(table),
        options=options,
        home=open_home(home, actor),
        progress=progress,
    )


def demo(out: StrPath = "demo-out", *, progress: Progress = silent, count: int = 600) -> "Told":
    """Walk the whole path on made-up X-rays: from DICOM to an audited second opinion.

    Raises:
        MedclfError: of the room where it failed.
    """
    from medclf.demonstration.story import tell

    place = open_home(Path(out) / "home", None)
    return tell(
        Path(out).absolute(), clock=place.clock, actor=place.actor, count=count, progress=progress
    )


def phantoms(
    out: StrPath = "phantoms", *, count: int = 300, seed: int = 0, progress: Progress = silent
) -> Path:
    """Draw made-up chest films as PNG files in class folders, to try medclf on.

    Args:
        out: folder to make; an earlier one of the same sort is replaced.
        count: of films, 1 to 9999.
        seed: the same one draws the same films.
        progress: told about each film.

    Returns:
        The labels table beside them.

    Raises:
        MedclfError: see `medclf.demonstration.pictures.write_pictures`.
    """
    import numpy as np

    from medclf.demonstration.pictures import write_pictures

    return write_pictures(
        Path(out),
        count=count,
        generator=np.random.default_rng(seed),
        progress=lambda done, total: progress("draw", done, total, "made-up X-rays"),
    )


def kind_named(kind: str) -> "Kind":
    """Return the kind of image of that name.

    Raises:
        MisuseError: there is none.
    """
    from medclf.dicom.instance import Kind

    try:
        return Kind(kind)
    except ValueError as error:
        raise MisuseError(
            f"{kind!r} is not a kind of image.",
            advice=f"Choose among {', '.join(known.value for known in Kind)}.",
        ) from error
