import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from medclf.errors import ModelMisuse
from medclf.model.fit_config import Sampling
from medclf.model.sampling import draw_cases, drawn_counts

COUNTS = st.lists(st.integers(1, 60), min_size=2, max_size=5).map(np.array)
UNEVEN = st.sampled_from([Sampling.BALANCED, Sampling.SQUARE_ROOT])


def epoch(counts, sampling, seed=0):
    truth = np.random.default_rng(1).permutation(np.repeat(np.arange(len(counts)), counts))
    return truth, draw_cases(truth, sampling, torch.Generator().manual_seed(seed))


@given(COUNTS)
def test_a_natural_epoch_is_a_permutation(counts):
    truth, drawn = epoch(counts, Sampling.NATURAL)
    assert sorted(drawn) == list(range(len(truth)))


@given(COUNTS, st.sampled_from(Sampling))
def test_an_epoch_keeps_its_length_and_draws_what_was_promised(counts, sampling):
    truth, drawn = epoch(counts, sampling)
    assert len(drawn) == len(truth)
    promised = drawn_counts(counts, sampling)
    assert np.bincount(truth[drawn], minlength=len(counts)).tolist() == promised.tolist()
    assert (promised >= 1).all()


@given(COUNTS, UNEVEN)
def test_each_case_of_a_class_appears_as_often_as_any_other_give_or_take_one(counts, sampling):
    truth, drawn = epoch(counts, sampling)
    times = np.bincount(drawn, minlength=len(truth))
    for label in range(len(counts)):
        assert np.ptp(times[truth == label]) <= 1


@given(COUNTS)
def test_balanced_classes_are_drawn_equally_often_give_or_take_one(counts):
    assert np.ptp(drawn_counts(counts, Sampling.BALANCED)) <= 1


@given(COUNTS)
def test_square_root_shares_are_within_one_case_of_the_root(counts):
    exact = counts.sum() * np.sqrt(counts) / np.sqrt(counts).sum()
    assert np.abs(drawn_counts(counts, Sampling.SQUARE_ROOT) - exact).max() < 1


@pytest.mark.parametrize("sampling", Sampling)
def test_the_same_generator_draws_the_same_epoch_and_another_one_does_not(sampling):
    counts = np.array([80, 20])
    assert np.array_equal(epoch(counts, sampling, 3)[1], epoch(counts, sampling, 3)[1])
    assert not np.array_equal(epoch(counts, sampling, 3)[1], epoch(counts, sampling, 4)[1])


def test_over_many_epochs_every_case_of_a_common_class_is_seen():
    seen = set()
    for seed in range(20):
        truth, drawn = epoch(np.array([90, 10]), Sampling.BALANCED, seed)
        seen |= set(drawn.tolist())
    assert seen == set(range(len(truth)))


def test_pictures_of_several_findings_are_drawn_naturally_or_refused():
    truth = np.zeros((6, 3), dtype=np.int64)
    drawn = draw_cases(truth, Sampling.NATURAL, torch.Generator())
    assert sorted(drawn) == list(range(6))
    with pytest.raises(ModelMisuse, match="several findings"):
        draw_cases(truth, Sampling.BALANCED, torch.Generator())
