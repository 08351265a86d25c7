from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from medclf.cohort.copies import Copies, Pair, Sameness
from medclf.cohort.folds import make_folds
from medclf.cohort.leakage import check
from medclf.cohort.manifest import Manifest
from medclf.cohort.split import Split
from medclf.cohort.split_config import SplitConfig
from medclf.errors import LabelsRefused

CONFIG = SplitConfig(seed=0)


def cohort(count: int = 300) -> list[dict[str, object]]:
    return [{"label": "b" if n % 3 == 0 else "a", "patient": f"p{n // 2}"} for n in range(count)]


def test_every_row_is_tested_once_and_each_fold_has_all_parts(
    make_manifest: Callable[..., Manifest],
) -> None:
    manifest = make_manifest(*cohort())
    folds = make_folds(manifest, CONFIG, count=5)
    tested = np.concatenate([fold.rows("test") for fold in folds])
    assert sorted(tested.tolist()) == list(range(300))
    for number, fold in enumerate(folds, start=1):
        assert set(fold.parts) == {"train", "tune", "calibrate", "test"}
        assert not check(manifest, fold.parts).leaks
        assert fold.facts["source"] == f"fold {number} of 5"
        assert abs(len(fold.rows("train")) - 300 * 0.8 * 0.75) <= 6
        labels = Counter(manifest.column("label")[row] for row in fold.rows("test"))
        assert abs(labels["b"] - 20) <= 3


def test_the_same_seed_gives_the_same_folds_in_any_order(
    make_manifest: Callable[..., Manifest],
) -> None:
    rows = [{**row, "path": f"{n:03d}"} for n, row in enumerate(cohort())]
    backwards = make_manifest(*({**r, "line": 2} for r in rows[::-1]))
    forwards = make_manifest(*({**r, "line": 2} for r in rows))
    parts = [[f.parts for f in make_folds(m, CONFIG, count=4)] for m in (forwards, backwards)]
    assert parts[0] == parts[1]
    other = SplitConfig(seed=1)
    assert [f.parts for f in make_folds(forwards, other, count=4)] != parts[0]


def test_near_copies_stay_in_one_part_of_every_fold(
    make_manifest: Callable[..., Manifest],
) -> None:
    manifest = make_manifest(*({"label": "ab"[n % 2]} for n in range(100)))
    copies = Copies(tuple(Pair(n, n + 50, Sameness.NEAR, 0.95) for n in range(50)))
    for fold in make_folds(manifest, CONFIG, count=3, copies=copies):
        assert all(fold.parts[n] == fold.parts[n + 50] for n in range(50))


def test_the_policy_for_near_copies_never_parts_exact_ones(
    make_manifest: Callable[..., Manifest],
) -> None:
    manifest = make_manifest(*({"label": "ab"[n % 2]} for n in range(100)))
    copies = Copies(tuple(Pair(n, n + 50, Sameness.PIXELS) for n in range(50)))
    config = SplitConfig(seed=0, near_duplicates="warn")
    for fold in make_folds(manifest, config, count=3, copies=copies):
        assert all(fold.parts[n] == fold.parts[n + 50] for n in range(50))


def test_a_fold_is_saved_like_any_split(
    tmp_path: Path, make_manifest: Callable[..., Manifest]
) -> None:
    manifest = make_manifest(*cohort())
    fold = make_folds(manifest, CONFIG, count=3)[2]
    fold.save(tmp_path)
    assert Split.load(tmp_path, manifest=manifest).digest == fold.digest


@pytest.mark.parametrize(
    ("rows", "config", "count"),
    [
        (cohort(), CONFIG, 1),
        (cohort(), CONFIG, 21),
        ([{**row, "part": "train"} for row in cohort()], CONFIG, 5),
        (cohort(), SplitConfig(seed=0, by="time"), 5),
        (cohort(12), CONFIG, 5),
    ],
    ids=["one fold", "too many", "fixed parts", "by time", "too few cases"],
)
def test_folds_that_cannot_be_are_refused(
    make_manifest: Callable[..., Manifest], rows, config, count
) -> None:
    with pytest.raises(LabelsRefused):
        make_folds(make_manifest(*rows), config, count=count)


@pytest.mark.parametrize(
    ("rows", "unit", "message"),
    [
        ([{"label": "ab"[n % 2]} for n in range(60)], "patient", "only 0 of 60 cases name one"),
        (cohort(), "image", "patients or groups are known"),
        ([{"label": "a"} for _ in range(60)], "auto", "at least two labels"),
    ],
)
def test_folds_keep_the_rules_of_a_split(
    make_manifest: Callable[..., Manifest], rows, unit: str, message: str
) -> None:
    with pytest.raises(LabelsRefused, match=message):
        make_folds(make_manifest(*rows), SplitConfig(seed=0, unit=unit), count=3)
