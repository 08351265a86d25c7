"""The losses of an epoch, watched for one that is no number."""

import math

from torch import Tensor

from medclf.errors import TrainingDiverged


class Losses:
    """The loss of each step of an epoch; the first that is not finite stops the run.

    On a GPU a loss is looked at one step late, so that the host does not wait for it: the
    network may then have taken one bad step more, which no checkpoint holds.
    """

    def __init__(self, epoch: int, *, late: bool) -> None:
        """Begin an epoch, counted from 1."""
        self._epoch = epoch
        self._late = late
        self._open: list[Tensor] = []
        self.known: list[float] = []

    def add(self, loss: Tensor) -> None:
        """Take the loss of a step, () float32.

        Raises:
            TrainingDiverged: it, or the one before it, is not finite.
        """
        self._open.append(loss)
        while len(self._open) > self._late:
            self._look(self._open.pop(0).item())

    def close(self) -> float:
        """Return the mean over the epoch.

        Raises:
            TrainingDiverged: the last one is not finite.
        """
        while self._open:
            self._look(self._open.pop(0).item())
        return sum(self.known) / len(self.known)

    def _look(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise diverged(f"The loss is {loss}", self._epoch, len(self.known) + 1)
        self.known.append(loss)


def diverged(what: str, epoch: int, step: int | None = None) -> TrainingDiverged:
    """Return the error that stops a run."""
    where = f"epoch {epoch}" if step is None else f"epoch {epoch}, step {step}"
    return TrainingDiverged(
        f"{what} in {where}.",
        advice="Lower `learning_rate` or `clip`, or set `precision: float32`; the checkpoint of "
        "the last whole epoch stays.",
        epoch=epoch,
    )
