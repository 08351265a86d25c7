"""The studies of the real figures load, and their table says whether each bar was reached."""

from pathlib import Path

import pytest

from medclf.config import load_yaml
from medclf.study.config import StudyConfig
from validation.folds_real import BARS, as_markdown, place

STUDIES = Path(__file__).resolve().parents[2] / "validation" / "studies"


def test_every_study_has_its_bar():
    assert {path.stem for path in STUDIES.glob("*.yaml")} == set(BARS)


@pytest.mark.parametrize("name", BARS)
def test_study_is_placed_where_the_data_are(name, tmp_path):
    placed = load_yaml(place(name, tmp_path), StudyConfig)
    assert placed.data.table is not None
    assert placed.data.table.is_absolute()
    assert placed.workspace == tmp_path / name
    assert Path(placed.model.weights).is_absolute()
    assert placed.data.ordered == (BARS[name].figure == "quadratic_kappa")


def _document(mean: float) -> dict:
    spread = {"mean": mean, "sd": 0.01, "low": 0.9, "high": 1.0, "n": 5}
    estimate = {"estimate": 0.98, "low": 0.97, "high": 0.99, "method": "", "n": 10}
    run = {"fold": 1, "cases": 10, "figures": {"auc": 0.97}, "best_epoch": 2, "epochs": 3}
    summary = {
        "runs": [run],
        "over_folds": {"auc": spread},
        "pooled": {"0": {"auc_within_folds": estimate}},
    }
    own = {"model": {"method": "finetune"}, "seed": 0}
    return {"configuration": own, "methods": {"finetune": summary, "probe": summary}}


@pytest.mark.parametrize(("mean", "reached"), [(0.9949, "**no**"), (0.995, "yes")])
def test_table_says_whether_the_mean_reaches_the_bar(mean, reached):
    (line,) = [
        line
        for line in as_markdown({"pathology_lung": _document(mean)}).splitlines()
        if line.startswith("| `pathology_lung`")
    ]
    assert line.endswith(f"| {reached} |")
    assert f"{mean:.4f} ± 0.0100" in line
