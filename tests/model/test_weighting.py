import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight

from medclf.errors import PartRefused
from medclf.model.fit_config import Weighting
from medclf.model.part import UNKNOWN
from medclf.model.weighting import count_classes, count_outcomes, weigh

COUNTS = st.lists(st.integers(1, 5000), min_size=2, max_size=6).map(np.array)


@given(COUNTS)
def test_balanced_weights_give_every_class_the_same_say(counts):
    says = weigh(counts, Weighting.BALANCED) * counts
    assert np.allclose(says, says[0])


@given(COUNTS)
def test_balanced_weights_are_those_of_scikit_learn(counts):
    truth = np.repeat(np.arange(len(counts)), counts)
    theirs = compute_class_weight("balanced", classes=np.arange(len(counts)), y=truth)
    assert weigh(counts, Weighting.BALANCED) == pytest.approx(theirs)


@given(COUNTS, st.sampled_from(Weighting), st.floats(0, 0.99999))
def test_weights_have_mean_one_over_the_cases(counts, weighting, beta):
    weights = weigh(counts, weighting, beta=beta)
    assert (weights * counts).sum() / counts.sum() == pytest.approx(1)


@given(COUNTS, st.sampled_from([0.9, 0.99, 0.999, 0.9999]))
def test_effective_weights_keep_the_ratios_of_the_authors_own_code(counts, beta):
    # class_balanced_loss.py of richardaecn/class-balanced-loss, which scales to a mean of one
    # over the classes.
    number = 1.0 - np.power(beta, counts)
    theirs = (1.0 - beta) / np.array(number)
    theirs = theirs / np.sum(theirs) * len(counts)
    ours = weigh(counts, Weighting.EFFECTIVE, beta=beta)
    assert ours / ours[0] == pytest.approx(theirs / theirs[0])


def test_effective_weights_computed_by_hand():
    # β = 0.9: the effective number of 2 cases is 1.9, of 1 case 1; weights are as 1 : 1.9.
    weights = weigh(np.array([2, 1]), Weighting.EFFECTIVE, beta=0.9)
    assert weights[1] / weights[0] == pytest.approx(1.9)
    assert weights == pytest.approx([3 / 3.9, 3 * 1.9 / 3.9])


def test_effective_weights_lie_between_equal_and_balanced_ones():
    counts = np.array([900, 100])
    equal = weigh(counts, Weighting.EFFECTIVE, beta=0)
    assert equal == pytest.approx([1, 1])
    nearly = weigh(counts, Weighting.EFFECTIVE, beta=1 - 1e-9)
    assert nearly == pytest.approx(weigh(counts, Weighting.BALANCED), rel=1e-3)


def test_outcomes_are_counted_over_the_told_cases_alone():
    truth = np.array([[0, 1], [1, UNKNOWN], [0, 0], [UNKNOWN, 0]])
    assert count_outcomes(truth).tolist() == [[2, 1], [2, 1]]


def test_an_absent_class_is_refused_with_advice():
    with pytest.raises(PartRefused, match="1 of 3 classes") as caught:
        count_classes(np.array([0, 0, 2]), 3)
    assert caught.value.facts["absent"] == [1]
    assert "split.train" in caught.value.advice


def test_a_finding_told_with_one_outcome_only_is_refused():
    with pytest.raises(PartRefused, match="1 of 2 findings"):
        count_outcomes(np.array([[0, 1], [1, 1], [0, UNKNOWN]]))
