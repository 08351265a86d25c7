"""Writes a commented `study.yaml` for a source of images: nobody starts from a blank page."""

import os
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml

from medclf.config import parse
from medclf.dicom.instance import Kind
from medclf.durable import write_text
from medclf.errors import StudyMisuse
from medclf.model.listed import IMAGENET, LISTED, find_listed
from medclf.model.weights import recognise
from medclf.study.config import StudyConfig
from medclf.study.recognise import recognise_source
from medclf.study.study_yaml import TEMPLATE

_NEGATIVE = re.compile(
    r"^(no|non|not|without|normal|negative|healthy|benign|control|absent|0)(?![a-z])"
)
_DEFAULT_BACKBONE = "timm/mobilenetv3_large_100"
_FUNDUS_SIZE = 384  # small lesions vanish below; above, two cores take too long
_SMALL = 1000  # tables below this calibrate on a larger share: a threshold needs cases
_PICTURES_PER_FIT = 10_000  # some eight minutes of MobileNetV2 at 224 px on two cores


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user says beside the table; None leaves it to medclf.

    Attributes:
        weights: `hub`, `random`, or a file of pretrained weights.
        backbone: `provider/architecture`.
        label: the column of the labels table.
        positive: the finding among two labels.
        size: side of the input in pixels.
        method: `probe`, `finetune` or `gradual`.
        made_up: whether the images are simulated.
    """

    weights: str = "hub"
    backbone: str | None = None
    label: str = "label"
    positive: str | None = None
    size: int | None = None
    method: str = "finetune"
    made_up: bool = False


def init(
    kind: Kind,
    data: Path,
    out: Path,
    *,
    wishes: Wishes,
    replace: bool = False,
    tell: Callable[[str], None] = lambda line: None,
) -> Path:
    """Write a commented `study.yaml` for a source of images and check that it loads.

    Args:
        kind: what the images show.
        data: the labels table, the folder above class folders, or an `.npz` of MedMNIST.
        out: the file to write.
        wishes: what to choose otherwise than medclf would.
        replace: whether an existing file may be replaced.
        tell: told each thing that was recognised rather than said.

    Returns:
        The file that was written.

    Raises:
        LabelsRefused: the source cannot be read, or its table lacks a column.
        StudyMisuse: `out` exists, the source has one label only, or neither of two labels
            is clearly the negative one.
    """
    if out.exists() and out.samefile(data):
        raise StudyMisuse(
            f"{out} is the labels table itself.", advice="Name another file with --out."
        )
    if out.exists() and not replace:
        raise StudyMisuse(
            f"{out} exists already.",
            advice="Name another file with --out, or replace it with --force.",
            path=str(out),
        )
    found = recognise_source(data, label=wishes.label)
    for line in found.told:
        tell(line)
    several = not found.counts and (found.layout.findings or found.layout.format == "medmnist")
    labels, positive = ([], None) if several else order_labels(found.counts, wishes.positive)
    backbone, mean, std = _network(wishes)
    size = wishes.size or _size_for(kind, backbone)
    text = TEMPLATE.render(
        name=_name_for(data, kind),
        kind=kind.value,
        made_up=wishes.made_up,
        layout=found.layout,
        table=_seen_from(out, found.table),
        folder=_seen_from(out, found.folder),
        label=found.label or wishes.label,
        labels=labels,
        positive=positive,
        counts=found.counts,
        size=size,
        mean=list(mean),
        std=list(std),
        backbone=backbone,
        weights=_weights_for(wishes.weights, out),
        method=wishes.method,
        random_start=wishes.weights == "random",
        train=0.55 if found.rows < _SMALL else 0.6,
        calibrate=0.15 if found.rows < _SMALL else 0.1,
        epochs=_epochs_for(found.rows, size, random_start=wishes.weights == "random"),
    )
    parse(yaml.safe_load(text), StudyConfig, where=f"the new {out.name}")
    write_text(out, text)
    return out


def order_labels(counts: Counter[str], positive: str | None) -> tuple[list[str], str | None]:
    """Return the label space and the positive label of a table's labels.

    Two labels come negative first; more are sorted and have no positive one.

    Raises:
        StudyMisuse: there are fewer than two labels, or it is not clear which of two is
            the finding.

    >>> order_labels(Counter(["pneumonia", "normal"]), None)
    (['normal', 'pneumonia'], 'pneumonia')
    """
    labels = sorted(counts)
    if positive is not None and positive not in labels:
        raise StudyMisuse(
            f"The label {positive!r} does not occur; found {', '.join(labels)}.",
            advice="Name one of these with --positive.",
        )
    if len(labels) < 2:
        raise StudyMisuse(
            f"The table holds {len(labels)} label(s): {', '.join(labels) or 'none'}.",
            advice="A classifier needs cases of two labels at least.",
        )
    if len(labels) > 2:
        return labels, None
    if positive is None:
        negatives = [label for label in labels if _NEGATIVE.match(label.lower())]
        if len(negatives) != 1:
            raise StudyMisuse(
                f"It is not clear which of {labels[0]!r} and {labels[1]!r} is the finding.",
                advice="Name it with --positive, in quotes where it holds spaces.",
            )
        positive = next(label for label in labels if label != negatives[0])
    negative = next(label for label in labels if label != positive)
    return [negative, positive], positive


def _network(
    wishes: Wishes,
) -> tuple[str, tuple[float, float, float], tuple[float, float, float]]:
    """Return backbone, mean and std."""
    known = None
    if wishes.weights not in {"hub", "random"}:
        known = recognise(Path(wishes.weights).name)
        if known is None and wishes.backbone is None:
            raise StudyMisuse(
                f"The file name {Path(wishes.weights).name} does not tell its backbone.",
                advice="Name it with --backbone, for example --backbone timm/resnet18.",
            )
    if known is not None:
        return wishes.backbone or known.backbone, known.mean, known.std
    backbone = wishes.backbone or _DEFAULT_BACKBONE
    if wishes.weights == "hub" and backbone.startswith("timm/"):
        import timm  # takes seconds, and only the hub's own weights need it

        found = timm.get_pretrained_cfg(backbone.removeprefix("timm/"), allow_unregistered=False)
        if found is not None:
            mean, std = found.mean, found.std
            return backbone, (mean[0], mean[1], mean[2]), (std[0], std[1], std[2])
    listed = find_listed(backbone)
    return backbone, *((listed.mean, listed.std) if listed else IMAGENET)


def _size_for(kind: Kind, backbone: str) -> int:
    listed = next((item.size for item in LISTED if item.name == backbone), 224)
    fixed = "vit" in backbone or "swin" in backbone or backbone.startswith("foundation/")
    return _FUNDUS_SIZE if kind is Kind.FUNDUS and not fixed else listed


def _epochs_for(pictures: int, size: int, *, random_start: bool) -> int:
    """Spend about the same time on any cohort, within what learning needs."""
    budget = _PICTURES_PER_FIT * (2 if random_start else 1) * (224 / size) ** 2
    return int(min(max(round(budget / (0.6 * pictures)), 3), 30))


def _name_for(data: Path, kind: Kind) -> str:
    place = data.absolute()
    named = place.name if place.is_dir() else place.parent.name
    if place.suffix.casefold() == ".npz":
        named = place.stem
    folder = re.sub(r"[^a-z0-9]+", "-", named.lower()).strip("-")
    return (folder or kind.value)[:60]


def _seen_from(out: Path, path: Path | None) -> str | None:
    return None if path is None else os.path.relpath(path.absolute(), out.absolute().parent)


def _weights_for(weights: str, out: Path) -> str:
    if weights in {"hub", "random"}:
        return weights
    return os.path.relpath(Path(weights).absolute(), out.absolute().parent)
