from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict

from medclf.cohort.case import Case
from medclf.cohort.exposure import statistics_of
from medclf.cohort.labels import read_labels
from medclf.cohort.manifest import Manifest
from medclf.cohort.shortcut import Level, Shortcut, audit_shortcuts, warnings_of
from medclf.cohort.units import find_units


def pictures_of(count: int, seed: int = 0) -> list[np.ndarray]:
    generator = np.random.default_rng(seed)
    return [generator.integers(0, 256, (16, 16), dtype=np.uint8) for _ in range(count)]


def named(shortcuts: tuple[Shortcut, ...], name: str) -> Shortcut:
    return next(found for found in shortcuts if found.name == name)


def test_a_site_that_tells_the_label_is_strong_and_one_that_does_not_is_none(
    make_manifest: Callable[..., Manifest],
) -> None:
    draw = np.random.default_rng(0).integers(0, 2, 300).tolist()
    manifest = make_manifest(
        *(
            {"label": "ab"[n % 2], "site": "north" if n % 2 else "south", "device": f"d{draw[n]}"}
            for n in range(300)
        )
    )
    found = audit_shortcuts(manifest, pictures_of(300), units=find_units(manifest))
    assert named(found, "site").level is Level.STRONG
    assert named(found, "site").auc.estimate > 0.99
    assert named(found, "device").level is Level.NONE
    assert named(found, "intensity").level is Level.NONE
    assert named(found, "all").level is Level.STRONG
    (warning,) = warnings_of(found)
    assert warning.startswith("Site alone predicts the label with AUC 1.000")


def test_a_size_that_tells_one_of_three_labels_is_seen(
    make_manifest: Callable[..., Manifest],
) -> None:
    manifest = make_manifest(
        *({"label": "abc"[n % 3], "rows": 100, "columns": 90 + n % 3 // 2} for n in range(240))
    )
    size = named(audit_shortcuts(manifest, pictures_of(240), units=find_units(manifest)), "size")
    assert size.auc is not None
    assert 0.7 < size.auc.low <= size.auc.estimate <= size.auc.high < 1
    assert size.as_json()["method"] == "gradient boosted trees"


def test_copies_of_one_patient_do_not_make_a_shortcut(
    make_manifest: Callable[..., Manifest],
) -> None:
    """Each patient has a device and a label of its own: nothing to learn for other patients."""
    labels = np.random.default_rng(1).integers(0, 2, 60).tolist()
    manifest = make_manifest(
        *(
            {"label": "ab"[labels[n // 5]], "patient": f"p{n // 5}", "device": f"d{n // 5}"}
            for n in range(300)
        )
    )
    device = named(
        audit_shortcuts(manifest, pictures_of(300), units=find_units(manifest)), "device"
    )
    assert device.level is Level.NONE


def test_what_cannot_be_judged_says_why(make_manifest: Callable[..., Manifest]) -> None:
    few = make_manifest(*({"label": "ab"[n > 2], "site": "xy"[n % 2]} for n in range(30)))
    site = named(audit_shortcuts(few, pictures_of(30), units=find_units(few)), "site")
    assert (site.auc, site.note) == (None, "too few patients of some label")
    one = make_manifest(*({"label": "ab"[n % 2], "site": "x"} for n in range(60)))
    site = named(audit_shortcuts(one, pictures_of(60), units=find_units(one)), "site")
    assert (site.auc, site.note) == (None, "the same or unknown for all images")
    assert site.as_json()["auc"] is None


def test_only_the_rows_asked_for_are_looked_at(make_manifest: Callable[..., Manifest]) -> None:
    manifest = make_manifest(*({"label": "ab"[n % 2]} for n in range(120)))
    pictures = pictures_of(100) + [None] * 20
    found = audit_shortcuts(manifest, pictures, units=find_units(manifest), rows=range(100))
    assert named(found, "intensity").auc.n == 100


def test_the_same_seed_gives_the_same_figures(make_manifest: Callable[..., Manifest]) -> None:
    manifest = make_manifest(*({"label": "ab"[n % 2], "site": "xy"[n % 3 > 0]} for n in range(90)))
    once, again = (
        audit_shortcuts(manifest, pictures_of(90), units=find_units(manifest)) for _ in range(2)
    )
    assert [s.as_json() for s in once] == [s.as_json() for s in again]


def test_the_intensity_of_real_chest_films_is_near_the_published_point(shared_data: Path) -> None:
    """An independent reading of the files and folds; the audit's own figure must agree."""
    table = read_labels(shared_data / "xray_pneumonia" / "labels.csv")
    films = [cv2.imread(row.path, cv2.IMREAD_GRAYSCALE) for row in table.rows]
    truth = np.array([row.label == "pneumonia" for row in table.rows])
    patients = [row.patient_id for row in table.rows]
    looks = np.array([statistics_of(film) for film in films])
    scores = cross_val_predict(
        LogisticRegression(max_iter=2000),
        looks,
        truth,
        groups=patients,
        cv=GroupKFold(5),
        method="predict_proba",
    )[:, 1]
    oracle = roc_auc_score(truth, scores)
    assert oracle == pytest.approx(0.78, abs=0.03)
    cases = [
        {"path": f"{n}", "label": row.label, "patient": row.patient_id}
        for n, row in enumerate(table.rows)
    ]
    manifest = Manifest.from_cases(_cases(cases), base=Path())
    ordered = [films[int(path)] for path in manifest.column("path")]
    found = audit_shortcuts(manifest, ordered, units=find_units(manifest))
    assert named(found, "intensity").auc.estimate == pytest.approx(oracle, abs=0.005)


def _cases(rows: list[dict[str, str]]) -> list[Case]:
    return [Case(digest=row["path"], picture=row["path"], **row) for row in rows]
