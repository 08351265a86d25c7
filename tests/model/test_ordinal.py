import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from medclf.model.network import Architecture, Network
from medclf.model.ordinal import OrdinalHead, grade_log_probabilities
from medclf.model.runtime import Runtime, dump_weights
from medclf.model.task import Task

GRADES = Architecture(backbone="medclf/lenet5", channels=1, size=32, classes=5, task=Task.ORDINAL)


@given(
    st.floats(-30, 30),
    st.floats(-10, 10),
    st.lists(st.floats(-8, 8), min_size=0, max_size=6),
)
def test_probabilities_are_differences_of_cumulative_sigmoids(severity, first, gaps):
    logs = grade_log_probabilities(
        torch.tensor([severity]).double(),
        torch.tensor([first]).double(),
        torch.tensor(gaps).double(),
    )
    cuts = first + np.concatenate([[0.0], np.cumsum(np.log1p(np.exp(gaps)))])
    cumulative = np.concatenate([[0.0], expit(cuts - severity), [1.0]])
    assert np.allclose(logs[0].exp().numpy(), np.diff(cumulative), atol=1e-12)
    assert float(logs.exp().sum()) == pytest.approx(1)


def test_a_severity_far_out_stays_finite_in_float32_and_keeps_a_slope():
    severity = torch.tensor([-500.0, 500.0], requires_grad=True)
    logs = grade_log_probabilities(severity, torch.tensor([-1.0]), torch.tensor([-20.0, 3.0]))
    assert torch.isfinite(logs).all()
    logs[:, 1].sum().backward()
    assert torch.isfinite(severity.grad).all()
    assert severity.grad.abs().min() > 0.5


def test_a_new_head_finds_all_grades_equally_probable_at_no_severity():
    head = OrdinalHead(3, 4)
    assert torch.allclose(head(torch.zeros(2, 3)).exp(), torch.full((2, 4), 0.25), atol=1e-6)


def test_more_severity_never_makes_a_higher_grade_less_probable_to_be_reached():
    head = OrdinalHead(1, 5)
    with torch.no_grad():
        head.weight.fill_(1.0)
        reached = head(torch.linspace(-6, 6, 50)[:, None]).exp().flip(1).cumsum(1)[:, :-1]
    assert (reached.diff(dim=0) > 0).all()


def test_the_head_computes_in_float32_under_bf16_autocast():
    head, features = OrdinalHead(64, 5), torch.randn(8, 64)
    plain = head(features)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        scores = head(features)
    assert scores.dtype == torch.float32
    assert torch.equal(scores, plain)


def test_a_shift_moves_the_odds_of_grades_and_of_labels_alike():
    shift = np.array([0.5, 0.0, -1.0, 0.25, 2.0])
    for task in (Task.ORDINAL, Task.EXCLUSIVE):
        torch.manual_seed(0)
        network = Network(GRADES.model_copy(update={"task": task})).eval()
        x = torch.randn(3, 1, 32, 32)
        before = network(x)[0].softmax(1)
        network.shift_scores(shift)
        after = network(x)[0].softmax(1)
        wanted = before * torch.tensor(shift).float().exp()
        assert torch.allclose(after, wanted / wanted.sum(1, keepdim=True), atol=1e-6)


def test_an_ordinal_network_comes_back_whole_from_its_weights():
    torch.manual_seed(0)
    network = Network(GRADES).eval()
    network.shift_scores(np.arange(5.0))
    x = torch.randn(2, 1, 32, 32)
    scores, _ = Runtime(GRADES, dump_weights(network)).run(x)
    assert np.array_equal(scores, network(x)[0].detach().double().numpy())


def test_a_linear_head_has_no_tensors_beside_its_own():
    for task in (Task.EXCLUSIVE, Task.FINDINGS):
        names = Network(GRADES.model_copy(update={"task": task})).state_dict()
        assert {n for n in names if n.startswith("head")} == {"head.weight", "head.bias"}
