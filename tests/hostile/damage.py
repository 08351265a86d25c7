"""Real files, cut off and with flipped bytes: the part of the hostile set that is not made up."""

import random
from collections.abc import Iterator
from pathlib import Path

import pydicom.data
from hostile.building import Hostile


def damaged(shared: Path | None) -> Iterator[Path]:
    """Choose real files to damage: small, one for each transfer syntax and a few others.

    Those of pydicom are always there; JPEG-LS and others only where the shared data are.
    """
    folders = [Path(pydicom.data.get_testdata_file("CT_small.dcm", download=False)).parent]
    folders += [shared / "dicom"] if shared else []
    names = (
        "CT_small.dcm", "MR_small.dcm", "MR_small_RLE.dcm", "MR_small_bigendian.dcm",
        "MR_small_implicit.dcm", "JPEG-LL.dcm", "SC_rgb_jpeg_dcmtk.dcm", "SC_rgb_jpeg_gdcm.dcm",
        "JLSL_08_07_0_1F.dcm", "JLSL_16_15_1_1F.dcm", "HTJ2K_08_RGB.dcm", "693_J2KR.dcm",
        "image_dfl.dcm", "OBXXXX1A_rle.dcm", "SC_rgb_rle.dcm", "examples_palette.dcm",
        "JPGExtended.dcm", "examples_ybr_color.dcm", "SC_ybr_full_422_uncompressed.dcm",
        "JPEG2000.dcm",
    )  # fmt: skip
    for name in names:
        found = next((path for folder in folders for path in folder.rglob(name)), None)
        if found is not None:
            yield found


def pictures(folder: Path) -> Iterator[Path]:
    """Choose a real JPEG photograph, which is no DICOM."""
    yield from sorted((folder / "xray_pneumonia").rglob("*.jp*g"))[:1]
    yield from sorted((folder / "fundus_dr").rglob("*.jp*g"))[:1]


def truncations(paths: list[Path], *, step: int = 4096) -> Iterator[Hostile]:
    """Cut real files at every 4 KB."""
    for path in paths:
        data = path.read_bytes()
        for end in range(step, len(data), step):
            yield Hostile("truncation", f"{path.name} at {end}", data[:end])


def flips(paths: list[Path], *, count: int, seed: int = 0) -> Iterator[Hostile]:
    """Flip bytes of real files, mostly in the header, where they hurt."""
    source = random.Random(seed)
    contents = [(path.name, path.read_bytes()) for path in paths]
    for number in range(count):
        name, whole = contents[number % len(contents)]
        data = bytearray(whole)
        for _ in range(source.choice((1, 1, 2, 8, 40))):
            end = len(data) if source.random() < 0.5 else min(2048, len(data))
            data[source.randrange(end)] = source.choice((0, 255, source.randrange(256)))
        yield Hostile("byte flips", f"{name} #{number}", bytes(data))
