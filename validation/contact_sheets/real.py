"""Real pictures of every kind, drawn by lot; sheets of them never go into the tree."""

import random
from pathlib import Path

from medclf.dicom.instance import Kind, open_instance
from medclf.pixels.decode import decode
from medclf.pixels.picture import Picture

_FOLDERS = {Kind.XRAY: "xray_ood", Kind.FUNDUS: "fundus_dr", Kind.PATHOLOGY: "pathology_lung"}
_SUFFIXES = {".jpg", ".jpeg", ".png", ".dcm"}


def real(kind: Kind, data: Path, *, count: int, seed: int) -> list[Picture]:
    """Open `count` pictures of a kind under the folder of real data, or all where fewer."""
    folder = data / _FOLDERS[kind] / "images"
    files = sorted(path for path in folder.rglob("*") if path.suffix in _SUFFIXES)
    chosen = random.Random(seed).sample(files, min(count, len(files)))
    return [decode(open_instance(path)) for path in chosen]
