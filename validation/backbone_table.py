"""Shows that every listed backbone trains, packs, reloads to equal logits and exports.

    python -m validation.backbone_table --out FOLDER [--backbones timm/resnet18 …]

Each one learns for one epoch from 200 real chest films (100 of each label) in batches of 16,
from the supplied weights where there are any and else from random ones. Its weights are then
packed and loaded again: the logits of 32 other films must be equal to the last bit. Last, it is
exported, and the probabilities of ONNX Runtime and OpenVINO in float32 are held against those of
PyTorch. The folder gets a line of JSON for each backbone, a table in Markdown and one in JSON;
a run that was interrupted goes on with the next backbone.

Needs the folder that `MEDCLF_SHARED_DATA` names. The foundation models, whose weights nobody may
pass on, take an hour and are measured only when they are named.
"""

import argparse
import csv
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch

from medclf.dicom.instance import Kind, open_instance
from medclf.durable import write_text
from medclf.errors import MedclfError
from medclf.model.fit import finetune
from medclf.model.fit_config import FitConfig
from medclf.model.listed import LISTED, Listed
from medclf.model.network import Architecture, Network
from medclf.model.part import Part
from medclf.model.runtime import Runtime, RuntimeName, dump_weights
from medclf.model.weights import load_weights
from medclf.pixels.decode import decode
from medclf.pixels.transforms.augment import augment_batch
from medclf.pixels.transforms.normalise import as_unit_range, standardise
from medclf.pixels.transforms.preprocessing import Preprocessing, geometry, normalise
from medclf.pixels.transforms.variations.ranges import AugmentConfig

TRAIN, TUNE, HELD_OUT = 200, 40, 32
BATCH = 16
SEED = 0
ALLOWED = 1e-5  # largest difference of a probability in float32
SUPPLIED = {
    "torchvision/mobilenet_v2": "mobilenet_v2_tfslim_int8deq-7e7a259e.pth",
    "torchvision/squeezenet1_1": "squeezenet1_1_caffe_imagenetnorm-7e39d2ab.pth",
}
_HALF = {"torchvision/mobilenet_v2"}  # the supplied file expects values in [-1, 1]


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
    half = item.name in _HALF or item.mean == (0.5, 0.5, 0.5)
    rule = Preprocessing(
        kind=Kind.XRAY,
        size=item.size,
        mean=(0.5, 0.5, 0.5) if half else item.mean,
        std=(0.5, 0.5, 0.5) if half else item.std,
    )
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


def measure_all(
    items: Sequence[Listed],
    films_of: Callable[[int], Films],
    out: Path,
    *,
    weights: Path | None,
    counts: tuple[int, int, int] = (TRAIN, TUNE, HELD_OUT),
) -> list[Row]:
    """Measure every backbone that the folder does not hold yet; write the tables after each."""
    out.mkdir(parents=True, exist_ok=True)
    lines = out / "backbones.jsonl"
    done = {row.backbone: row for row in _read(lines)}
    kept: dict[int, Films] = {}
    for number, item in enumerate(items, start=1):
        if item.name in done:
            continue
        head = f"[{number}/{len(items)}] {item.name}"
        print(f"{head}: prepares films of {item.size} px", file=sys.stderr, flush=True)
        if item.size not in kept:
            kept = {item.size: films_of(item.size)}
        supplied = SUPPLIED.get(item.name)
        row = measure(
            item,
            kept[item.size],
            weights=weights / supplied if weights and supplied else None,
            counts=counts,
            tell=lambda text, head=head: print(f"{head}: {text}", file=sys.stderr, flush=True),
        )
        done[item.name] = row
        with lines.open("a") as stream:
            stream.write(json.dumps(asdict(row)) + "\n")
        rows = [done[one.name] for one in items if one.name in done]
        write_text(out / "backbones.json", json.dumps([asdict(r) for r in rows], indent=1) + "\n")
        write_text(out / "backbones.md", as_markdown(rows))
    return [done[item.name] for item in items]


def _read(path: Path) -> Iterator[Row]:
    """Yield the rows of an earlier run; a line that was cut off is measured again."""
    names = {one.name for one in fields(Row)}
    if not path.is_file():
        return
    for line in path.read_text().splitlines():
        try:
            told = json.loads(line)
        except json.JSONDecodeError:
            continue
        if told.keys() == names:
            yield Row(**told)


def as_markdown(rows: Sequence[Row]) -> str:
    lines = [
        "# Backbones: one epoch, round trip, parity",
        "",
        summary(rows),
        "",
        "| backbone | px | parameters | weights | epoch, s | loss | logits equal | "
        "ONNX Runtime, largest difference | OpenVINO, largest difference | export, s | all, s |",
        "|---|---:|---:|---|---:|---:|---|---:|---:|---:|---:|",
    ]
    for row in rows:
        cells = [
            row.backbone,
            row.size,
            f"{row.parameters:,}",
            row.weights,
            f"{row.epoch_s:.1f}",
            f"{row.loss:.3f}",
            "yes" if row.logits_equal else "**no**",
            _difference(row.onnx_difference),
            _difference(row.openvino_difference),
            f"{row.export_s:.1f}" if row.export_s >= 0 else "",
            f"{row.seconds:.0f}",
        ]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    notes = [f"- {row.backbone}: {row.note}" for row in rows if row.note]
    return "\n".join([*lines, *([""] if notes else []), *notes, ""])


def summary(rows: Sequence[Row]) -> str:
    """Say in one sentence what came out."""
    equal = sum(row.logits_equal for row in rows)
    parity = sum(
        0 <= row.onnx_difference <= ALLOWED and 0 <= row.openvino_difference <= ALLOWED
        for row in rows
    )
    return (
        f"{len(rows)} backbones. {equal} reload to logits equal to the last bit; {parity} give "
        f"probabilities within {ALLOWED:g} in ONNX Runtime and in OpenVINO. Seconds are those of "
        f"{torch.get_num_threads()} threads."
    )


def _difference(value: float) -> str:
    if value < 0:
        return "not measured"
    return f"{value:.1e}" if value <= ALLOWED else f"**{value:.1e}**"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for the tables")
    parser.add_argument("--backbones", nargs="*", help="those alone; all but foundation if none")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    data = Path(os.environ.get("MEDCLF_SHARED_DATA", default))
    if not (data / "README.md").is_file():
        sys.exit(f"real data absent: no {data} (name another with MEDCLF_SHARED_DATA)")
    wanted = set(asked.backbones or ())
    items = [
        item
        for item in LISTED
        if (item.name in wanted if wanted else item.provider != "foundation")
    ]
    if wanted - {item.name for item in items}:
        sys.exit(f"not listed: {', '.join(sorted(wanted - {item.name for item in items}))}")
    films = chosen(data)
    rows = measure_all(
        items, lambda size: prepare(films, size), asked.out, weights=data / "weights"
    )
    print(as_markdown(rows))
    apart = [
        row
        for row in rows
        if max(row.onnx_difference, row.openvino_difference) > ALLOWED or not row.logits_equal
    ]
    for row in apart:
        print(f"NOT EQUAL {row.backbone}", file=sys.stderr)
    return int(bool(apart))


if __name__ == "__main__":
    sys.exit(main())
