"""Reads a weights file as data only: safetensors, or a PyTorch file with `weights_only=True`."""

import argparse
import pickle
from pathlib import Path
from typing import Any

import torch

from medclf.errors import WeightsRefused, WeightsUnavailable

State = dict[str, torch.Tensor]

_WRAPPERS = ("state_dict", "model", "model_state_dict", "teacher")


def read_state(path: Path) -> State:
    """Return the tensors of a weights file by their names.

    The wrappers that training programs put around them are taken off: `state_dict`, `model`,
    `model_state_dict`, `teacher`. The command-line options that masked autoencoders keep
    beside them (`argparse.Namespace`) are read as data and left aside; anything else that is
    no plain data is refused.

    Raises:
        WeightsUnavailable: there is no such file.
        WeightsRefused: it is not data only, is damaged, or holds no tensors.
    """
    if not path.is_file():
        raise WeightsUnavailable(
            f"Weights were asked for and {path} is not a file.",
            advice="Correct `weights:` in study.yaml, take `weights: hub` where the model hub "
            "can be reached, or say `weights: random` to train from scratch on purpose.",
            path=str(path),
        )
    content = _safetensors(path) if path.suffix == ".safetensors" else _pytorch(path)
    state = {k: v for k, v in content.items() if isinstance(k, str) and isinstance(v, torch.Tensor)}
    if not state:
        raise WeightsRefused(
            f"{path} holds no tensors by name.",
            advice="Save the state_dict of the network, not its optimiser or options alone.",
            path=str(path),
        )
    return state


def _safetensors(path: Path) -> dict[Any, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(path))
    except (SafetensorError, OSError) as error:
        raise _unreadable(path) from error


def _pytorch(path: Path) -> dict[Any, Any]:
    try:
        with torch.serialization.safe_globals([argparse.Namespace]):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise _unreadable(path) from error
    for _ in _WRAPPERS:
        for wrapper in _WRAPPERS:
            if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
                content = content[wrapper]
    if not isinstance(content, dict):
        raise _unreadable(path)
    return content


def _unreadable(path: Path) -> WeightsRefused:
    return WeightsRefused(
        f"{path} cannot be read as weights: expected safetensors, "
        "or a PyTorch file that holds tensors only.",
        advice="Save a plain state_dict; files that would run code when opened are not loaded.",
        path=str(path),
    )
