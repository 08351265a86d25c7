"""One fine-tuning as it is handed to every process that takes part in it."""

from dataclasses import dataclass

import torch

from medclf.errors import StudyMisuse
from medclf.model.epoch import Epoch, Step
from medclf.model.features import Pictures
from medclf.model.fit import Augmented, Fitted, finetune
from medclf.model.network import Network
from medclf.model.part import Part
from medclf.model.processes import Processes
from medclf.model.randomness import CaseGenerator
from medclf.pixels.transforms.augment import augment_batch
from medclf.pixels.transforms.normalise import as_unit_range, standardise
from medclf.pixels.transforms.preprocessing import normalise
from medclf.study.config import StudyConfig
from medclf.study.progress import Progress

_WORTH_TELLING = 0.05  # share of the time above which the disk, not the network, sets the pace


@dataclass(frozen=True)
class Assignment:
    """What is to be learned from.

    Attributes:
        config: of the study.
        train: cases to learn from.
        tune: cases to choose the epoch by.
        identity: digest of all that decides on the result.
    """

    config: StudyConfig
    train: Part
    tune: Part
    identity: str


def hand_out(assignment: Assignment, *, pictures: str) -> None:
    """Give an assignment to the other processes, which wait for it in `ranks.follow`.

    Args:
        assignment: the work.
        pictures: digest of the prepared pictures here.

    Raises:
        StudyMisuse: a process prepared other pictures.
        ProcessLost: another process has ended.
    """
    processes = Processes.here()
    processes.shared(assignment)
    found = processes.gathered(pictures)
    other = sum(digest != pictures for digest in found)
    if other:
        raise StudyMisuse(
            f"{other} of {processes.count} processes prepared the pictures in another way.",
            advice="Give all hosts the same versions of medclf and of its libraries, and "
            "processors of one type.",
            processes=processes.count,
        )


def carry_out(
    assignment: Assignment, network: Network, pictures: Pictures, *, progress: Progress
) -> Fitted:
    """Fine-tune a network, together with the other processes; see `finetune`.

    Args:
        assignment: the work.
        network: changed in place; the first process's weights count.
        pictures: prepared, in the rows of the manifest.
        progress: told about each step.
    """
    config = assignment.config
    latest = ""

    def on_step(step: Step) -> None:
        per_epoch = step.total // config.fit.epochs
        number = (step.done - 1) // per_epoch + 1
        now = f"epoch {number}/{config.fit.epochs} loss {step.loss:.3f}"
        pace = f"{step.pictures_per_s:.0f} img/s"
        progress("fine-tune", step.done, step.total, f"{now} {pace}{latest}")

    def on_epoch(epoch: Epoch) -> None:
        nonlocal latest
        figure = config.fit.select_by.value.replace("_", " ")
        latest = f" · epoch {epoch.number}: tune {figure} {epoch.tune_figure:.4f}"
        if epoch.stall_share >= _WORTH_TELLING:
            latest += f", {epoch.stall_share:.0%} of the time waiting for pictures"

    return finetune(
        network,
        pictures,
        train=assignment.train,
        tune=assignment.tune,
        config=config.fit,
        seed=config.seed,
        normalise=lambda batch: normalise(batch, config.preprocessing),
        augmented=_augmented(config),
        checkpoint=config.workspace / "checkpoints" / f"{assignment.identity[7:23]}.pt",
        identity=assignment.identity,
        gradual=config.model.method == "gradual",
        on_step=on_step,
        on_epoch=on_epoch,
    )


def _augmented(config: StudyConfig) -> Augmented:
    """Return the random variation of a batch on its own device, as the network expects it."""
    rule = config.preprocessing

    def vary(batch: torch.Tensor, generator: CaseGenerator) -> torch.Tensor:
        unit = as_unit_range(batch, channels=rule.channels)  # (batch, channels, size, size)
        varied = augment_batch(unit, rule.kind, generator, config.augment, places=generator.places)
        return standardise(varied, rule.mean, rule.std)

    return vary
