"""Row 5 exists because from the second epoch on nothing should be read but finished pixels.

Both sides have prepared the same pictures in the same way; what is timed is one epoch in
random order, each item handed over as the float32 tensor that batching starts from.
"""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch

from medclf.cohort.case import Case
from medclf.cohort.dataset import PreparedImages
from medclf.cohort.manifest import Manifest
from medclf.dicom.instance import Kind, open_instance
from medclf.digest import digest_bytes
from medclf.pixels.decode import decode
from medclf.pixels.transforms.preprocessing import Preprocessing, geometry
from validation.benchmarks.pictures import film
from validation.benchmarks.row import AtLeast, AtMost, Gauge, Race, Row, Trials, require


def made_up_cohort(folder: Path, *, pictures: int) -> Manifest:
    """Write eight-bit PNG films and return their manifest."""
    cases = []
    for number in range(pictures):
        array = (film(640, 560, seed=number) >> 4).astype(np.uint8)
        data = cv2.imencode(".png", array)[1].tobytes()
        (folder / f"{number:04d}.png").write_bytes(data)
        digest = digest_bytes(data)
        cases.append(Case(path=f"{number:04d}.png", digest=digest, picture=digest, label=""))
    return Manifest.from_cases(cases, base=folder)


def trials(folder: Path, tiny: bool) -> Trials:
    manifest = made_up_cohort(folder, pictures=12 if tiny else 200)
    for size in (224, 512):
        yield from _at(size, manifest, folder)


def _at(size: int, manifest: Manifest, folder: Path) -> Trials:
    config = Preprocessing(kind=Kind.XRAY, size=size)
    images = PreparedImages.build(manifest, config, folder / "ours")
    cache = folder / f"peer-{size}"
    peer = _persistent(manifest, config, cache)
    order = np.random.default_rng(size).permutation(len(images)).tolist()

    def parity() -> None:
        for row in order:  # the first epoch, which fills the peer's cache
            require(torch.equal(peer(row), _item(images, row)), f"picture {row} differs")

    def ours() -> None:
        for row in order:
            _item(images, row)

    def theirs() -> None:
        for row in order:
            peer(row)

    def share() -> float:
        """Return all of our files, index and facts too, as a share of the peer's."""
        own, other = (sum(f.stat().st_size for f in d.iterdir()) for d in (images.folder, cache))
        return own / other

    yield Race(f"items at {size}", parity, ours, theirs)
    yield Gauge(f"bytes at {size}, of the peer's", parity, share)


def _item(images: PreparedImages, row: int) -> torch.Tensor:
    return torch.from_numpy(images[row][None].astype(np.float32))  # (1, size, size)


def _persistent(
    manifest: Manifest, config: Preprocessing, cache: Path
) -> Callable[[int], torch.Tensor]:
    """Return MONAI's data set over the same preparation, float32 as MONAI keeps pictures."""
    from monai.data import PersistentDataset
    from monai.transforms import Compose, EnsureTyped, Lambdad

    see = geometry(config)
    transform = Compose(
        [
            Lambdad("image", lambda path: see(decode(open_instance(Path(path))))[None]),
            EnsureTyped("image", dtype=torch.float32, track_meta=False),
        ]
    )
    paths = [{"image": str(manifest.path_of(row))} for row in range(len(manifest))]
    held = PersistentDataset(paths, transform, cache_dir=cache)
    return lambda row: held[row]["image"]


ROW = Row(
    number=5,
    title="second epoch",
    peer="MONAI PersistentDataset",
    bars={
        "items at 224": AtLeast(10),
        "items at 512": AtLeast(4),
        "bytes at 224, of the peer's": AtMost(0.55, "×"),
        "bytes at 512, of the peer's": AtMost(0.55, "×"),
    },
    trials=trials,
    needs=("monai",),
)
