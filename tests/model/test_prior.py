import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medclf.model.fit_config import FitConfig, Loss, Sampling, Weighting
from medclf.model.loss import make_objective
from medclf.model.part import UNKNOWN
from medclf.model.prior import is_exact, prior_shift
from medclf.model.sampling import draw_cases
from medclf.model.task import Task

CPU = torch.device("cpu")
COUNTS = st.lists(st.integers(3, 60), min_size=2, max_size=4).map(np.array)
EXACT = st.builds(
    FitConfig,
    weighting=st.sampled_from(Weighting),
    effective_beta=st.sampled_from([0.9, 0.99]),
    sampling=st.sampled_from(Sampling),
    logit_adjustment=st.sampled_from([0.0, 0.5, 1.0]),
)


def best_constant(objective, truth, classes):
    """The scores that minimise the loss when every picture looks the same."""
    scores = torch.zeros(classes, requires_grad=True)
    optimiser = torch.optim.LBFGS(
        [scores],
        max_iter=300,
        tolerance_grad=1e-7,
        tolerance_change=1e-12,
        line_search_fn="strong_wolfe",
    )

    def closure():
        optimiser.zero_grad()
        loss = objective(scores.expand(len(truth), classes), torch.tensor(truth)).mean()
        loss.backward()
        return loss

    optimiser.step(closure)
    return scores.detach().double().numpy()


@settings(max_examples=40, deadline=None)
@given(COUNTS, EXACT, st.sampled_from([Task.EXCLUSIVE, Task.ORDINAL]))
def test_the_shift_gives_back_the_population_odds_under_every_method(counts, config, task):
    truth = np.repeat(np.arange(len(counts)), counts)
    drawn = truth[draw_cases(truth, config.sampling, torch.Generator().manual_seed(0))]
    objective = make_objective(config, truth, classes=len(counts), task=task, device=CPU)
    scores = best_constant(objective, drawn, len(counts))
    corrected = np.exp(scores + prior_shift(config, truth, len(counts), task=task))
    assert corrected / corrected.sum() == pytest.approx(counts / counts.sum(), abs=2e-3)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(*[st.integers(1, 30)] * 2, st.integers(0, 10)), min_size=1, max_size=4),
    st.sampled_from(Weighting),
    st.sampled_from([0.0, 1.0]),
)
def test_the_shift_gives_back_the_odds_of_each_finding(told, weighting, tau):
    n = max(sum(each) for each in told)
    columns = [[0] * no + [1] * yes + [UNKNOWN] * (n - no - yes) for no, yes, _ in told]
    truth = np.array(columns).T
    config = FitConfig(weighting=weighting, effective_beta=0.9, logit_adjustment=tau)
    k = len(told)
    objective = make_objective(config, truth, classes=k, task=Task.FINDINGS, device=CPU)
    scores = best_constant(objective, truth, k)
    corrected = scores + prior_shift(config, truth, k, task=Task.FINDINGS)
    shares = [yes / (no + yes) for no, yes, _ in told]
    assert 1 / (1 + np.exp(-corrected)) == pytest.approx(shares, abs=2e-3)


@given(COUNTS)
def test_balanced_weights_are_taken_back_by_their_logarithm(counts):
    # ADR 0004: what was added to the head's bias before samplings and adjustments were known.
    truth = np.repeat(np.arange(len(counts)), counts)
    expected = -np.log(len(truth) / (len(counts) * counts))
    assert np.array_equal(prior_shift(FitConfig(), truth, len(counts)), expected)


def test_what_moves_nothing_needs_no_shift():
    config = FitConfig(weighting=Weighting.NONE)
    assert np.array_equal(prior_shift(config, np.array([0, 0, 1]), 2), np.zeros(2))


def test_balanced_weights_balanced_sampling_and_full_adjustment_shift_alike():
    truth = np.array([0] * 90 + [1] * 10)
    none = {"weighting": Weighting.NONE}
    odds = [
        float(np.diff(prior_shift(config, truth, 2))[0])
        for config in (
            FitConfig(),
            FitConfig(sampling=Sampling.BALANCED, **none),
            FitConfig(logit_adjustment=1, **none),
        )
    ]
    assert odds == pytest.approx([np.log(1 / 9)] * 3)


def test_a_bent_loss_is_told_to_have_no_exact_shift():
    assert is_exact(FitConfig())
    assert is_exact(FitConfig(loss=Loss.FOCAL, focal_gamma=0))
    assert not is_exact(FitConfig(loss=Loss.FOCAL))
    assert not is_exact(FitConfig(smoothing=0.1))


def test_no_constant_undoes_the_focal_loss():
    # Were there one, the focal loss would move the odds of two populations by as much.
    config = FitConfig(loss=Loss.FOCAL, weighting=Weighting.NONE)
    moved = []
    for rare in (10, 40):
        truth = np.array([0] * (100 - rare) + [1] * rare)
        objective = make_objective(config, truth, classes=2, task=Task.EXCLUSIVE, device=CPU)
        odds = np.diff(best_constant(objective, truth, 2))[0]
        moved.append(odds - np.log(rare / (100 - rare)))
    assert abs(moved[0] - moved[1]) > 0.3
