"""What every engine that runs a packed network offers, and how a missing one is told."""

from collections.abc import Callable
from enum import StrEnum
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np
import torch

from medclf.errors import ModelMisuse, RuntimeRefused, RuntimeUnavailable

FloatArray = np.ndarray[Any, np.dtype[np.float32]]


class Arithmetic(StrEnum):
    """In what a packed network is computed."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"  # only in a variant, which is validated by itself


class Engine(Protocol):
    """A loaded network; safe to call from several threads."""

    def run(self, pictures: torch.Tensor) -> tuple[FloatArray, FloatArray]:
        """Return scores (batch, classes) and features (batch, features).

        Args:
            pictures: (batch, channels, size, size) float32, normalised.
        """


def need(*modules: str, extra: str) -> None:
    """Refuse to go on without the modules of an extra.

    Raises:
        RuntimeUnavailable: one of them is not installed.
    """
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise RuntimeUnavailable(
            f"This runtime needs {', '.join(missing)}, which is not installed here.",
            advice=f"Install it with `pip install 'medclf[{extra}]'`.",
            missing=missing,
        )


def need_cpu(device: str, *, runtime: str) -> None:
    """Refuse a device that a runtime is not built for here.

    Raises:
        ModelMisuse: the device is not the CPU.
    """
    if torch.device(device).type != "cpu":
        raise ModelMisuse(
            f"The runtime {runtime} runs on the CPU here, not on {device}.",
            advice="Leave the device out, or ask for the runtime torch.",
            device=device,
        )


def one_by_one(
    infer: Callable[[FloatArray], tuple[FloatArray, FloatArray]], pictures: torch.Tensor
) -> tuple[FloatArray, FloatArray]:
    """Run each picture by itself and put together what comes out.

    Args:
        infer: takes (1, channels, size, size) float32, contiguous.
        pictures: (batch, channels, size, size) float32, one at least.
    """
    arrays = pictures.detach().contiguous().numpy()
    found = [infer(arrays[i : i + 1]) for i in range(len(arrays))]
    return np.concatenate([f[0] for f in found]), np.concatenate([f[1] for f in found])


def unreadable(runtime: str) -> RuntimeRefused:
    """Return the refusal of an exported network that an engine cannot take."""
    return RuntimeRefused(
        f"{runtime} cannot read the exported network of this package.",
        advice="Pack the model again with the versions that are installed here.",
        runtime=runtime,
    )
