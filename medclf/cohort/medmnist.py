"""MedMNIST's `.npz` files, turned once into PNG files with a labels table over them.

An image inside an archive has no path, no digest of its own and no place in a report. As a
PNG file, which loses nothing, it takes the same road as every other picture. The archive
is read image by image and never unpickled: a pickle may run code, and PathMNIST at 224 px
would take 13 GB.
The format: Yang et al. 2023, doi:10.1038/s41597-022-01721-8, and medmnist.com.
"""

import csv
import io
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import imagecodecs
import numpy as np
from numpy.lib import format as npy

from medclf.cohort.streaming import Progress
from medclf.cohort.values import HELD_OUT
from medclf.digest import digest_bytes, digest_file
from medclf.durable import new_folder
from medclf.errors import LabelsRefused

TABLE = "labels.csv"
_PARTS = {"train": "train", "val": HELD_OUT, "test": "test"}
_GREY, _COLOUR = 3, 4  # dimensions of a stack of pictures
_LEAST_HEADER, _NEWEST_HEADER = (1, 0), (2, 0)
_FAULTS = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, NotImplementedError)

# What the numbers mean, as the collection publishes it; other sets keep their numbers.
_NAMES = {
    "pneumoniamnist": ("normal", "pneumonia"),
    "breastmnist": ("malignant", "normal or benign"),
    "pathmnist": (
        *("adipose", "background", "debris", "lymphocytes", "mucus", "smooth muscle"),
        *("normal colon mucosa", "cancer-associated stroma", "colorectal adenocarcinoma"),
    ),
    "chestmnist": (
        *("atelectasis", "cardiomegaly", "effusion", "infiltration", "mass", "nodule"),
        *("pneumonia", "pneumothorax", "consolidation", "edema", "emphysema", "fibrosis"),
        *("pleural", "hernia"),
    ),
}


@dataclass(frozen=True)
class Contents:
    """What an archive holds.

    Attributes:
        counts: part as MedMNIST names it → number of pictures.
        shape: of one picture: (rows, columns) or (rows, columns, 3).
        labels: part → (n, k) int64; k is 1 for one label a picture, else a 0 or 1 for
            each finding.
        names: of the labels, or of the findings.
    """

    counts: dict[str, int]
    shape: tuple[int, ...]
    labels: dict[str, np.ndarray]
    names: tuple[str, ...]

    @property
    def findings(self) -> tuple[str, ...]:
        """The findings of a set of several a picture; empty for one label a picture."""
        return self.names if next(iter(self.labels.values())).shape[1] > 1 else ()

    def label(self, part: str, place: int) -> str:
        """Return the label of one picture."""
        return self.names[int(self.labels[part][place, 0])]


def read_contents(path: Path) -> Contents:
    """Read everything of an archive but its pictures.

    Raises:
        LabelsRefused: it is not an `.npz` file of MedMNIST, or holds volumes.
    """
    with _reading(path), zipfile.ZipFile(path) as archive:
        labels, counts, shapes = {}, {}, set()
        for part in _PARTS:
            shape, _ = _header(archive, f"{part}_images")
            labels[part] = _labels(archive, f"{part}_labels")
            if len(labels[part]) != shape[0]:
                raise ValueError(f"{shape[0]} pictures of {part} and {len(labels[part])} labels")
            counts[part] = shape[0]
            shapes.add(shape[1:])
        if len(shapes) > 1 or len({stack.shape[1] for stack in labels.values()}) > 1:
            raise ValueError("its parts differ in shape")
        return Contents(counts, shapes.pop(), labels, _names(path, labels))


def export(
    path: Path, folder: Path, *, progress: Progress = lambda done, total: None
) -> tuple[Path, tuple[str, ...]]:
    """Write the pictures of an archive as PNG files with a labels table over them.

    What stands there from an earlier export of the same bytes is used as it is.

    Args:
        path: the archive.
        folder: that the export is written below, under a name that the archive's digest
            gives.
        progress: told after each picture.

    Returns:
        The labels table, and the findings that it has a column for.

    Raises:
        LabelsRefused: the archive cannot be read as one of MedMNIST.
        OSError: the folder cannot be written; nothing is left behind.
    """
    contents = read_contents(path)
    name = digest_file(path).removeprefix("sha256:")[:16]
    if not (folder / name / TABLE).is_file():
        for left in folder.glob(f".{name}.*.part"):  # by a run that was killed
            shutil.rmtree(left, ignore_errors=True)
        with new_folder(folder / name) as new:
            text = _write_pictures(path, contents, new, progress)
            (new / TABLE).write_text(text, encoding="utf-8")
    return folder / name / TABLE, contents.findings


def _write_pictures(path: Path, contents: Contents, folder: Path, progress: Progress) -> str:
    """Write the pictures; returns the labels table over them."""
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["path", "sha256", "part", *(contents.findings or ("label",))])
    done, total = 0, sum(contents.counts.values())
    for part, count in contents.counts.items():
        (folder / part).mkdir()
        for place, picture in enumerate(_pictures(path, part, (count, *contents.shape))):
            data = bytes(imagecodecs.png_encode(picture))
            name = f"{part}/{place:06d}.png"
            (folder / name).write_bytes(data)
            digest = digest_bytes(data).removeprefix("sha256:")
            said = (
                contents.labels[part][place].tolist()
                if contents.findings
                else [contents.label(part, place)]
            )
            table.writerow([name, digest, _PARTS[part], *said])
            done += 1
            progress(done, total)
    return text.getvalue()


def _pictures(path: Path, part: str, shape: tuple[int, ...]) -> Iterator[np.ndarray]:
    """Yield picture after picture, each (rows, columns) or (rows, columns, 3) uint8."""
    size = int(np.prod(shape[1:]))
    with _reading(path), zipfile.ZipFile(path) as archive:
        _, stream = _header(archive, f"{part}_images")
        for _ in range(shape[0]):
            data = stream.read(size)
            if len(data) < size:
                raise EOFError
            yield np.frombuffer(data, np.uint8).reshape(shape[1:])


def _header(archive: zipfile.ZipFile, name: str) -> tuple[tuple[int, ...], IO[bytes]]:
    """Open a stack of pictures; returns its shape and the stream behind its header."""
    shape, dtype, stream = _open(archive, name)
    colour = len(shape) == _COLOUR and shape[-1] == 3
    if dtype != np.uint8 or not (len(shape) == _GREY or colour):
        raise ValueError(f"{name} holds {dtype} of the shape {shape}, not pictures of 8 bits")
    return shape, stream


def _labels(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    shape, dtype, stream = _open(archive, name)
    if dtype.kind not in "iu" or len(shape) > 2:
        raise ValueError(f"{name} holds {dtype} of the shape {shape}, not whole numbers")
    size = int(np.prod(shape)) * dtype.itemsize
    values = np.frombuffer(stream.read(size), dtype).astype(np.int64)
    return values.reshape(shape[0], -1)


def _open(archive: zipfile.ZipFile, name: str) -> tuple[tuple[int, ...], np.dtype[Any], IO[bytes]]:
    stream = archive.open(f"{name}.npy")
    version = npy.read_magic(stream)
    if version == _LEAST_HEADER:
        shape, in_columns, dtype = npy.read_array_header_1_0(stream)
    elif version == _NEWEST_HEADER:
        shape, in_columns, dtype = npy.read_array_header_2_0(stream)
    else:
        raise ValueError(f"{name} is of the NumPy format {version}")
    if dtype.hasobject:  # they are pickled
        raise ValueError(f"{name} holds Python objects, which are not read")
    if in_columns and len(shape) > 1:
        raise ValueError(f"{name} is stored column by column")
    return shape, dtype, stream


def _names(path: Path, labels: dict[str, np.ndarray]) -> tuple[str, ...]:
    stacks = list(labels.values())
    several = stacks[0].shape[1] > 1
    highest = max((int(stack.max()) for stack in stacks if stack.size), default=0)
    lowest = min((int(stack.min()) for stack in stacks if stack.size), default=0)
    if lowest < 0 or (several and highest > 1):
        raise ValueError(f"its labels reach from {lowest} to {highest}")
    count = stacks[0].shape[1] if several else highest + 1
    known = _NAMES.get(path.stem.split("_")[0].casefold(), ())
    if count <= len(known):
        return known[:count] if several else known
    return tuple(f"finding {n}" if several else str(n) for n in range(count))


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Tell whatever a damaged or foreign archive raises as one refusal."""
    try:
        yield
    except _FAULTS as error:
        what = str(error) if type(error) is ValueError else type(error).__name__
        raise LabelsRefused(
            f"{path} is not an archive of MedMNIST pictures ({what}).",
            advice="Name an .npz file of MedMNIST with 2D pictures, such as "
            "pneumoniamnist_224.npz; fetch it again if it is damaged.",
            path=str(path),
        ) from error
