import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from medclf.calibrate.threshold import OperatingRule, choose_operating_point
from medclf.errors import CalibrationRefused

cases = (
    st.lists(st.tuples(st.integers(0, 25), st.booleans()), min_size=2, max_size=60)
    .filter(lambda rows: 0 < sum(truth for _, truth in rows) < len(rows))
    .map(lambda rows: (np.array([p / 25 for p, _ in rows]), np.array([y for _, y in rows])))
)


def all_choices(probabilities, truth):
    """Sensitivity and specificity of every threshold in [0, 1] that differs from its neighbour."""
    levels = np.unique(probabilities)
    thresholds = [0.0, *((levels[1:] + levels[:-1]) / 2)]
    if levels[-1] < 1:
        thresholds.append((levels[-1] + 1) / 2)
    table = [probabilities >= t for t in thresholds]
    return [(float(c[truth].mean()), float((~c[~truth]).mean())) for c in table]


@given(cases)
def test_youden_is_the_best_of_all_thresholds(case):
    point = choose_operating_point(*case, "youden")
    best = max(sens + spec for sens, spec in all_choices(*case))
    assert point.sensitivity + point.specificity == pytest.approx(best)


@given(cases, st.sampled_from([0.5, 0.8, 0.9, 0.95]))
def test_minimum_is_kept_at_the_best_price(case, minimum):
    point = choose_operating_point(*case, f"sensitivity>={minimum}")
    assert point.sensitivity >= minimum - 1e-9
    assert point.specificity == pytest.approx(
        max(spec for sens, spec in all_choices(*case) if sens >= minimum - 1e-9)
    )


@given(cases, st.sampled_from([0.5, 0.9]))
def test_specificity_rule_mirrors_or_is_refused(case, minimum):
    rule = OperatingRule(kind="specificity", minimum=minimum)
    possible = [sens for sens, spec in all_choices(*case) if spec >= minimum - 1e-9]
    if not possible:
        with pytest.raises(CalibrationRefused, match="No threshold reaches"):
            choose_operating_point(*case, rule)
        return
    point = choose_operating_point(*case, rule)
    assert point.specificity >= minimum - 1e-9
    assert point.sensitivity == pytest.approx(max(possible))


@given(cases, st.sampled_from(["youden", "sensitivity>=0.9"]))
def test_threshold_lies_between_scores_and_in_the_unit_interval(case, rule):
    threshold = choose_operating_point(*case, rule).threshold
    assert 0 <= threshold <= 1
    probabilities, truth = case
    called = probabilities >= threshold
    point = choose_operating_point(*case, rule)
    assert called[truth].mean() == pytest.approx(point.sensitivity)
    assert (~called[~truth]).mean() == pytest.approx(point.specificity)


def test_threshold_is_midway_between_neighbouring_scores():
    scores = np.array([0.1, 0.3, 0.35, 0.4, 0.8, 0.9])
    truth = np.array([False, False, True, False, True, True])
    point = choose_operating_point(scores, truth, "sensitivity>=0.95", label="x", name="screen")
    assert point.threshold == pytest.approx(0.325)
    assert (point.name, point.label, point.rule, point.n) == ("screen", "x", "sensitivity>=0.95", 6)


def test_youden_takes_the_widest_of_equal_stretches():
    # 0.2 to 0.3 and 0.4 to 0.9 do equally well; the second gap is wider.
    scores = np.array([0.1, 0.2, 0.3, 0.4, 0.9, 0.95])
    truth = np.array([False, False, True, False, True, True])
    assert choose_operating_point(scores, truth, "youden").threshold == pytest.approx(0.65)


def test_neighbouring_floats_are_still_told_apart():
    low = 0.5
    high = np.nextafter(low, 1)
    scores, truth = np.array([low, high]), np.array([False, True])
    point = choose_operating_point(scores, truth, "youden")
    assert (point.sensitivity, point.specificity) == (1.0, 1.0)


def test_rule_without_a_name_names_the_point():
    point = choose_operating_point(np.array([0.1, 0.9]), np.array([False, True]), "youden")
    assert point.name == "youden"


@pytest.mark.parametrize("text", ["youden", "sensitivity>=0.95", "specificity>=0.9"])
def test_rule_reads_its_own_text(text):
    assert OperatingRule.model_validate(text).text == text


@pytest.mark.parametrize(
    "value", ["yuoden", "sensitivity>0.9", "sensitivity>=95", {"kind": "youden", "minimum": 0.5}]
)
def test_unknown_rule_is_refused(value):
    with pytest.raises(ValidationError):
        OperatingRule.model_validate(value)


@pytest.mark.parametrize(
    ("scores", "truth", "rule", "words"),
    [
        ([0.1, 0.2], [True, True], "youden", "no negative case of x"),
        ([0.1, 0.2], [False, False], "youden", "no positive case of x"),
        ([0.1, np.nan], [False, True], "youden", "NaN or outside"),
        ([0.1, 1.2], [False, True], "youden", "NaN or outside"),
        ([0.1], [False, True], "youden", "one length"),
        ([0.1, 0.2], [False, True], "best", "not an operating rule"),
        ([1.0, 1.0], [False, True], "specificity>=0.9", "No threshold reaches"),
    ],
)
def test_unusable_cases_are_refused(scores, truth, rule, words):
    with pytest.raises(CalibrationRefused, match=words):
        choose_operating_point(np.array(scores), np.array(truth), rule, label="x")
