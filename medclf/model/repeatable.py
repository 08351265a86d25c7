"""Holds torch to arithmetic that gives the same bits every time, for as long as a run takes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from medclf.errors import ModelMisuse


@contextmanager
def repeatable(wanted: bool) -> Iterator[None]:
    """Refuse operations without a repeatable algorithm; puts torch's settings back at the end.

    Args:
        wanted: False changes nothing.

    Raises:
        ModelMisuse: an operation has none on this device, or cuBLAS was not told to repeat itself
            before the process used the GPU.
    """
    if not wanted:
        yield
        return
    before = torch.are_deterministic_algorithms_enabled()
    lenient = torch.is_deterministic_algorithms_warn_only_enabled()
    memory: Any = torch.utils.deterministic  # a module with a property, unknown to its types
    filling, benchmark = memory.fill_uninitialized_memory, torch.backends.cudnn.benchmark
    torch.use_deterministic_algorithms(True)
    memory.fill_uninitialized_memory = False  # finds bugs in operators, and costs time
    torch.backends.cudnn.benchmark = False
    try:
        yield
    except RuntimeError as error:
        if "use_deterministic_algorithms" not in str(error):
            raise
        if "CUBLAS_WORKSPACE_CONFIG" in str(error):
            advice = "Set CUBLAS_WORKSPACE_CONFIG=:4096:8 before Python starts, or"
        else:
            advice = "Take another backbone, or"
        raise ModelMisuse(
            "An operation of this network has no repeatable algorithm on this device.",
            advice=f"{advice} set `deterministic: false`: runs then differ in the last bits.",
        ) from error
    finally:
        torch.use_deterministic_algorithms(before, warn_only=lenient)
        memory.fill_uninitialized_memory = filling
        torch.backends.cudnn.benchmark = benchmark
