"""Measures one backbone for the table: an epoch on real films, the round trip, the exports."""

import csv
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from medclf.dicom.instance import Kind, open_instance
from medclf.errors import MedclfError
from medclf.model.fit import finetune
from medclf.model.fit_config import FitConfig
from medclf.model.listed import Listed
from medclf.model.network import Architecture, Network
from medclf.model.part import Part
from medclf.model.runtime import Runtime, RuntimeName, dump_weights
from medclf.model.weights import load_weights, recognise
from medclf.pixels.decode import decode
from medclf.pixels.transforms.augment import augment_batch
from medclf.pixels.transforms.normalise import as_unit_range, standardise
from medclf.pixels.transforms.preprocessing import Preprocessing, geometry, normalise
from medclf.pixels.transforms.variations.ranges import AugmentConfig

TRAIN, TUNE, HELD_OUT = 200, 40, 32
BATCH = 16
SEED = 0


@dataclass(frozen=True)
class Films:
    """Prepared films of one size: the train part first, then tune, then those for parity.

    Attributes:
        pictures: (n, size, size) uint8.
        truth: (n,) int64, 1 for pneumonia.
    """

    pictures: np.ndarray[Any, Any]
    truth: np.ndarray[Any, Any]


@dataclass(frozen=True)
class Row:
    """What came of one backbone; a difference of -1 was not measured, and `note` says why."""

    backbone: str
    size: int
    parameters: int
    weights: str
    epoch_s: float
    loss: float
    logits_equal: bool
    onnx_difference: float = -1.0
    openvino_difference: float = -1.0
    export_s: float = -1.0
    onnx_bytes: int = -1
    seconds: float = 0.0
    note: str = ""


def measure(
    item: Listed,
    films: Films,
    *,
    weights: Path | None,
    counts: tuple[int, int, int] = (TRAIN, TUNE, HELD_OUT),
    tell: Callable[[str], None] = lambda text: None,
) -> Row:
    """Train, pack, reload and export one backbone.

    Args:
        item: the backbone.
        films: of its size.
        weights: a file; random when None.
        counts: films to train, tune and compare with.
        tell: told what is being done.
    """
    began = time.monotonic()
    known = recognise(weights.name) if weights else None
    mean, std = (known.mean, known.std) if known else (item.mean, item.std)
    rule = Preprocessing(kind=Kind.XRAY, size=item.size, mean=mean, std=std)
    torch.manual_seed(SEED)
    shape = Architecture(backbone=item.name, channels=3, size=item.size, classes=2)
    network = Network(shape, dropout=0.2)
    parameters = sum(p.numel() for p in network.backbone.parameters())
    source = "random" if weights is None else str(weights)
    report = load_weights(network.backbone, item.name, source)
    epoch_s, loss = _train(network, films, rule, counts, random=weights is None, tell=tell)

    tell("reloads")
    packed = dump_weights(network)
    held_out = films.pictures[-counts[2] :]
    x = normalise(held_out, rule)  # (n, 3, size, size)
    network.eval()
    with torch.inference_mode():
        scores, _ = network(x.contiguous(memory_format=torch.channels_last))
    logits = scores.double().numpy()
    again, _ = Runtime(shape, packed).run(x)
    row = Row(
        backbone=item.name,
        size=item.size,
        parameters=parameters,
        weights=report.source,
        epoch_s=round(epoch_s, 1),
        loss=round(loss, 3),
        logits_equal=bool(np.array_equal(logits, again)),
    )
    tell("exports")
    parity = _parity(shape, network, packed, x, logits)
    return Row(**{**asdict(row), **parity, "seconds": round(time.monotonic() - began, 1)})


def _train(
    network: Network,
    films: Films,
    rule: Preprocessing,
    counts: tuple[int, int, int],
    *,
    random: bool,
    tell: Callable[[str], None],
) -> tuple[float, float]:
    """Fit one epoch; return its seconds and its loss."""

    def vary(batch: np.ndarray[Any, Any], generator: torch.Generator) -> torch.Tensor:
        varied = augment_batch(
            as_unit_range(batch, channels=3), rule.kind, generator, AugmentConfig()
        )
        return standardise(varied, rule.mean, rule.std)

    train, tune = np.arange(counts[0]), np.arange(counts[0], counts[0] + counts[1])
    config = FitConfig(
        epochs=1,
        batch=BATCH,
        learning_rate=1e-3 if random else 3e-4,
        freeze_norms=not random,
    )
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        fitted = finetune(
            network,
            films.pictures,
            train=Part(train, films.truth[train]),
            tune=Part(tune, films.truth[tune]),
            config=config,
            seed=SEED,
            normalise=lambda batch: normalise(batch, rule),
            augmented=vary,
            checkpoint=Path(folder) / "checkpoint.pt",
            identity="backbone-table",
            on_step=lambda done, total: tell(f"trains {done}/{total}"),
        )
        return time.monotonic() - began, fitted.history[-1].loss


def _parity(
    shape: Architecture,
    network: Network,
    packed: bytes,
    x: torch.Tensor,
    logits: np.ndarray[Any, Any],
) -> dict[str, Any]:
    """Export a network and compare probabilities; say why where it cannot be done."""
    try:
        from medclf.model.export import export_onnx
    except ImportError:
        return {"note": "not exported: this medclf has no exporter"}
    began = time.monotonic()
    try:
        exported = export_onnx(network)
    except (MedclfError, ImportError) as error:
        return {"note": f"not exported: {error}"}
    told: dict[str, Any] = {
        "export_s": round(time.monotonic() - began, 1),
        "onnx_bytes": len(exported),
    }
    for name, key in ((RuntimeName.ONNX, "onnx"), (RuntimeName.OPENVINO, "openvino")):
        try:
            scores, _ = Runtime(shape, packed, name=name, exported=exported).run(x)
        except (MedclfError, ImportError) as error:
            told["note"] = f"{name}: {error}"
            continue
        apart = np.abs(_probabilities(scores) - _probabilities(logits)).max()
        told[f"{key}_difference"] = float(apart)
    return told


def _probabilities(scores: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def chosen(data: Path) -> list[tuple[Path, int]]:
    """Draw the films: as many of each label, one of a patient, no test figures are taken."""
    with (data / "xray_pneumonia" / "labels.csv").open(newline="") as stream:
        lines = list(csv.DictReader(stream))
    order = np.random.default_rng(SEED).permutation(len(lines))
    of: dict[str, list[Path]] = {"normal": [], "pneumonia": []}
    seen: set[str] = set()
    for i in order:
        line = lines[int(i)]
        if line["patient_id"] not in seen:
            seen.add(line["patient_id"])
            of[line["label"]].append(data / "xray_pneumonia" / line["path"])
    half = (TRAIN + TUNE + HELD_OUT) // 2
    pairs = zip(of["normal"][:half], of["pneumonia"][:half], strict=True)
    return [(path, label) for pair in pairs for label, path in enumerate(pair)]


def prepare(films: Sequence[tuple[Path, int]], size: int) -> Films:
    square = geometry(Preprocessing(kind=Kind.XRAY, size=size))
    pictures = [square(decode(open_instance(path))) for path, _ in films]
    return Films(np.stack(pictures), np.array([label for _, label in films], dtype=np.int64))
