"""What a manifest knows of cases beside their truth: who they are of, and how they divide."""

from collections.abc import Mapping
from dataclasses import dataclass

from medclf.cohort.manifest import Manifest

_AGE_BANDS = ((18, "0–17"), (40, "18–39"), (65, "40–64"), (80, "65–79"))
_DIVIDING = ("sex", "site", "device", "view", "laterality", "subtype")


@dataclass(frozen=True)
class Known:
    """As `medclf.evaluate.cases.Cases` takes it."""

    case_ids: tuple[str, ...]
    clusters: tuple[str, ...]
    subgroups: Mapping[str, tuple[str, ...]]


def known_of(manifest: Manifest, rows: list[int]) -> Known:
    """Return what is known of some rows of a manifest, in this order."""
    table = manifest.table.take(rows).to_pydict()
    subgroups: dict[str, tuple[str, ...]] = {name: tuple(table[name]) for name in _DIVIDING}
    subgroups["age_band"] = tuple(_age_band(age) for age in table["age_years"])
    clusters = (p or g for p, g in zip(table["patient"], table["group"], strict=True))
    return Known(tuple(table["digest"]), tuple(clusters), subgroups)


def _age_band(age_years: float | None) -> str:
    if age_years is None:
        return ""
    return next((band for limit, band in _AGE_BANDS if age_years < limit), "80+")
