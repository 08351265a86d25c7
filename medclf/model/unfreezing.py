"""Gradual unfreezing: the head learns first, then block after block down to the input.

Source: Howard & Ruder, Universal language model fine-tuning, ACL 2018, section 3.3.
"""

from medclf.model.blocks import parameter_blocks
from medclf.model.network import Network


def trained_blocks(epoch: int, *, epochs: int, unfreeze: float, blocks: int) -> int:
    """Return how many blocks below the head learn in an epoch.

    Args:
        epoch: from 0, where only the head learns.
        epochs: of the whole run, two or more.
        unfreeze: part of the epochs after which all blocks learn.
        blocks: of the backbone.

    >>> [trained_blocks(e, epochs=8, unfreeze=0.5, blocks=10) for e in range(8)]
    [0, 2, 5, 7, 10, 10, 10, 10]
    """
    full = min(max(round(unfreeze * epochs), 1), epochs - 1)  # the first epoch with all of them
    return min(blocks * epoch // full, blocks)


def unfreeze_blocks(network: Network, count: int | None) -> None:
    """Let the head and so many blocks below it learn, or all when None."""
    blocks = parameter_blocks(network)
    frozen = 0 if count is None else len(blocks) - 1 - count
    parameters = dict(network.named_parameters())
    for number, block in enumerate(blocks):
        for name in block:
            parameters[name].requires_grad_(number >= frozen)
