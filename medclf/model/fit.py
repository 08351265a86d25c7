"""Fine-tunes a whole network: one page of loop over Lightning Fabric.

Each epoch draws its randomness from (seed, epoch) alone and ends with a checkpoint
that replaces the last one whole, so that a run that was interrupted goes on to the
very same weights.
"""

import io
import math
import pickle
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from medclf.durable import write_bytes
from medclf.errors import TrainingDiverged
from medclf.model.features import Normalise, Pictures, compute_outputs
from medclf.model.fit_config import FitConfig, Precision, Weighting
from medclf.model.loss import Objective, make_objective
from medclf.model.network import Network
from medclf.model.part import Part
from medclf.model.sampling import draw_cases
from medclf.model.selection import judge_scores

Augmented = Callable[[np.ndarray[Any, Any], torch.Generator], Tensor]
"""(batch, size, size[, 3]) uint8 → (batch, channels, size, size) float32, randomly varied."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one epoch came to."""

    number: int
    loss: float
    tune_auc: float
    tune_loss: float
    pictures_per_s: float


@dataclass(frozen=True, slots=True)
class Fitted:
    """A finished fit; the network itself holds the best epoch's weights."""

    history: tuple[Epoch, ...]
    best: int
    resumed_from: int


def resolve_precision(wanted: Precision) -> Precision:
    """Turn AUTO into what this machine does best."""
    if wanted is not Precision.AUTO:
        return wanted
    if torch.cuda.is_available():
        return Precision.BFLOAT16 if torch.cuda.is_bf16_supported() else Precision.FLOAT32
    fast = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return Precision.BFLOAT16 if fast else Precision.FLOAT32


def finetune(
    network: Network,
    pictures: Pictures,
    *,
    train: Part,
    tune: Part,
    config: FitConfig,
    seed: int,
    normalise: Normalise,
    augmented: Augmented,
    checkpoint: Path,
    identity: str,
    on_step: Callable[[int, int], None] = lambda done, total: None,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> Fitted:
    """Train all weights; keep the mean weights of the epoch with the best tune AUC.

    Args:
        network: changed in place; ends in evaluation mode with the best weights.
        pictures: (n, size, size) or (n, size, size, 3) uint8, usually memory-mapped.
        train: cases to learn from.
        tune: cases to choose the epoch by.
        config: see `FitConfig`.
        seed: of shuffling, augmentation and dropout.
        normalise: for evaluation.
        augmented: for training.
        checkpoint: file to resume from and to write after each epoch.
        identity: digest of data, weights and configuration; a checkpoint with another
            one is not resumed from.
        on_step: told (step, steps of the whole run).
        on_epoch: told after each epoch.

    Raises:
        TrainingDiverged: the loss is not a finite number.
    """
    from lightning_fabric import Fabric

    bf16 = resolve_precision(config.precision) is Precision.BFLOAT16
    fabric = Fabric(devices=1, precision="bf16-mixed" if bf16 else "32-true")
    network.to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(_groups(network, config), lr=config.learning_rate)
    model, optimiser = fabric.setup(network, optimiser)
    mean = {k: v.detach().clone() for k, v in network.state_dict().items()}
    objective = make_objective(
        config,
        train.truth,
        classes=network.head.out_features,
        task=network.architecture.task,
        device=fabric.device,
    )
    plain = make_objective(
        FitConfig(weighting=Weighting.NONE),
        train.truth,
        classes=network.head.out_features,
        task=network.architecture.task,
        device=torch.device("cpu"),
    )
    per_epoch = max(len(train.rows) // config.batch, 1)
    total = per_epoch * config.epochs
    history: list[Epoch] = []
    best_weights = mean
    state = _resume(checkpoint, identity)
    if state:
        network.load_state_dict(state["network"])
        optimiser.load_state_dict(state["optimiser"])
        mean = {k: v.to(fabric.device) for k, v in state["mean"].items()}
        best_weights = state["best_weights"]
        history = [Epoch(**epoch) for epoch in state["history"]]
    start = len(history)

    for number in range(start, config.epochs):
        if number - _best(history, len(tune.rows)) > config.patience:
            break
        generator = torch.Generator().manual_seed(seed * 100_003 + number)
        order = draw_cases(train.truth, config.sampling, generator)
        began, losses = time.monotonic(), []
        _train_mode(network, freeze_norms=config.freeze_norms)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed * 100_003 + number)  # dropout draws from the global stream
            for i in range(per_epoch):
                some = np.sort(order[i * config.batch : (i + 1) * config.batch])
                x = augmented(pictures[train.rows[some]], generator).to(fabric.device)
                y = torch.as_tensor(train.truth[some], device=fabric.device)  # (batch,)
                scores, _ = model(x.contiguous(memory_format=torch.channels_last))
                loss = objective(scores, y).mean()
                if not math.isfinite(loss.item()):
                    raise TrainingDiverged(
                        f"The loss is {loss.item()} in epoch {number + 1}, step {i + 1}.",
                        advice="Lower `learning_rate`, or set `precision: float32`.",
                        epoch=number + 1,
                    )
                step = number * per_epoch + i
                for group in optimiser.param_groups:
                    group["lr"] = config.learning_rate * _schedule(step, total, config.warmup)
                optimiser.zero_grad()
                fabric.backward(loss)
                torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
                optimiser.step()
                _average(mean, network, min(config.averaging, (1 + step) / (10 + step)))
                losses.append(loss.item())
                on_step(step + 1, total)
        speed = per_epoch * config.batch / (time.monotonic() - began)
        auc, tune_loss = _judge(network, mean, pictures, tune, normalise, config, plain)
        history.append(Epoch(number + 1, float(np.mean(losses)), auc, tune_loss, speed))
        if _best(history, len(tune.rows)) == number + 1:
            best_weights = {k: v.clone() for k, v in mean.items()}
        _save(checkpoint, identity, network, optimiser, mean, best_weights, history)
        on_epoch(history[-1])

    network.load_state_dict(best_weights)
    network.eval()
    return Fitted(tuple(history), _best(history, len(tune.rows)), start)


def _groups(network: Network, config: FitConfig) -> list[dict[str, Any]]:
    """Weight decay for matrices and kernels only; norms and biases are left free."""
    kernels = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    return [
        {"params": kernels, "weight_decay": config.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]


def _schedule(step: int, total: int, warmup: float) -> float:
    """Linear warm-up, then half a cosine to nearly nothing; a factor in (0, 1]."""
    rise = max(int(total * warmup), 1)
    if step < rise:
        return (step + 1) / rise
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (step - rise) / max(total - rise, 1)))


def _train_mode(network: Network, *, freeze_norms: bool) -> None:
    network.train()
    if freeze_norms:
        for module in network.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()


@torch.no_grad()
def _average(mean: dict[str, Tensor], network: Network, decay: float) -> None:
    """Move the mean weights towards the network's; counters are copied."""
    for name, value in network.state_dict().items():
        if value.is_floating_point():
            mean[name].lerp_(value, 1 - decay)
        else:
            mean[name].copy_(value)


def _judge(
    network: Network,
    weights: Mapping[str, Tensor],
    pictures: Pictures,
    tune: Part,
    normalise: Normalise,
    config: FitConfig,
    plain: Objective,
) -> tuple[float, float]:
    """Return the tune AUC and loss of the mean weights; the network's own are put back."""
    own = {k: v.clone() for k, v in network.state_dict().items()}
    network.load_state_dict(dict(weights))
    scores = compute_outputs(network, pictures, tune.rows.tolist(), normalise=normalise).scores
    network.load_state_dict(own)
    task = network.architecture.task
    loss = plain(torch.tensor(scores), torch.as_tensor(tune.truth)).mean()
    return judge_scores(config.select_by, tune.truth, scores, task=task), float(loss)


def _best(history: list[Epoch], cases: int) -> int:
    """Return the number of the best epoch so far, 0 when there is none.

    On a small tune part the AUC alone picks by luck. So a later epoch takes over when its
    AUC is higher by more than one standard error, or when it is within one standard error
    and its loss is lower (after the one-standard-error rule of Breiman et al. 1984; standard
    error after Hanley & McNeil 1982 for a balanced part, Q1 = A/(2-A), Q2 = 2A²/(1+A)).
    """
    best: Epoch | None = None
    m = max(cases / 2, 1)
    for epoch in history:
        if best is None:
            best = epoch
            continue
        a = best.tune_auc
        q1, q2 = a / (2 - a), 2 * a**2 / (1 + a)
        variance = (a * (1 - a) + (m - 1) * (q1 + q2 - 2 * a**2)) / m**2
        margin = math.sqrt(max(variance, 0.0))
        gain = epoch.tune_auc - a
        if gain > margin or (gain >= -margin and epoch.tune_loss < best.tune_loss):
            best = epoch
    return best.number if best else 0


def _save(
    path: Path,
    identity: str,
    network: Network,
    optimiser: Any,
    mean: dict[str, Tensor],
    best_weights: dict[str, Tensor],
    history: list[Epoch],
) -> None:
    buffer = io.BytesIO()
    torch.save(
        {
            "identity": identity,
            "network": network.state_dict(),
            "optimiser": optimiser.state_dict(),
            "mean": mean,
            "best_weights": best_weights,
            "history": [
                {name: getattr(epoch, name) for name in Epoch.__slots__} for epoch in history
            ],
        },
        buffer,
    )
    write_bytes(path, buffer.getvalue())


def _resume(path: Path, identity: str) -> dict[str, Any] | None:
    """Return the checkpoint's content, or None when there is none for this very run."""
    if not path.is_file():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError):
        return None  # damaged: nothing is lost but time
    return state if state.get("identity") == identity else None
