"""The processes that train together, and what they tell each other.

They were started by `torchrun`, or by whatever else starts processes for torch.distributed.
"""

import gc
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from torch import distributed

from medclf.errors import ProcessLost

_PATIENCE = timedelta(days=7)  # the others wait while the first one prepares a whole cohort


@dataclass(frozen=True, slots=True)
class Processes:
    """Which one of how many this process is.

    Attributes:
        rank: from 0; the first one writes, records and prints.
        count: of all hosts.
    """

    rank: int = 0
    count: int = 1

    @classmethod
    def here(cls) -> "Processes":
        """Return what torch.distributed says; one process where it was not set up."""
        if distributed.is_available() and distributed.is_initialized():
            return cls(distributed.get_rank(), distributed.get_world_size())
        return cls()

    @property
    def first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def shared(self, value: Any) -> Any:
        """Return the first process's value, in every process."""
        if self.count == 1:
            return value
        box = [value]
        with others_watched():
            distributed.broadcast_object_list(box, src=0)
        return box[0]

    def gathered(self, value: Any) -> list[Any]:
        """Return every process's value in the order of ranks, in every process."""
        if self.count == 1:
            return [value]
        values: list[Any] = [None] * self.count
        with others_watched():
            distributed.all_gather_object(values, value)
        return values


@contextmanager
def others_watched() -> Iterator[None]:
    """Say so when another process has ended instead of answering.

    Raises:
        ProcessLost: its connection is closed.
    """
    try:
        yield
    except RuntimeError as error:
        lost = isinstance(error, distributed.DistError) or "closed by peer" in str(error)
        if not lost and "reset by peer" not in str(error):
            raise
        raise ProcessLost(
            "Another of the processes that train together has ended.",
            advice="See what it wrote before. The same command goes on from the last checkpoint.",
        ) from error


def launched_together() -> bool:
    """Return whether `torchrun` started this process."""
    return distributed.is_available() and distributed.is_torchelastic_launched()


def meet() -> Processes:
    """Set up torch.distributed with the processes that `torchrun` started.

    Objects travel over gloo; gradients over NCCL where there are GPUs.
    """
    if not distributed.is_initialized():
        # Its functions take the group of that moment as a default, and would keep it for good.
        importlib.import_module("torch.distributed.nn.functional")
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        if torch.cuda.is_available():
            torch.cuda.set_device(distributed.get_node_local_rank())
        distributed.init_process_group(backend, timeout=_PATIENCE)
    return Processes.here()


def part() -> None:
    """Take torch.distributed down again, with its threads.

    One that still lets go of a tensor when Python has begun to end would abort the process.
    """
    if distributed.is_initialized():
        distributed.destroy_process_group()
        gc.collect()  # what wrapped the network holds the group, and stands in circles
