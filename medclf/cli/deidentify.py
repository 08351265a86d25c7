"""The command that makes DICOM files fit to leave the hospital."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from medclf import images
from medclf.cli.door import HomeOption, JsonOption, print_json, shown_progress


def deidentify(
    sources: Annotated[list[Path], typer.Argument(help="DICOM files, or folders of them.")],
    out: Annotated[Path, typer.Option(help="Folder for what may leave.")],
    table: Annotated[Path, typer.Option(help="Re-identification table to keep; outside --out.")],
    retain_device: Annotated[
        bool, typer.Option("--retain-device", help="Keep what names the device.")
    ] = False,
    modify_dates: Annotated[
        bool, typer.Option("--modify-dates", help="Keep dates, shifted for each patient.")
    ] = False,
    clean_descriptors: Annotated[
        bool, typer.Option("--clean-descriptors", help="Keep harmless words of descriptions.")
    ] = False,
    retain_patient: Annotated[
        bool, typer.Option("--retain-patient", help="Keep sex, age, size and weight.")
    ] = False,
    accept_pixel_text: Annotated[
        bool,
        typer.Option("--accept-pixel-text", help="Take pictures that likely show text."),
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """De-identify DICOM images by PS3.15 Annex E; words in the pixels stay."""
    with shown_progress() as progress:
        done = images.deidentify(
            sources,
            out,
            table=table,
            retain_device=retain_device,
            modify_dates=modify_dates,
            clean_descriptors=clean_descriptors,
            retain_patient=retain_patient,
            accept_pixel_text=accept_pixel_text,
            home=home,
            progress=progress,
        )
    reasons = Counter(item.reason for item in done.refused)
    if as_json:
        print_json(
            {
                "folder": str(done.folder),
                "table": str(done.table),
                "written": done.written,
                "patients": done.patients,
                "duplicates": done.duplicates,
                "refused": {reason.value: count for reason, count in sorted(reasons.items())},
                "audit_sequence": done.audit_sequence,
            }
        )
        return
    print(f"wrote {done.written:,} objects of {done.patients:,} patients to {done.folder}")
    if done.duplicates:
        print(f"left out {done.duplicates:,}: copies of others, byte for byte")
    for reason, count in sorted(reasons.items()):
        print(f"refused {count:,}: {reason.value}. {reason.advice}")
    print(f"keep apart: {done.table} joins pseudonyms and people again")
