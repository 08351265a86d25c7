import pytest
import torch

from medclf.errors import ModelMisuse
from medclf.model.network import Architecture, Network
from medclf.model.noise import CaseDropout, CaseDropPath, Noise, noisy


def network(backbone, dropout=0.0):
    shape = Architecture(backbone=backbone, channels=3, size=32, classes=2)
    return Network(shape, dropout=dropout)


def passed(module, noise, places, size, seed=5):
    noise.enter(torch.tensor(places), size)
    torch.manual_seed(seed)
    return module(torch.ones(len(places), 6, 3))


@pytest.mark.parametrize("kind", [CaseDropout, CaseDropPath])
def test_a_case_gets_its_mask_whoever_else_is_in_the_batch(kind):
    noise = Noise()
    module = kind(0.5, noise)
    whole = passed(module, noise, list(range(8)), 8)
    assert torch.equal(whole[[1, 6]], passed(module, noise, [1, 6], 8))
    assert not torch.equal(whole, passed(module, noise, list(range(8)), 8, seed=6))


@pytest.mark.parametrize("kind", [CaseDropout, CaseDropPath])
def test_the_mean_stays_and_evaluation_changes_nothing(kind):
    noise = Noise()
    module = kind(0.25, noise)
    assert passed(module, noise, list(range(4000)), 4000).mean() == pytest.approx(1, abs=0.05)
    module.eval()
    assert (passed(module, noise, [0], 1) == 1).all()


def test_stochastic_depth_leaves_a_branch_in_or_out_as_a_whole():
    noise = Noise()
    out = passed(CaseDropPath(0.5, noise), noise, list(range(64)), 64).flatten(1)
    assert {tuple(sorted(set(row.tolist()))) for row in out} == {(0.0,), (2.0,)}


@pytest.mark.parametrize(
    "backbone",
    ["timm/resnet10t", "timm/convnext_atto", "timm/efficientnet_b0", "torchvision/convnext_tiny"],
)
def test_depth_grows_towards_the_head_and_is_taken_out_again(backbone):
    built = network(backbone, dropout=0.3).eval()
    before, x = str(built), torch.rand(1, 3, 32, 32)
    scores = built(x)[0]
    with noisy(built, drop_path=0.4):
        rates = [m.rate for m in built.modules() if isinstance(m, CaseDropPath)]
        assert rates[0] == 0
        assert rates[-1] == pytest.approx(0.4)
        assert rates == sorted(rates)
        assert isinstance(built.dropout, CaseDropout)
        assert torch.equal(built(x)[0], scores)
    assert str(built) == before
    assert torch.equal(built(x)[0], scores)


def test_a_backbone_without_branches_is_refused_with_advice():
    with (
        pytest.raises(ModelMisuse, match="no stochastic depth") as caught,
        noisy(network("medclf/lenet5"), drop_path=0.1),
    ):
        pass
    assert "drop_path: 0" in caught.value.advice
