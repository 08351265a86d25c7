"""Ingest of the real sets: their twins, their contradicting grades, their source tiles."""

import csv
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from medclf.cohort.ingest import IngestConfig, Source, ingest
from medclf.cohort.leakage import check as check_leakage
from medclf.cohort.split import SplitConfig, split_cohort
from medclf.dicom.instance import Instance, Kind
from medclf.pixels.decode import decode
from medclf.reasons import Reason


def no_objection(instance: Instance) -> tuple[Reason, ...]:
    return ()


def decodes(instance: Instance) -> tuple[Reason, ...]:
    decode(instance)
    return ()


def subset(source: Path, target: Path, keep: Callable[[int, dict[str, str]], bool]) -> Path:
    """Write a labels table of some rows, with absolute paths."""
    with source.open(encoding="utf-8-sig", newline="") as stream:
        rows = [row for number, row in enumerate(csv.DictReader(stream)) if keep(number, row)]
    for row in rows:
        row["path"] = str(source.parent / row["path"])
    with target.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return target


@pytest.mark.shared
def test_real_chest_films_split_by_patient_with_their_twins(
    tmp_path: Path, shared_data: Path, secret: bytes
) -> None:
    source = shared_data / "xray_pneumonia" / "labels.csv"
    with source.open(encoding="utf-8-sig", newline="") as stream:
        copies = Counter(row["sha256"] for row in csv.DictReader(stream))
    table = subset(
        source,
        tmp_path / "t.csv",
        lambda number, row: number % 12 == 0 or copies[row["sha256"]] > 1,
    )
    manifest = ingest(
        Source(table=table), IngestConfig(kind=Kind.XRAY), secret=secret, check=decodes
    )
    assert manifest.refused == ()
    pictures = Counter(manifest.column("picture"))
    assert sum(count > 1 for count in pictures.values()) == 24
    split = split_cohort(manifest, SplitConfig(seed=0, unit="patient"))
    assert not check_leakage(manifest, split.parts).leaks


@pytest.mark.shared
def test_real_fundus_pictures_with_contradicting_grades_are_left_out(
    tmp_path: Path, shared_data: Path, secret: bytes
) -> None:
    numbers = ("021", "391", "028", "327", "073", "375", "079", "279", "001")
    table = subset(
        shared_data / "fundus_dr" / "labels.csv",
        tmp_path / "t.csv",
        lambda _, row: Path(row["path"]).stem.removeprefix("IDRiD_") in numbers,
    )
    config = IngestConfig(kind=Kind.FUNDUS, label_column="dr_grade", labels=tuple("01234"))
    manifest = ingest(Source(table=table), config, secret=secret, check=decodes)
    conflicts = {Path(refusal.path).stem for refusal in manifest.refused}
    assert {"IDRiD_021", "IDRiD_391", "IDRiD_028", "IDRiD_327"} <= conflicts
    assert {refusal.reason for refusal in manifest.refused} == {Reason.LABEL_CONFLICT}


@pytest.mark.shared
def test_real_lung_fields_never_part_their_source_tile(
    tmp_path: Path, shared_data: Path, secret: bytes
) -> None:
    table = subset(
        shared_data / "pathology_lung" / "labels.csv", tmp_path / "t.csv", lambda n, _: n % 4 == 0
    )
    manifest = ingest(
        Source(table=table), IngestConfig(kind=Kind.PATHOLOGY), secret=secret, check=no_objection
    )
    split = split_cohort(manifest, SplitConfig(seed=0, unit="group"))
    assert not check_leakage(manifest, split.parts).leaks
