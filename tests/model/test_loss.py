import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.losses import FocalLoss
from torch.nn import functional
from torchvision.ops import sigmoid_focal_loss

from medclf.errors import PartRefused
from medclf.model.fit_config import FitConfig, Loss, Weighting
from medclf.model.loss import make_objective
from medclf.model.part import UNKNOWN
from medclf.model.task import Task
from medclf.model.weighting import weigh

CPU = torch.device("cpu")
TRUTH = np.array([0] * 7 + [1] * 2 + [2] * 1)
FINDINGS = np.array([[0, 1], [1, UNKNOWN], [0, 0], [UNKNOWN, 0]])
PLAIN = FitConfig(weighting=Weighting.NONE)


def scores(columns=3, rows=10, scale=3.0):
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(5)) * scale


def of_classes(config, truth=TRUTH, classes=3):
    return make_objective(config, truth, classes=classes, task=Task.EXCLUSIVE, device=CPU)


def of_findings(config, truth=FINDINGS):
    return make_objective(config, truth, classes=truth.shape[1], task=Task.FINDINGS, device=CPU)


@pytest.mark.parametrize("weighting", Weighting)
def test_weighted_cross_entropy_is_that_of_torch(weighting):
    config = FitConfig(weighting=weighting, effective_beta=0.9)
    weights = torch.tensor(weigh(np.array([7, 2, 1]), weighting, beta=0.9)).float()
    truth = torch.tensor(TRUTH)
    theirs = functional.cross_entropy(scores(), truth, weight=weights, reduction="none")
    assert torch.allclose(of_classes(config)(scores(), truth), theirs, atol=1e-6)


def test_smoothed_cross_entropy_is_that_of_torch_times_the_weight_of_the_case():
    config = FitConfig(smoothing=0.1)
    truth = torch.tensor(TRUTH)
    weights = torch.tensor(weigh(np.array([7, 2, 1]), Weighting.BALANCED)).float()
    theirs = functional.cross_entropy(scores(), truth, label_smoothing=0.1, reduction="none")
    assert torch.allclose(of_classes(config)(scores(), truth), theirs * weights[truth], atol=1e-5)


def test_focal_loss_of_classes_is_that_of_monai():
    config = FitConfig(loss=Loss.FOCAL, focal_gamma=2, weighting=Weighting.NONE)
    theirs = FocalLoss(
        use_softmax=True, to_onehot_y=True, gamma=2, reduction="none", include_background=True
    )(scores(), torch.tensor(TRUTH)[:, None]).sum(dim=1)
    assert torch.allclose(of_classes(config)(scores(), torch.tensor(TRUTH)), theirs, atol=1e-5)


def test_focal_loss_computed_by_hand():
    # p of the truth is 0.9: (1 - 0.9)² · -ln 0.9 = 0.01 · 0.105361
    config = FitConfig(loss=Loss.FOCAL, focal_gamma=2, weighting=Weighting.NONE)
    cost = of_classes(config, np.array([0, 1]), 2)(
        torch.log(torch.tensor([[0.9, 0.1]])), torch.tensor([0])
    )
    assert cost.item() == pytest.approx(0.00105361, rel=1e-4)


def test_a_focal_exponent_of_zero_is_cross_entropy():
    config = FitConfig(loss=Loss.FOCAL, focal_gamma=0)
    truth = torch.tensor(TRUTH)
    assert torch.equal(
        of_classes(config)(scores(), truth), of_classes(FitConfig())(scores(), truth)
    )


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_the_focal_loss_has_finite_slopes_where_the_network_is_sure(gamma):
    config = FitConfig(loss=Loss.FOCAL, focal_gamma=gamma)
    sure = (torch.eye(3) * 200 - 100).requires_grad_()
    of_classes(config)(sure, torch.tensor([0, 1, 0])).sum().backward()
    assert torch.isfinite(sure.grad).all()


def test_the_logit_adjusted_loss_computed_by_hand():
    # Equal scores of classes with shares 0.9 and 0.1: -ln of the share itself.
    truth = np.array([0] * 9 + [1])
    objective = of_classes(
        FitConfig(weighting=Weighting.NONE, logit_adjustment=1), truth, classes=2
    )
    costs = objective(torch.zeros(2, 2), torch.tensor([0, 1]))
    assert costs.tolist() == pytest.approx([-np.log(0.9), -np.log(0.1)], rel=1e-5)


def test_the_logit_adjusted_loss_is_the_pairwise_one_of_the_paper():
    # Menon et al. 2021, equation 11: log(1 + Σ_{y' ≠ y} (π_y' / π_y)^τ · exp(f_y' - f_y))
    tau, prior = 0.7, np.array([0.7, 0.2, 0.1])
    f = scores().double().numpy()
    expected = [
        np.log(sum((prior[k] / prior[y]) ** tau * np.exp(f[i, k] - f[i, y]) for k in range(3)))
        for i, y in enumerate(TRUTH)
    ]
    config = FitConfig(weighting=Weighting.NONE, logit_adjustment=tau)
    assert of_classes(config)(scores(), torch.tensor(TRUTH)).tolist() == pytest.approx(
        expected, rel=1e-4, abs=1e-6
    )


@settings(max_examples=50, deadline=None)
@given(
    st.floats(0, 1),
    st.builds(
        FitConfig,
        loss=st.sampled_from(Loss),
        weighting=st.sampled_from(Weighting),
        smoothing=st.sampled_from([0.0, 0.1]),
        logit_adjustment=st.sampled_from([0.0, 1.0]),
    ),
)
def test_a_mixed_picture_costs_the_mixed_losses_of_its_labels(share, config):
    objective = of_classes(config)
    first, second = torch.tensor(TRUTH), torch.tensor(TRUTH[::-1].copy())
    mixed = share * functional.one_hot(first, 3) + (1 - share) * functional.one_hot(second, 3)
    expected = share * objective(scores(), first) + (1 - share) * objective(scores(), second)
    assert torch.allclose(objective(scores(), mixed), expected, atol=1e-5)


def test_log_probabilities_of_grades_cost_their_likelihood():
    logs = torch.log_softmax(scores(), dim=1)
    objective = make_objective(PLAIN, TRUTH, classes=3, task=Task.ORDINAL, device=CPU)
    costs = objective(logs, torch.tensor(TRUTH))
    assert torch.allclose(costs, -logs[torch.arange(len(TRUTH)), torch.tensor(TRUTH)], atol=1e-6)


def test_no_case_depends_on_the_batch_that_it_is_in():
    objective, truth = of_classes(FitConfig()), torch.tensor(TRUTH)
    alone = torch.cat([objective(scores()[i : i + 1], truth[i : i + 1]) for i in range(len(truth))])
    assert torch.allclose(objective(scores(), truth), alone)


def test_the_loss_is_computed_in_float32_whatever_the_scores():
    costs = of_classes(FitConfig())(scores().bfloat16(), torch.tensor(TRUTH))
    assert costs.dtype is torch.float32


def test_the_mean_over_the_training_part_is_the_mean_over_what_is_told():
    s = scores(columns=2, rows=4)
    told = FINDINGS >= 0
    entries = functional.binary_cross_entropy_with_logits(
        s, torch.tensor(FINDINGS).float().clamp_min(0), reduction="none"
    ).numpy()
    costs = of_findings(PLAIN)(s, torch.tensor(FINDINGS))
    assert costs.mean().item() == pytest.approx(entries[told].mean(), rel=1e-5)


def test_the_masked_loss_of_weighed_findings_computed_by_hand():
    # Finding 1 is told absent twice, present once: weights 3/4 and 3/2. So is finding 2.
    # Told: 6 entries of 4 cases, 1.5 a case. All scores 0: each entry costs ln 2.
    costs = of_findings(FitConfig())(torch.zeros(4, 2), torch.tensor(FINDINGS))
    ln2 = np.log(2)
    expected = [(0.75 + 1.5) * ln2, 1.5 * ln2, (0.75 + 0.75) * ln2, 0.75 * ln2]
    assert costs.tolist() == pytest.approx([value / 1.5 for value in expected], rel=1e-6)


def test_weighed_findings_cost_what_torch_says_with_its_positive_weight():
    s = scores(columns=2, rows=4)
    # Weights 3/4 and 3/2 are 3/4 · (1, 2).
    entries = 0.75 * functional.binary_cross_entropy_with_logits(
        s,
        torch.tensor(FINDINGS).float().clamp_min(0),
        pos_weight=torch.tensor([2.0, 2.0]),
        reduction="none",
    )
    expected = (entries * torch.tensor(FINDINGS >= 0)).sum(dim=1) / 1.5
    assert torch.allclose(of_findings(FitConfig())(s, torch.tensor(FINDINGS)), expected, atol=1e-6)


def test_focal_loss_of_findings_is_that_of_torchvision():
    config = FitConfig(loss=Loss.FOCAL, focal_gamma=2, weighting=Weighting.NONE)
    s, truth = scores(columns=2, rows=4), torch.tensor(FINDINGS)
    theirs = sigmoid_focal_loss(s, truth.float().clamp_min(0), alpha=-1, gamma=2)
    expected = (theirs * (truth >= 0)).sum(dim=1) / 1.5
    assert torch.allclose(of_findings(config)(s, truth), expected, atol=1e-6)


def test_a_case_of_which_nothing_is_told_costs_nothing_and_teaches_nothing():
    s = scores(columns=2, rows=1).requires_grad_()
    cost = of_findings(FitConfig())(s, torch.full((1, 2), UNKNOWN))
    cost.sum().backward()
    assert cost.item() == 0
    assert torch.equal(s.grad, torch.zeros(1, 2))


def test_an_untold_finding_teaches_nothing_even_where_its_score_is_wild():
    s = torch.tensor([[0.0, 1e6]], requires_grad=True)
    of_findings(FitConfig())(s, torch.tensor([[1, UNKNOWN]])).sum().backward()
    assert s.grad[0, 0] != 0
    assert s.grad[0, 1] == 0


def test_mixed_findings_cost_their_shares():
    objective, s = of_findings(FitConfig()), scores(columns=2, rows=1)
    none, both = torch.tensor([[0, 0]]), torch.tensor([[1, 1]])
    mixed = objective(s, torch.tensor([[0.3, 0.3]]))
    assert mixed.item() == pytest.approx(
        (0.7 * objective(s, none) + 0.3 * objective(s, both)).item(), rel=1e-5
    )


def test_a_training_part_without_a_class_is_refused():
    with pytest.raises(PartRefused):
        of_classes(FitConfig(), np.array([0, 0, 2]))
