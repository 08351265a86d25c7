import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from medclf import api, installation
from medclf.config import load_yaml, save_yaml
from medclf.evaluate.auc import auc
from medclf.evaluate.compare import Difference
from medclf.evaluate.evaluation import Estimate
from medclf.evaluate.readers import Compared
from medclf.model.features import compute_outputs
from medclf.model.fit import Fitted
from medclf.model.probe import LinearHead
from medclf.pixels.transforms.preprocessing import normalise
from medclf.registry.package import Package
from medclf.study.baselines import Comparison, compare_baselines
from medclf.study.classical import Descriptions, fit_classical
from medclf.study.config import StudyConfig, load_study
from medclf.study.fitting import Learned, build_network
from medclf.study.prepare import Prepared, prepare


def silent(*_):
    pass


@pytest.fixture(scope="module")
def study(walked) -> tuple[StudyConfig, Prepared]:
    config = load_study(walked.study)
    return config, prepare(config, home=installation.open_home(walked.home, "t"), progress=silent)


def learned_of(config: StudyConfig) -> Learned:
    """A network that has learned nothing."""
    network, weights = build_network(config)
    return Learned(network, weights, None, None)


def figure(reader, estimate, ahead=None, *, metric="auc", label=""):
    of = Estimate(estimate, estimate - 0.05, estimate + 0.05, "made up", 100)
    return Compared(reader, metric, label, of, ahead)


def ahead(estimate, low, high):
    return Difference(estimate, low, high, 0.5, "made up", 100)


def test_a_package_says_what_simpler_readers_did_on_the_same_cases(walked):
    package = Package.load(walked.package)
    found = package.json("lineage.json")["baselines"]
    assert found["part"] == "calibrate"
    assert [one["reader"] for one in found["figures"]] == ["network", "trivial", "svm", "forest"]
    assert found["figures"][0]["network_ahead"] is None
    for one in found["figures"][1:]:
        assert one["n"] == found["cases"]
        apart = found["figures"][0]["estimate"] - one["estimate"]
        assert one["network_ahead"]["estimate"] == pytest.approx(apart, abs=2e-6)
    card = package.read("card.md").decode()
    assert "| intensity statistics | AUC (ROC) |" in card
    assert all(warning in card for warning in found["warnings"])


def test_the_calibrate_auc_of_the_network_is_the_one_of_the_card(walked):
    package = Package.load(walked.package)
    network = package.json("lineage.json")["baselines"]["figures"][0]
    assert f"| AUC (ROC) | {network['estimate']:.3f} |" in package.read("card.md").decode()


def test_readers_see_train_and_tune_alone(study):
    config, prepared = study
    asked: list[int] = []

    class Watched(Descriptions):
        def of(self, rows, progress):
            asked.extend(rows)
            return super().of(rows, progress)

    fit_classical(
        prepared, config, progress=silent, described=Watched(prepared.pictures, threads=1)
    )
    seen = {*prepared.parts["train"].rows.tolist(), *prepared.parts["tune"].rows.tolist()}
    assert set(asked) == seen


def test_any_part_can_be_compared_on_from_scores_alone(study):
    config, prepared = study
    truth = prepared.parts["test"].truth
    perfect = np.eye(2)[truth] * 9.0
    found = compare_baselines(
        learned_of(config), prepared, config, part="test", progress=silent, scores=perfect
    )
    assert (found.part, found.cases) == ("test", len(truth))
    assert found.figures[0].figure.estimate == 1.0
    for one in found.figures[1:]:
        assert one.ahead is not None
        assert one.ahead.estimate == pytest.approx(1 - one.figure.estimate)


def test_a_network_that_says_nothing_is_warned_of(study):
    config, prepared = study
    n = len(prepared.parts["calibrate"].rows)
    found = compare_baselines(
        learned_of(config),
        prepared,
        config,
        part="calibrate",
        progress=silent,
        scores=np.zeros((n, 2)),
    )
    assert found.figures[0].figure.estimate == 0.5
    assert any("intensity statistics" in warning for warning in found.warnings)


def test_the_same_study_gives_the_same_comparison(study):
    config, prepared = study
    n = len(prepared.parts["calibrate"].rows)
    scores = np.random.default_rng(0).normal(size=(n, 2))

    def once(threads):
        return compare_baselines(
            learned_of(config),
            prepared,
            config,
            part="calibrate",
            progress=silent,
            scores=scores,
            described=Descriptions(prepared.pictures, threads=threads),
        ).as_json()

    assert once(1) == once(3)


def test_pictures_are_described_once_over_several_folds(study):
    _, prepared = study
    told: list[tuple] = []
    described = Descriptions(prepared.pictures, threads=1)
    described.of([0, 1, 2], lambda *at: told.append(at))
    first = len(told)
    again = described.of([2, 0], lambda *at: told.append(at))
    assert len(told) == first
    assert np.array_equal(again[1], described.of([0], silent)[0])


def test_only_a_clear_lead_over_the_trivial_reader_goes_without_a_warning():
    def of(*rest):
        return Comparison("calibrate", 100, (figure("network", 0.9), *rest))

    assert not of(figure("trivial", 0.7, ahead(0.2, 0.1, 0.3))).warnings
    (close,) = of(figure("trivial", 0.88, ahead(0.02, -0.01, 0.05))).warnings
    assert "does not clearly beat intensity statistics" in close
    assert "0.900 against 0.880" in close
    assert not of(figure("svm", 0.88, ahead(0.02, -0.01, 0.05))).warnings
    (worse,) = of(figure("svm", 0.95, ahead(-0.05, -0.08, -0.02))).warnings
    assert "does worse than classical, SVM" in worse


def test_figures_of_single_labels_raise_no_warning():
    found = Comparison(
        "test",
        100,
        (figure("network", 0.9), figure("trivial", 0.9, ahead(0.0, -0.1, 0.1), label="a")),
    )
    assert not found.warnings
    assert set(found.metrics()) == {"test_network_auc"}


def test_what_is_undefined_is_null_in_json_and_no_metric():
    nothing = float("nan")
    found = Comparison(
        "test", 9, (figure("network", nothing), figure("trivial", 0.5, ahead(nothing, -1.0, 1.0)))
    )
    values = json.loads(json.dumps(found.as_json(), allow_nan=False))
    assert values["figures"][0]["estimate"] is None
    assert values["figures"][1]["network_ahead"]["estimate"] is None
    assert set(found.metrics()) == {"test_trivial_auc"}


def test_mlflow_holds_the_figures_of_every_reader(walked):
    import sqlite3

    with sqlite3.connect(walked.home / "lineage" / "mlflow.db") as store:
        names = {name for (name,) in store.execute("select key from metrics")}
    wanted = {f"calibrate_{reader}_auc" for reader in ("network", "trivial", "svm", "forest")}
    assert wanted <= names
    assert "calibrate_ahead_of_trivial_auc" in names


def test_grades_are_judged_by_kappa_as_well(study):
    config, prepared = study
    ordered = config.model_copy(
        update={
            "data": config.data.model_copy(
                update={"labels": ("none", "mild", "severe"), "positive": None, "ordered": True}
            )
        }
    )
    parts = {
        name: replace(part, truth=np.arange(len(part.rows)) % 3)
        for name, part in prepared.parts.items()
    }
    truth = parts["calibrate"].truth
    found = compare_baselines(
        learned_of(config),
        replace(prepared, parts=parts),
        ordered,
        part="calibrate",
        progress=silent,
        scores=np.eye(3)[truth] * 9.0,
    )
    kappas = [one for one in found.overall if one.metric == "quadratic_kappa"]
    assert [one.reader for one in kappas] == ["network", "trivial", "svm", "forest"]
    assert kappas[0].figure.estimate == 1.0
    assert {one.label for one in found.figures} == {"", "none", "mild", "severe"}


def test_the_probe_is_read_on_the_backbone_before_fine_tuning(study, tmp_path):
    config, prepared = study
    first = learned_of(config)
    torch.save(first.network.backbone.state_dict(), tmp_path / "first.pth")
    model = config.model.model_copy(update={"weights": str(tmp_path / "first.pth")})
    config = config.model_copy(update={"model": model})
    rows = prepared.parts["calibrate"].rows.tolist()
    features = compute_outputs(
        first.network,
        prepared.pictures.array,
        rows,
        normalise=lambda batch: normalise(batch, config.preprocessing),
    ).features
    weight = np.random.default_rng(0).normal(size=(2, features.shape[1]))
    head = LinearHead(weight, np.zeros(2), 0.1, {0.1: 0.5})
    with torch.no_grad():
        for parameter in first.network.parameters():
            parameter.zero_()  # fine-tuning has changed everything
    found = compare_baselines(
        Learned(first.network, first.weights, head, Fitted((), 0, 0)),
        prepared,
        config,
        part="calibrate",
        progress=silent,
    )
    assert [one.reader for one in found.figures][:2] == ["network", "probe"]
    scores = features @ weight.T
    truth = prepared.parts["calibrate"].truth == 1
    assert found.figures[1].figure.estimate == pytest.approx(
        auc(scores[:, 1] - scores[:, 0], truth)
    )
    assert found.figures[0].figure.estimate == 0.5


def test_switched_off_there_is_no_comparison_and_the_card_says_so(walked, tmp_path):
    again = shutil.copytree(walked.folder, tmp_path / "again")
    config = load_yaml(again / "study.yaml", StudyConfig)
    save_yaml(again / "study.yaml", config.model_copy(update={"baselines": False}))
    trained = api.train(again / "study.yaml", home=again / "home")
    assert trained.comparison is None
    assert trained.package.json("lineage.json")["baselines"] is None
    assert "No baseline was asked for" in trained.package.read("card.md").decode()
