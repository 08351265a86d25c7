"""Row 13 exists because most hospitals train on a CPU, over night or not at all.

Fine-tuning ResNet-18 at 224 with `finetune` in bf16 and channels last, against the plain
PyTorch loop on the same batches: in float32, where the bar presumes a processor that multiplies
matrices of bfloat16 (AMX), and in bf16 and channels last as well, where it does not. Then one
pass (loss and gradient) of a linear head over cached features, against the same pass with the
features computed anew.
"""

import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np
import torch
from torch import nn

from medclf.model.features import compute_outputs
from medclf.model.fit import Epoch, finetune
from medclf.model.fit_config import FitConfig, Precision
from medclf.model.part import Part
from validation.benchmarks.row import AtLeast, Race, Row, Seconds, Trials, require
from validation.benchmarks.training import CLASSES, SEED, Study

_HEAD_CASES = 1024  # that the head is fitted on
_BF16_TOLERANCE = 0.05  # of the largest score: 8 bits of mantissa through 18 layers


def trials(folder: Path, tiny: bool) -> Trials:
    size, batch, steps = (64, 4, 2) if tiny else (224, 16, 4)
    study = Study.made_up(batch * steps, size=size, batch=batch)

    def parity() -> None:
        network, x = study.network().eval(), study.ready(study.pictures[:batch])
        with torch.no_grad():
            plain = network(x)[0]
            with torch.autocast("cpu", torch.bfloat16):
                short = network(x.contiguous(memory_format=torch.channels_last))[0].float()
        off = float((plain - short).abs().max() / plain.abs().max())
        require(off < _BF16_TOLERANCE, f"bf16 scores are {off:.1%} off")

    note = "one epoch; ours also averages weights and clips gradients"
    own = ours(study, folder)
    yield Race("bf16 over f32", parity, own, peer(study), rounds=3, note=note)
    short = peer(study, short=True)
    yield Race("bf16 over a plain loop in bf16", parity, own, short, rounds=5, note=note)
    yield probe(study)


def ours(study: Study, folder: Path) -> Callable[[], Seconds]:
    """Return one epoch of `finetune`; augmentation is left out on both sides."""
    numbers = count()
    rows = np.arange(len(study.pictures))
    config = FitConfig(epochs=1, batch=study.batch, dropout=0, precision=Precision.BFLOAT16)

    def run() -> Seconds:
        epochs: list[Epoch] = []
        finetune(
            study.network(),
            study.pictures,
            train=Part(rows, study.truth),
            tune=Part(rows[:2], study.truth[:2]),
            config=config,
            seed=SEED,
            normalise=study.ready,
            augmented=lambda some, _: study.ready(some),
            checkpoint=folder / f"{next(numbers)}.pt",
            identity="",
            on_epoch=epochs.append,
        )
        return Seconds(len(rows) / epochs[0].pictures_per_s)

    return run


def peer(study: Study, *, short: bool = False) -> Callable[[], Seconds]:
    """Return one epoch of the loop that every tutorial shows; `short` is bf16, channels last."""
    layout = torch.channels_last if short else torch.contiguous_format

    def run() -> Seconds:
        network = study.network().train().to(memory_format=layout)
        optimiser = torch.optim.AdamW(network.parameters(), lr=3e-4)
        began = time.perf_counter()
        for start in range(0, len(study.pictures), study.batch):
            some = slice(start, start + study.batch)
            x = study.ready(study.pictures[some]).contiguous(memory_format=layout)
            with torch.autocast("cpu", torch.bfloat16, enabled=short):
                scores, _ = network(x)  # (batch, classes)
            loss = nn.functional.cross_entropy(scores.float(), torch.as_tensor(study.truth[some]))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        return Seconds(time.perf_counter() - began)

    return run


def probe(study: Study) -> Race:
    """Return the race of the linear head."""
    network, rows = study.network().eval(), list(range(min(32, len(study.pictures))))

    def computed() -> torch.Tensor:
        outputs = compute_outputs(network, study.pictures, rows, normalise=study.ready)
        return torch.tensor(outputs.features)  # (rows, features) float64

    known = computed()
    cached = known.repeat(_HEAD_CASES // len(rows), 1)  # (_HEAD_CASES, features)
    head = nn.Linear(cached.shape[1], CLASSES, dtype=torch.float64)

    def one_pass(features: torch.Tensor) -> torch.Tensor:
        head.zero_grad()
        truth = torch.arange(len(features)) % CLASSES
        loss = nn.functional.cross_entropy(head(features), truth)
        loss.backward()
        return loss.detach()

    def parity() -> None:
        require(torch.allclose(one_pass(cached), one_pass(computed())), "the losses differ")

    return Race(
        "probe on cached features",
        parity,
        lambda: one_pass(cached),
        lambda: one_pass(computed()),
        rounds=3,
        peer_share=len(rows) / _HEAD_CASES,
        note=f"one pass over {_HEAD_CASES} pictures, loss and gradient",
    )


ROW = Row(
    number=13,
    title="training resnet18 at 224",
    peer="plain PyTorch in float32; features computed anew",
    bars={
        "bf16 over f32": AtLeast(2.5),
        "bf16 over a plain loop in bf16": AtLeast(0.95),
        "probe on cached features": AtLeast(1000),
    },
    trials=trials,
    threads=2,
)
