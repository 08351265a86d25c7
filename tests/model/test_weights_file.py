import argparse
import pickle

import pytest
import torch
from safetensors.torch import save_file

from medclf.errors import WeightsRefused, WeightsUnavailable
from medclf.model.weights_file import read_state

STATE = {"a.weight": torch.arange(6.0).reshape(2, 3), "a.bias": torch.ones(2)}


def test_both_formats_give_the_same_tensors(tmp_path):
    torch.save(STATE, tmp_path / "w.pth")
    save_file(STATE, tmp_path / "w.safetensors")
    for name in ("w.pth", "w.safetensors"):
        state = read_state(tmp_path / name)
        assert state.keys() == STATE.keys()
        assert all(torch.equal(state[key], STATE[key]) for key in STATE)


@pytest.mark.parametrize(
    "content",
    [
        {"state_dict": STATE, "epoch": 3},
        {"model": STATE, "optimizer": {}, "args": argparse.Namespace(lr=0.1)},  # as MAE saves
        {"model_state_dict": STATE},
        {"teacher": STATE, "student": {k: v + 1 for k, v in STATE.items()}},
        {"model": {"state_dict": STATE}},
        {"state_dict": {"model": STATE}},
    ],
    ids=lambda content: next(iter(content)),
)
def test_the_wrappers_of_training_programs_are_taken_off(tmp_path, content):
    torch.save(content, tmp_path / "w.pth")
    state = read_state(tmp_path / "w.pth")
    assert state.keys() == STATE.keys()
    assert torch.equal(state["a.bias"], STATE["a.bias"])


class Evil:
    def __reduce__(self):
        return (print, ("code ran",))


@pytest.mark.parametrize(
    "content", [Evil(), {"model": STATE, "args": argparse.Namespace(inside=Evil())}]
)
def test_a_file_that_would_run_code_is_refused(tmp_path, content, capsys):
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(WeightsRefused):
        read_state(tmp_path / "w.pth")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(content))
    with pytest.raises(WeightsRefused):
        read_state(tmp_path / "plain.pth")
    assert "code ran" not in capsys.readouterr().out


@pytest.mark.parametrize("content", [{}, [STATE], {"epoch": 3}, torch.zeros(3)])
def test_a_file_without_named_tensors_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(WeightsRefused) as caught:
        read_state(tmp_path / "w.pth")
    assert caught.value.advice


def test_a_missing_file_and_a_folder_are_unavailable(tmp_path):
    for path in (tmp_path / "none.pth", tmp_path):
        with pytest.raises(WeightsUnavailable, match="not a file"):
            read_state(path)
