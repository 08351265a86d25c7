"""Batch normalisation while a network trains: kept as it is, or taken over all processes."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from medclf.errors import ModelMisuse
from medclf.model.processes import Processes

_Norm = nn.modules.batchnorm._BatchNorm


def train_mode(network: nn.Module, *, freeze_norms: bool) -> None:
    """Put a network into training mode, but for norms that rest or stand in a frozen block."""
    network.train()
    for module in network.modules():
        if isinstance(module, _Norm):
            resting = module.weight is not None and not module.weight.requires_grad
            if freeze_norms or resting:
                module.eval()


def require_joint_norms(network: nn.Module, processes: Processes, *, freeze_norms: bool) -> None:
    """Refuse statistics that would be taken over a process's share of a batch.

    Raises:
        ModelMisuse: several processes on CPUs, and batch normalisation that learns.
    """
    learning = not freeze_norms and any(isinstance(m, _Norm) for m in network.modules())
    if learning and processes.count > 1 and not torch.cuda.is_available():
        raise ModelMisuse(
            f"Batch normalisation cannot be taken over {processes.count} processes on a CPU.",
            advice="Set `freeze_norms: true`, or train in one process.",
            processes=processes.count,
        )


@contextmanager
def joint_norms(network: nn.Module, processes: Processes, *, freeze_norms: bool) -> Iterator[None]:
    """Take batch statistics over the whole batch of all processes, for a while."""
    if processes.count == 1 or freeze_norms:
        yield
        return
    own = []
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, _Norm) and not isinstance(child, nn.SyncBatchNorm):
                own.append((parent, name, child))
                setattr(parent, name, nn.SyncBatchNorm.convert_sync_batchnorm(child))
    try:
        yield
    finally:
        for parent, name, child in own:
            joint = getattr(parent, name)
            child.load_state_dict(joint.state_dict())
            child.to(joint.running_mean.device).train(joint.training)
            setattr(parent, name, child)
