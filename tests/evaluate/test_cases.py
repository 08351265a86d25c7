import numpy as np
import pytest

from medclf.errors import EvaluationError
from medclf.evaluate.cases import Cases, count_reasons
from medclf.reasons import Reason


def test_nan_score_of_a_read_case_is_refused(make_cases):
    with pytest.raises(EvaluationError, match="status OK are not finite") as caught:
        make_cases([0, 1], [0.2, np.nan])
    assert caught.value.facts["cases"] == 1


def test_nan_score_of_an_abstention_is_fine(make_cases):
    cases = make_cases([0, 1, 1], [0.2, 0.7, 0.5], unanswered=[2])
    assert cases.read.tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"labels": ("normal", "normal")}, "two or more different"),
        ({"labels": ("a", "b", "c")}, "needs a label space of two"),
        ({"positive": "cancer"}, "needs a label space of two"),
        ({"clusters": ("p",)}, "clusters has the shape"),
        ({"subgroups": {"sex": ("F",)}}, "subgroup sex has the shape"),
        ({"truth": np.array([0, 2])}, "outside 0 to 1"),
        ({"probabilities": np.array([[0.5, 0.5], [1.5, -0.5]])}, r"lie in \[0, 1\]"),
        ({"probabilities": np.array([[0.5, 0.5], [0.5, 0.6]])}, "add up to"),
        ({"logits_uncalibrated": np.array([[0.0, 1.0], [np.inf, 0.0]])}, "not finite"),
        ({"logits_uncalibrated": np.zeros((2, 3))}, "logits_uncalibrated has the shape"),
        ({"thresholds": {"finding": 0.9}}, "1 decisions on finding contradict"),
        ({"thresholds": {"cancer": 0.9}}, "not in the label space"),
    ],
)
def test_broken_cases_are_refused_by_name(make_cases, fields, words):
    with pytest.raises(EvaluationError, match=words):
        make_cases([0, 1], [0.2, 0.7], **fields)


def test_taking_rows_keeps_all_columns_together(make_cases):
    cases = make_cases(
        [0, 1, 1],
        [0.2, 0.7, 0.6],
        clusters=("a", "b", ""),
        subgroups={"sex": ("F", "M", "")},
        logits_uncalibrated=np.arange(6.0).reshape(3, 2),
    )
    part = cases.take(np.array([2, 0]))
    assert isinstance(part, Cases)
    assert part.case_ids == ("case-00002", "case-00000")
    assert part.clusters == ("", "a")
    assert part.subgroups["sex"] == ("", "F")
    assert part.truth.tolist() == [1, 0]
    assert part.logits_uncalibrated.tolist() == [[4, 5], [0, 1]]


def test_reasons_are_counted_by_code():
    found = count_reasons([(Reason.BLANK,), (), (Reason.BLANK, Reason.TOO_SMALL)])
    assert found == {"blank": 2, "too_small": 1}
