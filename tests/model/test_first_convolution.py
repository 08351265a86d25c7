import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from medclf.errors import ModelMisuse
from medclf.model.first_convolution import (
    first_convolutions,
    fit_kernels,
    replace_first_convolution,
)


@settings(max_examples=30, deadline=None)
@given(before=st.integers(1, 6), after=st.integers(1, 12), seed=st.integers(0, 1000))
def test_equal_channels_give_what_equal_channels_gave(before, after, seed):
    """Exact for one channel and for any multiple; elsewhere the mean over channels is kept."""
    generator = torch.Generator().manual_seed(seed)
    kernels = torch.randn(4, before, 3, 3, generator=generator, dtype=torch.float64)
    grey = torch.randn(1, 1, 8, 8, generator=generator, dtype=torch.float64)
    old = nn.functional.conv2d(grey.expand(-1, before, -1, -1), kernels)
    fitted = fit_kernels(kernels, after)
    assert fitted.shape == (4, after, 3, 3)
    new = nn.functional.conv2d(grey.expand(-1, after, -1, -1), fitted)
    if after == 1 or after % before == 0:
        assert torch.allclose(new, old, atol=1e-9)


def test_the_same_number_of_channels_changes_nothing():
    kernels = torch.randn(2, 3, 1, 1)
    assert fit_kernels(kernels, 3) is kernels


def test_two_channels_take_the_first_two_kernels_made_stronger():
    kernels = torch.tensor([1.0, 2.0, 9.0]).reshape(1, 3, 1, 1)
    assert fit_kernels(kernels, 2).flatten().tolist() == [1.5, 3.0]


def test_a_network_is_changed_in_place_and_keeps_its_bias():
    network = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.ReLU())
    bias = network[0].bias.clone()
    replace_first_convolution(network, 5)
    assert first_convolutions(network) == ("0",)
    assert network(torch.zeros(1, 5, 8, 8)).shape == (1, 4, 4, 4)
    assert torch.equal(network[0].bias, bias)


@pytest.mark.parametrize(
    "network", [nn.Sequential(nn.Linear(3, 3)), nn.Sequential(nn.Conv2d(3, 3, 1, groups=3))]
)
def test_a_network_without_a_plain_first_convolution_is_refused(network):
    with pytest.raises(ModelMisuse) as caught:
        replace_first_convolution(network, 1)
    assert caught.value.advice
