"""The pictures of a cohort, prepared once and kept on disk, so that no epoch decodes again.

They come from the cache of prepared pictures, which knows a picture by the digest of its image
and by everything that can change a prepared pixel: the deterministic half of the preprocessing,
the pixel policy, and the software that decodes and resamples, our own code byte for byte.
Cohorts that overlap share their pictures, an image that was added costs one decoding, and a run
that was killed goes on where it stopped.
"""

import secrets
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from medclf.cohort.cache import make_room
from medclf.cohort.deciding import deciding
from medclf.cohort.manifest import Manifest
from medclf.cohort.mapped import MappedRows
from medclf.cohort.shard import CAPACITY_BYTES, RECORD
from medclf.cohort.store import PictureStore
from medclf.cohort.streaming import Progress, in_order
from medclf.dicom.instance import Kind, Limits
from medclf.digest import digest_json
from medclf.errors import CacheUnavailable, InstanceRefused, LabelsRefused, PixelsRefused
from medclf.pixels.decode import decode
from medclf.pixels.isolation import Decode
from medclf.pixels.picture import POLICY
from medclf.pixels.transforms.preprocessing import Preprocessing, geometry

FORMAT = "medclf-prepared/2"

_ROUNDS = 3  # a disk that gives other bytes back than it took is given up after as many
_LOOK_EVERY = 16  # pictures made before a look at what other processes have made meanwhile
_DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, eq=False)
class PreparedImages:
    """All pictures of a manifest at the size of the network's input.

    Serves as a map-style data set for `torch.utils.data.DataLoader` as it is; goes to another
    process by the paths of its files.

    Attributes:
        array: (n, size, size) or (n, size, size, 3) uint8, or uint16 where the preprocessing
            says 16 bits; read-only, mapped from disk;
            row for row the manifest's.
        facts: what the pictures are named by, beside the digests of their images.
        folder: of all pictures that were prepared in this way.
    """

    array: MappedRows
    facts: dict[str, Any]
    folder: Path
    _names: np.ndarray

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, row: int) -> np.ndarray:
        """Return the picture of a row, (size, size) or (size, size, 3), without a copy."""
        return self.array[row]

    def digest_of(self, row: int) -> str:
        """Return the digest of a row's image."""
        return "sha256:" + bytes(self._names[row]).ljust(32, b"\0").hex()

    @property
    def names(self) -> np.ndarray:
        """The SHA-256 of each row's image, (n,) `S32`, as the cache knows them."""
        return self._names

    @property
    def digests(self) -> tuple[str, ...]:
        """The digests of the images, one for each row."""
        return tuple(self.digest_of(row) for row in range(len(self)))

    @property
    def digest(self) -> str:
        """The digest of what decides on every pixel."""
        return digest_json({"images": digest_json(self.digests), **self.facts})

    @classmethod
    def build(
        cls,
        manifest: Manifest,
        preprocessing: Preprocessing,
        folder: Path,
        *,
        threads: int = 2,
        decoding: Decode = decode,
        limits: Limits = _DEFAULT_LIMITS,
        limit_bytes: int | None = None,
        progress: Progress = lambda done, total: None,
    ) -> "PreparedImages":
        """Take the pictures of a manifest from the cache, after making those it lacks.

        Every picture is read once and held against its checksum; one that is damaged is made
        again. Other processes may do the same at the same time.

        Args:
            manifest: whose images are prepared.
            preprocessing: how; mean and deviation are applied later and do not enter.
            folder: of the cache.
            threads: that decode and resample.
            decoding: in this process, or a pool's `decode`.
            limits: what is refused for its size.
            limit_bytes: that the cache may hold; 50 GB or less when None, see
                `medclf.cohort.cache.default_limit`.
            progress: told after each picture that had to be made.

        Raises:
            LabelsRefused: the manifest has no rows, or one of its images cannot be read.
            ManifestTampered: an image has changed since ingest.
            CacheUnavailable: the cache cannot be read or written, or its limit is too low.
        """
        if not len(manifest):
            raise LabelsRefused(
                "The manifest has no rows; there is nothing to prepare.",
                advice="See refused.csv for what was left out.",
            )
        facts = _facts(preprocessing)
        store = PictureStore(folder, facts)
        names = _names_of(manifest)
        found = store.find(names, threads=threads)
        for _ in range(_ROUNDS):
            absent = np.flatnonzero(found.absent)
            if not len(absent):
                return cls(array=found, facts=facts, folder=store.folder, _names=names)
            maker = _Maker(manifest, preprocessing, decoding, limits)
            _make(absent, names, store, maker, threads, limit_bytes, progress)
            found = found.joined(store.find(names[absent], threads=threads), absent)
        raise CacheUnavailable(
            f"{store.folder} gives other bytes back than were written to it.",
            advice="Check the disk, or name a folder on another one with MEDCLF_CACHE.",
            path=str(store.folder),
        )


def _make(
    absent: np.ndarray,
    names: np.ndarray,
    store: PictureStore,
    maker: "_Maker",
    threads: int,
    limit_bytes: int | None,
    progress: Progress,
) -> None:
    """Make the pictures of some rows, each image once, and leave out what others make meanwhile.

    Each process takes the blocks of rows in an order of its own.
    """
    _, first = np.unique(names[absent], return_index=True)
    rows = absent[np.sort(first)]
    blocks = [rows[start : start + _LOOK_EVERY] for start in range(0, len(rows), _LOOK_EVERY)]
    secrets.SystemRandom().shuffle(blocks)  # so that another process is somewhere else
    row_bytes = store.form.row_bytes + RECORD.itemsize
    make_room(store.root, len(rows) * row_bytes, limit=limit_bytes)
    done = 0

    def room_for_a_shard() -> None:
        needed = min((len(rows) - done) * row_bytes, CAPACITY_BYTES)
        make_room(store.root, needed, limit=limit_bytes)

    def still_absent() -> Iterator[int]:
        nonlocal done
        made: set[bytes] = set()
        for block in blocks:
            made |= store.added()
            for row in block.tolist():
                if bytes(names[row]).ljust(32, b"\0") in made:
                    done += 1
                else:
                    yield row

    with (
        store.writer(make_room=room_for_a_shard) as write,
        closing(in_order(maker.make, still_absent(), threads=threads)) as pictures,
    ):
        for row, picture in pictures:
            write(bytes(names[row]), picture)
            done += 1
            progress(done, len(rows))


class _Maker:
    """Makes the picture of a row, from any number of threads."""

    def __init__(
        self, manifest: Manifest, preprocessing: Preprocessing, decoding: Decode, limits: Limits
    ) -> None:
        self._manifest = manifest
        self._decode = decoding
        self._limits = limits
        self._geometry = geometry(preprocessing)

    def make(self, row: int) -> tuple[int, np.ndarray]:
        try:
            instance = self._manifest.open(row, limits=self._limits)
            return row, self._geometry(self._decode(instance, frame=0))
        except (InstanceRefused, PixelsRefused) as error:
            raise LabelsRefused(
                f"The image of row {row + 1} of the manifest cannot be prepared: {error.message}",
                advice=error.advice,
                row=row + 1,
                reason=error.reason.value,
            ) from error


def _names_of(manifest: Manifest) -> np.ndarray:
    """Return the SHA-256 of each image, (n,) `S32`."""
    digests = manifest.column("digest")
    return np.array([bytes.fromhex(d.removeprefix("sha256:")) for d in digests], "S32")


def _facts(preprocessing: Preprocessing) -> dict[str, Any]:
    grey = preprocessing.kind is Kind.XRAY or preprocessing.channels == 1
    side = preprocessing.size
    return {
        "format": FORMAT,
        "shape": [side, side] if grey else [side, side, 3],
        "dtype": f"uint{preprocessing.bits}",
        "preprocessing": preprocessing.model_dump(mode="json", exclude={"mean", "std"}),
        "policy": POLICY,
        **deciding(),
    }
