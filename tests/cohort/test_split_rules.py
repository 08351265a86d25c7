from collections.abc import Callable

import pytest

from medclf.cohort.manifest import Manifest
from medclf.cohort.split import split_cohort
from medclf.cohort.split_config import SplitConfig
from medclf.errors import LabelsRefused

CONFIG = SplitConfig(seed=0)


def test_a_class_too_rare_for_a_part_is_refused_by_name(
    make_manifest: Callable[..., Manifest],
) -> None:
    rows = [{"label": "rare" if n < 5 else "common"} for n in range(60)]
    with pytest.raises(LabelsRefused, match="'rare'; at least 2 are needed") as caught:
        split_cohort(make_manifest(*rows), CONFIG)
    assert "minimum_per_class" in caught.value.advice


def test_a_cohort_of_one_label_is_refused(make_manifest: Callable[..., Manifest]) -> None:
    with pytest.raises(LabelsRefused, match="at least two labels"):
        split_cohort(make_manifest(*({"label": "a"} for _ in range(60))), CONFIG)
    with pytest.raises(LabelsRefused, match="at least two labels"):
        split_cohort(make_manifest(), CONFIG)


def test_a_half_filled_part_column_is_refused(make_manifest: Callable[..., Manifest]) -> None:
    rows = [{"label": "ab"[n % 2], "part": "train" if n else ""} for n in range(16)]
    with pytest.raises(LabelsRefused, match="not that of line 2"):
        split_cohort(make_manifest(*rows), CONFIG)
    with pytest.raises(LabelsRefused, match="not that of row 1"):
        split_cohort(make_manifest(*({**row, "line": 0} for row in rows)), CONFIG)


def test_what_the_unit_asks_for_must_be_known(make_manifest: Callable[..., Manifest]) -> None:
    some = make_manifest(*({"label": "ab"[n % 2], "patient": f"p{n}" * (n > 3)} for n in range(60)))
    with pytest.raises(LabelsRefused, match="only 56 of 60 cases name one"):
        split_cohort(some, SplitConfig(seed=0, unit="patient"))
    with pytest.raises(LabelsRefused, match="patients or groups are known"):
        split_cohort(some, SplitConfig(seed=0, unit="image"))
    none = make_manifest(*({"label": "ab"[n % 2]} for n in range(60)))
    assert split_cohort(none, SplitConfig(seed=0, unit="image"))
