"""Shows on real images what the leakage report must find; prints a table and writes JSON.

    python -m validation.leakage_real [--out leakage_real.json]

Needs the folder that `MEDCLF_SHARED_DATA` names. Byte-identical files are counted a second
time by `sha256sum`'s own rule, straight from the bytes. The false positive rate on chest
films is that of pairs of different patients; every such pair above the threshold is listed.
"""

import argparse
import hashlib
import json
import os
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from medclf.cohort.copies import Copies, Sameness, find_copies
from medclf.cohort.copy_groups import group_copies
from medclf.cohort.dataset import PreparedImages
from medclf.cohort.duplicates import excluded_conflicts
from medclf.cohort.ingest import IngestConfig, Source, ingest
from medclf.cohort.manifest import Manifest
from medclf.cohort.shortcut import audit_shortcuts
from medclf.cohort.split import split_cohort
from medclf.cohort.split_config import SplitConfig
from medclf.cohort.units import find_units
from medclf.dicom.instance import Kind
from medclf.durable import write_text
from medclf.errors import LabelsRefused
from medclf.pixels.transforms.preprocessing import Preprocessing

_SIDE = 224
_DATA = Path(
    os.environ.get("MEDCLF_SHARED_DATA", Path(__file__).resolve().parents[2] / "shared" / "data")
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("leakage_real.json"))
    arguments = parser.parse_args()
    if not (_DATA / "README.md").is_file():
        sys.exit(f"real data absent: no {_DATA} (name another with MEDCLF_SHARED_DATA)")
    with tempfile.TemporaryDirectory() as cache:
        found = {
            "fundus_dr": _fundus(Path(cache)),
            "xray_pneumonia": _xray(Path(cache)),
            "pathology_lung": _pathology(Path(cache)),
        }
    for name, facts in found.items():
        print(name)
        for key, value in facts.items():
            print(f"  {key:<44} {value}")
    write_text(arguments.out, json.dumps(found, indent=1) + "\n")


def _open(name: str, kind: Kind, column: str, cache: Path) -> tuple[Manifest, PreparedImages]:
    manifest = ingest(
        Source(table=_DATA / name / "labels.csv"),
        IngestConfig(kind=kind, label_column=column),
        secret=b"0" * 32,
        check=lambda instance: (),
    )
    pictures = PreparedImages.build(manifest, Preprocessing(kind=kind, size=_SIDE), cache)
    return manifest, pictures


def _timed(manifest: Manifest, pictures: PreparedImages, kind: Kind) -> tuple[Copies, float]:
    start = time.perf_counter()
    copies = find_copies(manifest, pictures, kind=kind)
    return copies, round(time.perf_counter() - start, 1)


def _shortcuts(manifest: Manifest, pictures: PreparedImages, copies: Copies) -> dict[str, str]:
    units = find_units(manifest, pairs=copies.links)
    judged = [(s, s.auc) for s in audit_shortcuts(manifest, pictures, units=units) if s.auc]
    return {
        f"AUC of {s.name}, {s.method}": f"{auc.estimate:.3f} ({auc.low:.3f} to {auc.high:.3f})"
        for s, auc in judged
    }


def _fundus(cache: Path) -> dict[str, Any]:
    manifest, pictures = _open("fundus_dr", Kind.FUNDUS, "dr_grade", cache)
    copies, seconds = _timed(manifest, pictures, Kind.FUNDUS)
    lines = (_DATA / "fundus_dr" / "labels.csv").read_text().splitlines()

    def name(line: int) -> str:
        return Path(lines[line - 1].split(",")[0]).stem.removeprefix("IDRiD_")

    groups = group_copies(manifest, copies)
    excluded = excluded_conflicts(manifest.refused)
    named = [
        [name(int(word)) for word in c.message.split("table lines ")[1].rstrip(").").split(", ")]
        for c in excluded
    ]
    by_label, looked = _open("fundus_dr", Kind.FUNDUS, "label", cache)
    return {
        "exact copies, grades contradict (left out)": [" = ".join(pair) for pair in named],
        "exact copies, grades agree": _named(groups, name, near=False),
        "near copies": _named(groups, name, near=True),
        "near copies, grades contradict": sum(g.contradict for g in groups),
        "pairs compared by pixels": copies.checked,
        "seconds to find copies": seconds,
        **_shortcuts(by_label, looked, Copies()),
    }


def _named(groups: Any, name: Any, *, near: bool) -> list[str]:
    return [
        " = ".join(name(line) for line in g.lines) + f" (grades {' / '.join(g.labels)})"
        for g in groups
        if (g.sameness is Sameness.NEAR) == near
    ]


def _xray(cache: Path) -> dict[str, Any]:
    manifest, pictures = _open("xray_pneumonia", Kind.XRAY, "label", cache)
    copies, seconds = _timed(manifest, pictures, Kind.XRAY)
    seen: defaultdict[str, int] = defaultdict(int)
    for path in sorted((_DATA / "xray_pneumonia" / "images").rglob("*.jp*g")):
        seen[hashlib.sha256(path.read_bytes()).hexdigest()] += 1
    patients = manifest.column("patient")
    strangers = [p for p in copies.near if patients[p.first] != patients[p.second]]
    return {
        "images": len(manifest),
        "byte-identical groups, by sha256": sum(count > 1 for count in seen.values()),
        "byte-identical groups, reported": sum(
            g.sameness is Sameness.BYTES for g in group_copies(manifest, copies)
        ),
        "extra files, by sha256": sum(count - 1 for count in seen.values()),
        "pairs of exact copies, reported": len(copies.pairs) - len(copies.near),
        "near copies": len(copies.near),
        "of different patients (false positives)": len(strangers),
        "pairs compared by pixels": copies.checked,
        "pairs in all": len(manifest) * (len(manifest) - 1) // 2,
        "seconds to find copies": seconds,
        **_shortcuts(manifest, pictures, copies),
    }


def _pathology(cache: Path) -> dict[str, Any]:
    manifest, pictures = _open("pathology_lung", Kind.PATHOLOGY, "label", cache)
    copies, seconds = _timed(manifest, pictures, Kind.PATHOLOGY)
    groups = manifest.column("group")
    table = manifest.table
    blank = table.set_column(
        table.schema.get_field_index("group"), table.schema.field("group"), [[""] * len(manifest)]
    )
    unknown = Manifest(blank, manifest.base, (), manifest.facts)
    warned = split_cohort(unknown, SplitConfig(seed=0, near_duplicates="warn"), copies=copies)
    together = split_cohort(unknown, SplitConfig(seed=0), copies=copies)
    return {
        "images": len(manifest),
        "near copies by turn": dict(Counter(p.turn.value for p in copies.near)),
        "pairs of copies": len(copies.pairs),
        "of these in one published group": sum(
            groups[p.first] == groups[p.second] for p in copies.pairs
        ),
        "pairs in one published group": sum(n * (n - 1) // 2 for n in Counter(groups).values()),
        "published groups that share a tile": sorted(
            {
                " = ".join(sorted((groups[p.first], groups[p.second])))
                for p in copies.pairs
                if groups[p.first] != groups[p.second]
            }
        ),
        "seconds to find copies": seconds,
        "split by image, groups known": _refusal(manifest),
        "warnings, no group column, copies let across": list(warned.warnings),
        "warnings, no group column, kept together": list(together.warnings),
        **_shortcuts(manifest, pictures, copies),
    }


def _refusal(manifest: Manifest) -> str:
    try:
        split_cohort(manifest, SplitConfig(seed=0, unit="image"))
    except LabelsRefused as error:
        return f"refused: {error.message}"
    return "accepted"


if __name__ == "__main__":
    main()
