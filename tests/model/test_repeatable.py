import pytest
import torch

from medclf.errors import ModelMisuse
from medclf.model.repeatable import repeatable


def test_torch_is_left_as_it_was():
    with repeatable(True):
        assert torch.are_deterministic_algorithms_enabled()
    assert not torch.are_deterministic_algorithms_enabled()
    with repeatable(False):
        assert not torch.are_deterministic_algorithms_enabled()


def test_an_operation_that_cannot_repeat_itself_is_refused_with_advice():
    with pytest.raises(ModelMisuse, match="no repeatable algorithm") as caught, repeatable(True):
        torch.zeros(3).put_(torch.tensor([0]), torch.ones(1))
    assert "deterministic: false" in caught.value.advice
    assert not torch.are_deterministic_algorithms_enabled()


def test_other_errors_come_through():
    with pytest.raises(RuntimeError, match="made up"), repeatable(True):
        raise RuntimeError("made up")
