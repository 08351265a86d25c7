from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medclf.cohort.case import Case
from medclf.cohort.deal import share_out, share_out_by_time
from medclf.cohort.manifest import Manifest
from medclf.cohort.split_config import SplitConfig
from medclf.cohort.units import find_units
from medclf.errors import LabelsRefused

CONFIG = SplitConfig(seed=0, by="time")


def monthly(count: int = 240) -> list[dict[str, object]]:
    """Twelve months with as many cases of either label in each; every patient came once."""
    return [
        {"label": "ab"[n % 2], "taken_on": f"2024-{n // (count // 12) + 1:02d}"}
        for n in range(count)
    ]


def test_rows_that_are_not_dealt_have_no_part(make_manifest: Callable[..., Manifest]) -> None:
    manifest = make_manifest(*monthly())
    rows = np.arange(100, 200)
    halves = {"x": 0.5, "y": 0.5}
    parts = share_out(manifest, find_units(manifest), halves, CONFIG, rows=rows)
    assert {parts[row] for row in range(100)} == {""}
    assert [parts.count(name) for name in ("x", "y")] == [50, 50]


def test_the_latest_months_are_tested_and_the_others_drawn(
    make_manifest: Callable[..., Manifest],
) -> None:
    manifest = make_manifest(*monthly())
    parts = share_out_by_time(manifest, find_units(manifest), CONFIG)
    months = manifest.column("taken_on")
    tested = {month for month, part in zip(months, parts, strict=True) if part == "test"}
    assert tested == {"2024-11", "2024-12"}  # 40 of 240 are nearer to a fifth than 60
    held = [parts.count(name) for name in ("train", "tune", "calibrate")]
    assert np.abs(np.array(held) - [150, 25, 25]).max() <= 2


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 12)), min_size=40, max_size=120))
def test_nothing_that_is_learned_from_is_later_than_the_first_tested_month(drawn) -> None:
    cases = [
        Case(
            path=f"{n:04d}",
            digest=f"{n}",
            picture=f"{n}",
            label="ab"[n % 2],
            patient=f"p{patient}",
            taken_on=f"2024-{month:02d}",
        )
        for n, (patient, month) in enumerate(drawn)
    ]
    manifest = Manifest.from_cases(cases, base=Path())
    units = find_units(manifest)
    last = [max(c.taken_on for c in cases if c.patient == case.patient) for case in cases]
    if len(set(last)) < 2:
        return
    parts = share_out_by_time(manifest, units, CONFIG)
    learned = [
        m for m, part in zip(manifest.column("taken_on"), parts, strict=True) if part != "test"
    ]
    first = min(m for m, part in zip(last, parts, strict=True) if part == "test")
    assert max(learned) < first
    for patient in set(manifest.column("patient")):
        rows = [n for n, p in enumerate(manifest.column("patient")) if p == patient]
        assert len({parts[row] == "test" for row in rows}) == 1


def test_an_unknown_month_or_a_single_one_is_refused(
    make_manifest: Callable[..., Manifest],
) -> None:
    rows = monthly()
    rows[7]["taken_on"] = ""
    some = make_manifest(*rows)
    with pytest.raises(LabelsRefused, match="only 239 of 240 cases tell the month"):
        share_out_by_time(some, find_units(some), CONFIG)
    one = make_manifest(*({**row, "taken_on": "2024-01"} for row in monthly()))
    with pytest.raises(LabelsRefused, match="all cases are of one month"):
        share_out_by_time(one, find_units(one), CONFIG)
