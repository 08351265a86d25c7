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
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, fields
from pathlib import Path

import torch

from medclf.durable import write_text
from medclf.model.listed import LISTED, Listed
from validation.backbone_measure import HELD_OUT, TRAIN, TUNE, Films, Row, chosen, measure, prepare

ALLOWED = 1e-5  # largest difference of a probability in float32
SUPPLIED = {
    "torchvision/mobilenet_v2": "mobilenet_v2_tfslim_int8deq-7e7a259e.pth",
    "torchvision/squeezenet1_1": "squeezenet1_1_caffe_imagenetnorm-7e39d2ab.pth",
}


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
            tell=_teller(head),
        )
        done[item.name] = row
        with lines.open("a") as stream:
            stream.write(json.dumps(asdict(row)) + "\n")
        rows = [done[one.name] for one in items if one.name in done]
        write_text(out / "backbones.json", json.dumps([asdict(r) for r in rows], indent=1) + "\n")
        write_text(out / "backbones.md", as_markdown(rows))
    return [done[item.name] for item in items]


def _teller(head: str) -> Callable[[str], None]:
    """Write over one line on a terminal, and line by line elsewhere."""
    end = "" if sys.stderr.isatty() else "\n"
    start = "\r\033[K" if sys.stderr.isatty() else ""

    def tell(text: str) -> None:
        print(f"{start}{head}: {text}", file=sys.stderr, end=end, flush=True)

    return tell


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
