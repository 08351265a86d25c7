"""What changes in the course of a training: weights, their mean, the optimiser, the history."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from medclf.model.averaging import MeanWeights
from medclf.model.blocks import parameter_blocks
from medclf.model.checkpoint import load_checkpoint, save_checkpoint
from medclf.model.epoch import Epoch, best_epoch
from medclf.model.fit_config import FitConfig
from medclf.model.network import Network
from medclf.model.optimiser import make_optimiser
from medclf.model.processes import Processes
from medclf.model.schedule import rate_factor
from medclf.model.unfreezing import trained_blocks, unfreeze_blocks

if TYPE_CHECKING:
    from lightning_fabric import Fabric


class Course:
    """The state of a run, from its start or its last checkpoint on.

    Attributes:
        mean: of the weights.
        best: the mean weights of the best epoch so far.
        history: of the epochs until now.
        learning_rate: of the head in the last step.
    """

    def __init__(
        self, network: Network, config: FitConfig, fabric: "Fabric", processes: Processes
    ) -> None:
        """Begin a run; all processes begin with the first one's weights.

        Args:
            network: on its device; changed in place.
            config: how it is fitted.
            fabric: opened.
            processes: that train together.
        """
        if processes.count > 1:
            network.load_state_dict(processes.shared(_on_cpu(network.state_dict())))
        self._network = network
        self._config = config
        self._fabric = fabric
        self._processes = processes
        self._optimiser = make_optimiser(network, config)
        self._stepping: Any = fabric.setup_optimizers(self._optimiser)
        self._model: Any = None
        self._unfrozen: int | None = None
        self.mean = MeanWeights(network, decay=config.averaging)
        self.best: dict[str, Tensor] = self.mean.values
        self.history: list[Epoch] = []
        self.learning_rate = 0.0

    def model(self, epoch: int, *, gradual: bool) -> Any:
        """Return the network as Fabric runs it in an epoch, counted from 0."""
        count = None
        if gradual:
            blocks = len(parameter_blocks(self._network)) - 1
            count = trained_blocks(
                epoch, epochs=self._config.epochs, unfreeze=self._config.unfreeze, blocks=blocks
            )
        if self._model is None or count != self._unfrozen:
            unfreeze_blocks(self._network, count)
            self._unfrozen = count
            # DDP settles at its start which gradients it exchanges, so that it starts anew.
            network: Any = torch.compile(self._network) if self._config.compile else self._network
            self._model = self._fabric.setup_module(network)
        return self._model

    def step(self, number: int, total: int) -> None:
        """Clip and apply the gradients of one step, counted from 0, and move the mean."""
        config = self._config
        factor = rate_factor(number, total, warmup=config.warmup)
        self.learning_rate = config.learning_rate * factor
        for group in self._optimiser.param_groups:
            group["lr"] = self.learning_rate * group["scale"]
        if config.clip:
            self._fabric.clip_gradients(
                self._model, self._stepping, max_norm=config.clip, error_if_nonfinite=False
            )
        self._stepping.step()
        self._stepping.zero_grad()
        self.mean.follow(number)

    def end(self, epoch: Epoch, error: Callable[[float], float]) -> None:
        """Note an epoch, and keep its mean weights when it is the best so far.

        Args:
            epoch: what it came to.
            error: of the figure that chooses, see `TuneError`.
        """
        self.history.append(epoch)
        if best_epoch(self.history, error) == epoch.number:
            self.best = {k: v.clone() for k, v in self.mean.values.items()}

    def save(self, path: Path, identity: str) -> None:
        """Write a checkpoint; see `save_checkpoint`."""
        state = {
            "network": self._network.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "scaling": self._fabric.strategy.precision.state_dict(),
            "mean": self.mean.values,
            "best": self.best,
            "history": [asdict(epoch) for epoch in self.history],
        }
        save_checkpoint(path, identity, state)

    def resume(self, path: Path, identity: str) -> int:
        """Go on from a checkpoint that the first process finds; return the epochs it holds."""
        found: dict[str, Any] | None = None
        if self._processes.first:
            found = load_checkpoint(path, identity)
        state = self._processes.shared(found)
        if state is None:
            return 0
        self._network.load_state_dict(state["network"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._fabric.strategy.precision.load_state_dict(state["scaling"])
        self.mean.restore(state["mean"])
        self.best = state["best"]
        self.history = [Epoch(**epoch) for epoch in state["history"]]
        return len(self.history)


def _on_cpu(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.cpu() for name, value in state.items()}
