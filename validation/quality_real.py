"""What the quality check refuses of real pictures, and which figures it measures there.

Every refusal here is a wrong one: these are pictures that people were diagnosed from. Run:
`python -m validation.quality_real` (some five minutes on two cores), with the folder of real
data in MEDCLF_SHARED_DATA. `--every 10` takes each tenth picture only.
"""

import argparse
import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from medclf.dicom.instance import Kind, open_instance
from medclf.pixels.decode import decode
from medclf.pixels.quality import Measurements, judge, measure

SETS = {
    "xray_pneumonia": Kind.XRAY,
    "xray_ood": Kind.XRAY,
    "fundus_dr": Kind.FUNDUS,
    "pathology_lung": Kind.PATHOLOGY,
}
FIGURES: dict[str, Callable[[Measurements], float]] = {
    "spread_levels": lambda found: found.spread_levels,
    "white_share": lambda found: found.white_share,
    "black_share": lambda found: found.black_share,
    "blur": lambda found: found.blur,
    "text_letters": lambda found: found.longest_text_letters,
    "tissue_share": lambda found: found.tissue_share,
    "warmth": lambda found: found.retina.warmth if found.retina else 0.0,
}


def shared_data() -> Path:
    """Return the folder of real data.

    Raises:
        SystemExit: it is not there.
    """
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("MEDCLF_SHARED_DATA", default))
    if not folder.is_dir():
        raise SystemExit(f"No folder {folder}; name the real data with MEDCLF_SHARED_DATA.")
    return folder


def pictures_of(name: str, *, every: int = 1) -> list[Path]:
    """Return the picture files of a set, sorted; each `every`-th."""
    found = (path for path in (shared_data() / name / "images").rglob("*") if path.is_file())
    return sorted(found)[::every]


def _measured(path: Path, kind: Kind) -> Measurements:
    cv2.setNumThreads(1)
    return measure(decode(open_instance(path)), kind)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1)
    every = parser.parse_args().every
    measured: dict[str, list[Measurements]] = {}
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for name, kind in SETS.items():
            files = pictures_of(name, every=every)
            measured[name] = list(pool.map(_measured, files, [kind] * len(files), chunksize=32))
    print(f"{'set':16}{'pictures':>10}{'refused':>9}{'text suspected':>16}  reasons")
    for name, found in measured.items():
        reasons = [judge(one, SETS[name]) for one in found]
        text = sum("burned_in_text" in judge(one, SETS[name], refuse_text=True) for one in found)
        counts = Counter(reason.value for held in reasons for reason in held)
        refused = sum(bool(held) for held in reasons)
        print(f"{name:16}{len(found):>10}{refused:>9}{text:>16}  {dict(counts) or '-'}")
    print(
        f"\n{'figure':16}{'set':16}{'least':>10}{'1 %':>10}{'median':>10}{'99 %':>10}{'most':>10}"
    )
    for figure, read in FIGURES.items():
        for name, found in measured.items():
            levels = np.percentile([read(one) for one in found], [0, 1, 50, 99, 100])
            print(f"{figure:16}{name:16}" + "".join(f"{level:>10.3f}" for level in levels))


if __name__ == "__main__":
    main()
