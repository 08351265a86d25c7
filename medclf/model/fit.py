"""Fine-tunes a whole network: one page of loop over Lightning Fabric.

Each epoch draws its randomness from (seed, epoch, step) alone and ends with a checkpoint
that replaces the last one whole, so that a run that was interrupted goes on to the
very same weights. Several processes share every batch; the result is that of one.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from medclf.model.batches import Batches, Piece
from medclf.model.course import Course
from medclf.model.epoch import Epoch, Step, best_epoch
from medclf.model.fabric import open_fabric
from medclf.model.features import Normalise, Pictures
from medclf.model.fit_check import check_cases, check_fit
from medclf.model.fit_config import FitConfig
from medclf.model.loss import make_objective
from medclf.model.losses import Losses
from medclf.model.mixup import mix, mixing_weight
from medclf.model.network import Network
from medclf.model.noise import noisy
from medclf.model.norms import joint_norms, train_mode
from medclf.model.part import Part
from medclf.model.processes import Processes, others_watched
from medclf.model.randomness import CaseGenerator, Purpose, stream_seed
from medclf.model.repeatable import repeatable
from medclf.model.tune_error import TuneError
from medclf.model.tuning import Judge
from medclf.model.unfreezing import unfreeze_blocks

Augmented = Callable[[Tensor, CaseGenerator], Tensor]
"""(batch, size, size[, 3]) uint8 or uint16 on the network's device → (batch, channels, size, size)
float32, randomly varied; draws for the generator's `places`."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A finished fit; the network itself holds the best epoch's weights."""

    history: tuple[Epoch, ...]
    best: int
    resumed_from: int


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
    gradual: bool = False,
    on_step: Callable[[Step], None] = lambda step: None,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> Fitted:
    """Train all weights; keep the mean weights of the epoch with the best figure on the tune part.

    Args:
        network: changed in place; ends in evaluation mode with the best weights.
        pictures: (n, size, size) or (n, size, size, 3) uint8, usually memory-mapped.
        train: cases to learn from.
        tune: cases to choose the epoch by.
        config: see `FitConfig`.
        seed: of shuffling, augmentation and dropout.
        normalise: for evaluation.
        augmented: for training.
        checkpoint: file to resume from and to write after each epoch; the first of several
            processes reads and writes it.
        identity: digest of data, weights and configuration; a checkpoint with another
            one is not resumed from.
        gradual: let the head learn first, then block after block (`method: gradual`).
        on_step: told after each step, in the first process.
        on_epoch: told after each epoch, in the first process.

    Raises:
        TrainingDiverged: the loss is not a finite number.
        ModelMisuse: the configuration cannot be carried out as it stands.
        ProcessLost: another process has ended.
        OSError: the checkpoint cannot be written; the one before it stays.
    """
    processes = Processes.here()
    check_fit(network, config, processes, gradual=gradual)
    check_cases(config, processes, len(train.rows))
    fabric = open_fabric(config.precision, processes)
    network.to(fabric.device)
    network.to(memory_format=torch.channels_last)
    on_gpu = fabric.device.type == "cuda"
    batches = Batches(pictures, train, config, seed, processes, pinned=on_gpu)
    judge = Judge(network, pictures, train, tune, normalise, config, processes)
    classes = network.architecture.classes
    task = network.architecture.task
    error = TuneError.of(config.select_by, tune.truth, classes=classes, task=task).at
    objective = make_objective(
        config,
        train.truth,
        classes=classes,
        task=task,
        device=fabric.device,
    )
    with (
        others_watched(),
        repeatable(config.deterministic),
        noisy(network, drop_path=config.drop_path) as noise,
        joint_norms(network, processes, freeze_norms=config.freeze_norms),
        torch.random.fork_rng(devices=[fabric.device] if on_gpu else []),
    ):
        course = Course(network, config, fabric, processes)
        start = course.resume(checkpoint, identity)
        total = batches.per_epoch * config.epochs
        for number in range(start, config.epochs):
            if number - best_epoch(course.history, error) >= config.patience:
                break
            model = course.model(number, gradual=gradual)
            train_mode(network, freeze_norms=config.freeze_norms)
            losses, reading = Losses(number + 1, late=on_gpu), batches.of(number)
            began, loss, learned = time.monotonic(), torch.zeros((), device=fabric.device), 0
            for piece in reading:
                x, y = _ready(piece, augmented, fabric.device, config, classes, (seed, number))
                noise.enter(piece.places[: len(x)].to(fabric.device), piece.batch)
                torch.manual_seed(stream_seed(seed, Purpose.DROPOUT, number, piece.step))
                with fabric.no_backward_sync(model, enabled=not piece.last):
                    scores, _ = model(x.contiguous(memory_format=torch.channels_last))
                    # Summed over passes, averaged over processes: the mean over the batch.
                    share = objective(scores, y).sum() * (processes.count / piece.batch)
                    fabric.backward(share)
                loss = loss + share.detach()
                if not piece.last:
                    continue
                losses.add(torch.as_tensor(fabric.all_reduce(loss, reduce_op="mean")))
                course.step(number * batches.per_epoch + piece.step, total)
                loss, learned = torch.zeros_like(loss), learned + piece.batch
                if processes.first and losses.known:
                    done = number * batches.per_epoch + piece.step + 1
                    pace = learned / (time.monotonic() - began)
                    on_step(Step(done, total, losses.known[-1], pace))
            mean_loss, took = losses.close(), time.monotonic() - began
            course.mean.settle()
            figure, tune_loss = judge(course.mean, number + 1)
            epoch = Epoch(
                number=number + 1,
                loss=mean_loss,
                tune_figure=figure,
                tune_loss=tune_loss,
                pictures_per_s=learned / took,
                learning_rate=course.learning_rate,
                stall_share=min(reading.waited_s / took, 1.0),
            )
            course.end(epoch, error)
            if processes.first:
                course.save(checkpoint, identity)
                on_epoch(epoch)
        unfreeze_blocks(network, None)
    network.load_state_dict(course.best)
    network.eval()
    return Fitted(tuple(course.history), best_epoch(course.history, error), start)


def _ready(
    piece: Piece,
    augmented: Augmented,
    device: torch.device,
    config: FitConfig,
    classes: int,
    where: tuple[int, int],
) -> tuple[Tensor, Tensor]:
    """Bring a piece to the device, varied and mixed; `where` is seed and epoch."""
    seed, epoch = where
    generator = CaseGenerator.seeded(
        stream_seed(seed, Purpose.VARIATION, epoch, piece.step), piece.places
    )
    x = augmented(piece.pictures.to(device, non_blocking=True), generator).to(device)
    y = piece.truth.to(device, non_blocking=True)
    if not config.mixup:
        return x, y
    weight = mixing_weight(config.mixup, seed, epoch, piece.step)
    return mix(x, y, weight=weight, classes=classes)
