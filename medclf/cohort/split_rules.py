"""What a cohort and its parts must fulfil to be a split; each refusal says what is amiss."""

from itertools import product

import numpy as np

from medclf.cohort.finding_truth import finding_truth, outcome_counts
from medclf.cohort.manifest import Manifest
from medclf.cohort.places import place_of
from medclf.cohort.split_config import SplitConfig
from medclf.cohort.strata import strata_of
from medclf.errors import LabelsRefused

_COLUMNS = {"patient": "patient_id", "group": "group_id", "site": "site"}


def check_unit(manifest: Manifest, config: SplitConfig) -> None:
    """Refuse a cohort of which less is known than `config.unit` asks for.

    Raises:
        LabelsRefused: patients, groups or sites are not known of all cases, or are known
            although `unit: image` states that they are not.
    """
    known = {name: sum(map(bool, manifest.column(name))) for name in ("patient", "group")}
    if config.unit == "site":
        known["site"] = sum(map(bool, manifest.column("site")))
    if config.unit in known and known[config.unit] < len(manifest):
        raise LabelsRefused(
            f"The split is to go by {config.unit}, but only {known[config.unit]} of "
            f"{len(manifest)} cases name one.",
            advice=f"Fill in {_COLUMNS[config.unit]} in the labels table, or set `unit: auto`.",
            found=known[config.unit],
            expected=len(manifest),
        )
    if config.unit == "image" and any(known.values()):
        raise LabelsRefused(
            "The split is to go by image, but patients or groups are known; "
            "pictures of one patient would lie in several parts.",
            advice="Set `unit: auto`.",
            **known,
        )


def time_warnings(manifest: Manifest, parts: list[str], source: str) -> list[str]:
    """Say how many test pictures are older than the newest one that was learned from."""
    if source != "time":
        return []
    taken = manifest.column("taken_on")
    newest = max(month for month, part in zip(taken, parts, strict=True) if part != "test")
    older = sum(p == "test" and month <= newest for month, p in zip(taken, parts, strict=True))
    if not older:
        return []
    return [
        f"{older:,} pictures of the test part were taken no later than the newest picture that "
        "is learned from: they belong to patients who came back later."
    ]


def check_given(manifest: Manifest) -> list[str]:
    """Return the parts that the labels table fixes.

    Raises:
        LabelsRefused: it fixes those of some cases only.
    """
    parts: list[str] = manifest.column("part")
    blank = next((row for row, part in enumerate(parts) if not part), None)
    if blank is not None:
        line = manifest.case(blank).line
        raise LabelsRefused(
            "The labels table fixes the part of some cases, but not that of "
            f"{place_of([blank], [line])}.",
            advice="Fill in the column part everywhere, or remove it.",
            line=line,
        )
    return parts


def check_labels(manifest: Manifest) -> None:
    """Refuse a cohort without two labels, or with a finding that is told one way only.

    Raises:
        LabelsRefused: fewer than two labels occur, a case has none, or a finding is never
            told to be present or never to be absent.
    """
    if manifest.findings:
        _check_findings(manifest)
        return
    if len(manifest.labels) < 2 or not all(manifest.column("label")):
        raise LabelsRefused(
            f"The cohort holds {len(manifest)} cases with the labels "
            f"{', '.join(manifest.labels) or '(none)'}; at least two labels are needed.",
            advice="Add cases of another label; refused.csv says what was left out.",
            found=list(manifest.labels),
        )


def _check_findings(manifest: Manifest) -> None:
    counts = outcome_counts(finding_truth(manifest))  # (2, findings)
    lacking = [manifest.findings[k] for k in np.flatnonzero((counts == 0).any(axis=0))]
    if lacking:
        raise LabelsRefused(
            f"The cohort holds {len(manifest)} cases, and {', '.join(lacking)} is never told to be "
            "present, or never to be absent.",
            advice="Add such cases, or take the finding out of `findings` in study.yaml.",
            found=lacking,
        )


def check_minimum(
    manifest: Manifest, parts: list[str], units: np.ndarray, config: SplitConfig
) -> None:
    """Refuse parts in which a label is too rare, or a finding told one way.

    Raises:
        LabelsRefused: a part holds fewer than `config.minimum_per_class` cases of a label, or
            in which a finding is present, or is absent.
    """
    least = config.minimum_per_class
    of_part = np.array(parts)
    for part, (words, among) in product(config.fractions, strata_of(manifest).columns()):
        held = int((among & (of_part == part)).sum())
        if held < least:
            raise LabelsRefused(
                f"The part {part} holds {held} {words}; at least {least} "
                f"are needed. The cohort has {int(among.sum())}, in {len(set(units[among]))} "
                "patients, groups or single pictures that must not be parted.",
                advice="Add patients with this label, merge it with another label, or lower "
                "minimum_per_class. Where all files carry one made-up patient number, "
                "give patient_id in the labels table.",
                part=part,
                label=words,
                found=held,
                expected=least,
            )
