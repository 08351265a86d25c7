import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import average_precision_score, roc_auc_score

from medclf.errors import ModelMisuse, PartRefused, TrainingDiverged
from medclf.model.fit_config import Selection
from medclf.model.part import UNKNOWN
from medclf.model.probe import macro_auc
from medclf.model.selection import judge_scores, read_grades
from medclf.model.task import Task

AREAS = [Selection.AUC, Selection.AVERAGE_PRECISION]


def blurred(classes, n=60, seed=0):
    generator = np.random.default_rng(seed)
    truth = generator.permutation(np.arange(n) % classes)
    return truth, np.eye(classes)[truth] + generator.normal(size=(n, classes))


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_the_auc_is_the_macro_one_of_the_probe(classes):
    truth, scores = blurred(classes)
    assert judge_scores(Selection.AUC, truth, scores) == pytest.approx(macro_auc(truth, scores))


def test_the_average_precision_is_the_mean_over_both_classes():
    truth, scores = blurred(2)
    margin = scores[:, 1] - scores[:, 0]
    expected = average_precision_score(truth, margin) + average_precision_score(1 - truth, -margin)
    found = judge_scores(Selection.AVERAGE_PRECISION, truth, scores)
    assert found == pytest.approx(expected / 2)


@pytest.mark.parametrize("selection", AREAS)
def test_a_constant_on_all_scores_of_a_case_changes_nothing(selection):
    truth, scores = blurred(3)
    moved = scores + np.arange(len(truth))[:, None]
    assert judge_scores(selection, truth, moved) == pytest.approx(
        judge_scores(selection, truth, scores)
    )


def test_a_rare_class_that_is_never_found_costs_as_much_as_a_common_one():
    # 98 of 100 are right: accuracy would see nothing wrong.
    truth = np.array([0] * 98 + [1] * 2)
    scores = np.tile([2.0, 0.0], (100, 1))
    assert judge_scores(Selection.AUC, truth, scores) == 0.5
    assert judge_scores(Selection.AVERAGE_PRECISION, truth, scores) == pytest.approx(0.5)


@pytest.mark.parametrize("selection", AREAS)
def test_an_absent_class_is_refused_with_advice_and_never_not_a_number(selection):
    truth, scores = blurred(3)
    kept = truth != 1
    with pytest.raises(PartRefused, match="1 of 3 classes") as caught:
        judge_scores(selection, truth[kept], scores[kept])
    assert "split.tune" in caught.value.advice


def test_findings_are_judged_each_on_the_cases_that_tell_it():
    generator = np.random.default_rng(0)
    truth = generator.integers(-1, 2, (50, 4))
    truth[:, 3] = np.where(truth[:, 3] == 1, 0, truth[:, 3])  # never told present
    scores = truth + generator.normal(size=(50, 4))
    expected = [
        roc_auc_score(truth[truth[:, k] != UNKNOWN, k], scores[truth[:, k] != UNKNOWN, k])
        for k in range(3)
    ]
    found = judge_scores(Selection.AUC, truth, scores, task=Task.FINDINGS)
    assert found == pytest.approx(np.mean(expected))


def test_the_score_of_an_untold_finding_counts_for_nothing():
    truth = np.array([[0], [1], [UNKNOWN], [1]])
    figures = {
        judge_scores(
            Selection.AUC, truth, np.array([[0.1], [0.9], [wild], [0.4]]), task=Task.FINDINGS
        )
        for wild in (-1e9, 0.0, 1e9)
    }
    assert figures == {1.0}


@pytest.mark.parametrize("selection", AREAS)
def test_findings_without_both_outcomes_are_refused(selection):
    truth = np.array([[0, UNKNOWN], [0, 1], [UNKNOWN, 1]])
    with pytest.raises(PartRefused, match="no finding"):
        judge_scores(selection, truth, np.zeros((3, 2)), task=Task.FINDINGS)


def test_kappa_computed_by_hand():
    # Grades 0 0 1 2 read as 0 1 1 2: one disagreement of one grade.
    # Observed: 1. Expected: Σ_ij n_i m_j (i-j)² / n with n = (2, 1, 1), m = (1, 2, 1):
    # (2·2·1 + 2·1·4 + 1·1·1 + 1·1·1 + 1·1·4 + 1·2·1) / 4 = 20 / 4. Kappa: 1 - 1/5.
    truth = np.array([0, 0, 1, 2])
    scores = np.log(np.eye(3)[[0, 1, 1, 2]] * 0.8 + 0.1)
    found = judge_scores(Selection.KAPPA, truth, scores, task=Task.ORDINAL)
    assert found == pytest.approx(0.8)


def test_a_grade_that_the_tune_part_lacks_does_not_hinder_kappa():
    truth, scores = np.array([0, 0, 2, 2]), np.log(np.eye(3)[[0, 0, 2, 2]] + 0.01)
    assert judge_scores(Selection.KAPPA, truth, scores, task=Task.ORDINAL) == pytest.approx(1)


def test_a_single_grade_is_refused():
    with pytest.raises(PartRefused, match="single grade"):
        judge_scores(Selection.KAPPA, np.array([1, 1]), np.zeros((2, 3)), task=Task.ORDINAL)


@pytest.mark.parametrize("task", [Task.EXCLUSIVE, Task.FINDINGS])
def test_kappa_of_what_has_no_order_is_refused(task):
    with pytest.raises(ModelMisuse, match="no order"):
        judge_scores(Selection.KAPPA, np.array([0, 1]), np.zeros((2, 2)), task=task)


@pytest.mark.parametrize("selection", Selection)
def test_scores_that_are_no_numbers_are_refused(selection):
    scores = np.array([[0.0, 1.0], [np.nan, 0.0]])
    with pytest.raises(TrainingDiverged, match="1 of 2 tune cases"):
        judge_scores(selection, np.array([0, 1]), scores, task=Task.ORDINAL)


@given(arrays(np.float64, (5, 4), elements=st.floats(-20, 20)))
def test_the_grade_that_is_read_costs_the_least_expected_distance(scores):
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    grades = np.arange(4)
    costs = shares @ np.abs(grades[:, None] - grades[None, :])  # (5, 4)
    read = costs[np.arange(5), read_grades(scores)]
    assert read == pytest.approx(costs.min(axis=1), abs=1e-9)


def test_a_shift_of_all_scores_and_wild_ones_change_no_grade():
    scores = np.array([[-2000.0, -1000.0, -3000.0], [5.0, 1.0, 0.0]])
    assert read_grades(scores).tolist() == [1, 0]
    assert read_grades(scores + 700).tolist() == [1, 0]
