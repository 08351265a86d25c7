"""Writes an opinion as a DICOM structured report, for the PACS to keep beside the image."""

from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from medclf.dicom.create import dataset_bytes
from medclf.dicom.result import ModelIdentity, opinion_sr
from medclf.dicom.uid import uid_from
from medclf.durable import write_bytes
from medclf.errors import StorageUnavailable, StudyMisuse
from medclf.registry.package import Package
from medclf.study.read import Read


def write_sr(done: Read, package: Path, out: Path, *, now: datetime) -> None:
    """Write the opinion of one image as a Comprehensive 3D SR.

    The same audit record gives the same UIDs, so a report that is sent twice is one report.

    Raises:
        StudyMisuse: the image is not a DICOM object that was accepted.
        StorageUnavailable: the file cannot be written.
    """
    if done.instance is None or done.instance.dataset is None:
        raise StudyMisuse(
            "A structured report refers to a DICOM object, and this image is none.",
            advice="Turn the image into DICOM with `medclf dicomize` first.",
        )
    checked = Package.load(package)
    identity = ModelIdentity(
        name=str(checked.json("model.json")["name"]),
        version=version("medclf"),
        digest=checked.digest,
        manufacturer="medclf",
    )
    seed = f"{done.opinion.instance} {done.opinion.package} {done.opinion.audit_sequence}"
    count = 0

    def next_uid() -> str:
        nonlocal count
        count += 1
        return uid_from(f"{seed} {count}")

    report = opinion_sr(done.opinion, done.instance, model=identity, now=now, uid=next_uid)
    try:
        write_bytes(out, dataset_bytes(report))
    except OSError as error:
        raise StorageUnavailable(
            f"{out} cannot be written ({error.strerror or type(error).__name__}).",
            advice="Name a place with space that you may write to.",
        ) from error
