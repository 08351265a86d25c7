"""The pictures of a cohort, prepared once and kept on disk, so that no epoch decodes again.

A cache is named by what is in it: the images' digests, the deterministic half of the
preprocessing, and the software that decodes and resamples. It is one memory-mapped
array that fills in row order. Each finished row is marked with its checksum, so that a
killed run goes on where it stopped and a torn or damaged row is made again.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from medclf.cohort.manifest import Manifest
from medclf.cohort.rowfile import RowFile
from medclf.cohort.streaming import Progress, in_order
from medclf.dicom.frame import first_frame
from medclf.dicom.instance import Kind, Limits
from medclf.digest import digest_json
from medclf.durable import write_text
from medclf.errors import InstanceRefused, LabelsRefused, PixelsRefused
from medclf.pixels.decode import decode
from medclf.pixels.picture import POLICY
from medclf.pixels.transforms.preprocessing import Preprocessing, geometry

# Those whose release could change a prepared pixel.
_SOFTWARE = ("imagecodecs", "medclf", "numpy", "opencv-python-headless", "pydicom", "simplejpeg")
_NAME_LENGTH = 32  # hex digits of the folder's name: 128 bits
_DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, eq=False)
class PreparedImages:
    """All pictures of a manifest at the size of the network's input.

    Serves as a map-style data set for `torch.utils.data.DataLoader` as it is.

    Attributes:
        array: (n, size, size) or (n, size, size, 3) uint8, read-only, mapped from disk;
            row for row the manifest's.
        digests: of the images, one for each row.
        facts: what the cache is named by.
        path: of the array.
    """

    array: np.ndarray
    digests: tuple[str, ...]
    facts: dict[str, Any]
    path: Path

    def __len__(self) -> int:
        return len(self.digests)

    def __getitem__(self, row: int) -> np.ndarray:
        """Return the picture of a row, (size, size) or (size, size, 3) uint8."""
        picture: np.ndarray = self.array[row]
        return picture

    @property
    def digest(self) -> str:
        """The digest of what the cache is named by."""
        return digest_json(self.facts)

    @classmethod
    def build(
        cls,
        manifest: Manifest,
        preprocessing: Preprocessing,
        folder: Path,
        *,
        threads: int = 2,
        limits: Limits = _DEFAULT_LIMITS,
        progress: Progress = lambda done, total: None,
    ) -> "PreparedImages":
        """Open the cache of a manifest, after making whatever is missing of it.

        Another process that builds the same cache is waited for.

        Args:
            manifest: whose images are prepared.
            preprocessing: how; mean and deviation are applied later and do not enter.
            folder: of all caches.
            threads: that decode and resample.
            limits: what is refused for its size.
            progress: told after each picture that had to be made.

        Raises:
            LabelsRefused: the manifest has no rows, or one of its images cannot be read.
            ManifestTampered: an image has changed since ingest.
            OSError: the cache cannot be written, for example for lack of space.
        """
        if not len(manifest):
            raise LabelsRefused(
                "The manifest has no rows; there is nothing to prepare.",
                advice="See refused.csv for what was left out.",
            )
        facts = _facts(manifest, preprocessing)
        place = folder / digest_json(facts).removeprefix("sha256:")[:_NAME_LENGTH]
        place.mkdir(parents=True, exist_ok=True)
        path = place / "images.npy"
        with _locked(place / "lock"), RowFile.open(path, shape=_shape(manifest, facts)) as rows:
            missing = rows.missing()
            maker = _Maker(manifest, preprocessing, limits)
            with closing(in_order(maker.make, missing, threads=threads)) as made:
                for done, (row, picture) in enumerate(zip(missing, made, strict=True), start=1):
                    rows.write(row, picture)
                    progress(done, len(missing))
            rows.flush()
            if missing or not (place / "cache.json").is_file():
                write_text(place / "cache.json", json.dumps(facts, indent=1, sort_keys=True))
        return cls(
            array=np.load(path, mmap_mode="r"),
            digests=tuple(manifest.column("digest")),
            facts=facts,
            path=path,
        )


class _Maker:
    """Makes the picture of a row, from any number of threads."""

    def __init__(self, manifest: Manifest, preprocessing: Preprocessing, limits: Limits) -> None:
        self._manifest = manifest
        self._limits = limits
        self._geometry = geometry(preprocessing)

    def make(self, row: int) -> np.ndarray:
        try:
            instance = self._manifest.open(row, limits=self._limits)
            return self._geometry(decode(first_frame(instance)))
        except (InstanceRefused, PixelsRefused) as error:
            raise LabelsRefused(
                f"The image of row {row + 1} of the manifest cannot be prepared: {error.message}",
                advice=error.advice,
                row=row + 1,
                reason=error.reason.value,
            ) from error


def _facts(manifest: Manifest, preprocessing: Preprocessing) -> dict[str, Any]:
    grey = preprocessing.kind is Kind.XRAY or preprocessing.channels == 1
    side = preprocessing.size
    return {
        "format": "medclf-prepared/1",
        "images": digest_json(manifest.column("digest")),
        "shape": [side, side] if grey else [side, side, 3],
        "preprocessing": preprocessing.model_dump(mode="json", exclude={"mean", "std"}),
        "policy": POLICY,
        "software": {name: version(name) for name in _SOFTWARE},
    }


def _shape(manifest: Manifest, facts: dict[str, Any]) -> tuple[int, ...]:
    return (len(manifest), *facts["shape"])


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock that the kernel releases when the process ends, however it ends."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
