"""Row 14 exists because a GPU that waits for pictures, or for Python, is the dearest way to wait.

`finetune` on pictures mapped from disk as bytes, in bf16 and channels last, with the study's own
augmentation: compiled against eager. The first epoch warms up and compiles; the second counts.
The notes say what else a buyer asks: pictures a second, memory, and which part of the chip's
arithmetic was reached (three times the floating-point operations of the forward pass).
"""

from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from medclf.dicom.instance import Kind
from medclf.model.epoch import Epoch
from medclf.model.fit import finetune
from medclf.model.fit_config import FitConfig, Precision
from medclf.model.network import Architecture, Network
from medclf.model.part import Part
from medclf.model.randomness import CaseGenerator
from medclf.pixels.transforms.augment import augment_batch
from medclf.pixels.transforms.normalise import as_unit_range, standardise
from medclf.pixels.transforms.preprocessing import Preprocessing, normalise
from validation.benchmarks.row import (
    AtLeast,
    AtMost,
    Gauge,
    Race,
    Row,
    Seconds,
    Skip,
    Trials,
    require,
)

BACKBONES = {
    "ResNet-50": "timm/resnet50",
    "ConvNeXt-T": "timm/convnext_tiny",
    "ViT-B/16": "timm/vit_base_patch16_224",
}
CLASSES, SEED = 2, 14

# Dense bf16 operations a second, from NVIDIA's data sheets of the SXM cards.
_PEAKS = {"H200": 989.4e12, "H100": 989.4e12, "A100": 312e12}


@dataclass
class Learner:
    """One network on one set of pictures, with what its last run came to."""

    backbone: str
    pictures: np.ndarray  # (n, size, size, 3) uint8
    batch: int
    folder: Path
    precision: Precision = Precision.BFLOAT16
    epochs: dict[bool, Epoch] = field(default_factory=dict)  # by whether it was compiled
    memory_gb: float = 0.0

    def __post_init__(self) -> None:
        self._numbers = count()
        self._rule = Preprocessing(kind=Kind.FUNDUS, size=self.pictures.shape[1])

    def network(self) -> Network:
        """Build the network, each time with the same weights."""
        torch.manual_seed(SEED)
        size = self.pictures.shape[1]
        return Network(Architecture(backbone=self.backbone, channels=3, size=size, classes=CLASSES))

    def varied(self, batch: torch.Tensor, generator: CaseGenerator) -> torch.Tensor:
        """Vary a batch as a study does."""
        rule = self._rule
        unit = as_unit_range(batch, channels=3)
        varied = augment_batch(unit, rule.kind, generator, places=generator.places)
        return standardise(varied, rule.mean, rule.std)

    def learn(self, *, compiled: bool) -> Seconds:
        """Return the seconds of the second epoch."""
        rows = np.arange(len(self.pictures))
        truth = rows % CLASSES
        epochs: list[Epoch] = []
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        finetune(
            self.network(),
            self.pictures,
            train=Part(rows, truth),
            tune=Part(rows[:2], truth[:2]),
            config=FitConfig(
                epochs=2,
                batch=self.batch,
                precision=self.precision,
                compile=compiled,
                deterministic=False,
            ),
            seed=SEED,
            normalise=lambda some: normalise(some, self._rule),
            augmented=self.varied,
            checkpoint=self.folder / f"{next(self._numbers)}.pt",
            identity="",
            on_epoch=epochs.append,
        )
        self.epochs[compiled] = epochs[-1]
        if torch.cuda.is_available():
            self.memory_gb = torch.cuda.max_memory_allocated() / 1e9
        return Seconds(len(rows) / epochs[-1].pictures_per_s)

    def operations(self) -> float:
        """Return the floating-point operations of learning from one picture."""
        size = self.pictures.shape[1]
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            self.network().eval()(torch.zeros(1, 3, size, size))
        return 3.0 * counter.get_total_flops()

    def told(self) -> str:
        """Return what the last runs came to, in one line."""
        eager, fused = (self.epochs[compiled].pictures_per_s for compiled in (False, True))
        line = f"{fused:,.0f} img/s compiled, {eager:,.0f} eager, {self.memory_gb:.1f} GB"
        card = torch.cuda.get_device_name() if torch.cuda.is_available() else ""
        peak = next((peak for name, peak in _PEAKS.items() if name in card), None)
        if peak is None:
            return line
        return f"{line}, {self.operations() * fused / peak:.0%} of the {card}'s bf16 arithmetic"


def trials(folder: Path, tiny: bool) -> Trials:
    if not torch.cuda.is_available():
        yield from (Skip(what, "this machine has no CUDA device") for what in ROW.bars)
        return
    count, batch = (64, 16) if tiny else (8192, 256)
    pictures = mapped(folder, count)
    for name, backbone in BACKBONES.items():
        learner = Learner(backbone, pictures, batch, folder)

        def parity(learner: Learner = learner) -> None:
            require(torch.isfinite(torch.tensor(learner.learn(compiled=True))), "no time")
            fused = learner.epochs[True].loss
            learner.learn(compiled=False)
            eager = learner.epochs[False].loss
            require(abs(fused - eager) < 0.1, f"loss {fused:.3f} compiled, {eager:.3f} eager")

        yield Race(
            f"{name}, compiled over eager",
            parity,
            lambda learner=learner: learner.learn(compiled=True),
            lambda learner=learner: learner.learn(compiled=False),
            rounds=3,
        )
        stall = learner.epochs[True].stall_share
        yield Gauge(
            f"{name}, waiting for pictures",
            lambda: None,
            lambda stall=stall: 100 * stall,
            note=learner.told(),
        )
        if name == "ResNet-50":
            pace = learner.epochs[True].pictures_per_s
            yield Gauge(f"{name}, pace", lambda: None, lambda pace=pace: pace)


def mapped(folder: Path, count: int, *, size: int = 224) -> np.ndarray:
    """Write random pictures, and map them from disk."""
    path = folder / "pictures.npy"
    generator = np.random.default_rng(SEED)
    np.save(path, generator.integers(0, 256, (count, size, size, 3), dtype=np.uint8))
    return np.load(path, mmap_mode="r")


ROW = Row(
    number=14,
    title="training on one GPU at 224",
    peer="the same loop, eager bf16",
    bars={
        **{f"{name}, compiled over eager": AtLeast(1.2) for name in BACKBONES},
        **{f"{name}, waiting for pictures": AtMost(5, "%") for name in BACKBONES},
        "ResNet-50, pace": AtLeast(2500, "img/s"),
    },
    trials=trials,
    threads=8,
)
