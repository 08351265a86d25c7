"""Puts pretrained weights into a backbone, from a local file or from the hub.

Weights that were asked for and cannot be had are an error, never a silent random
start. A local file is data only: safetensors, or a PyTorch file read with
`weights_only=True`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from medclf.digest import digest_file
from medclf.errors import WeightsRefused
from medclf.model.hub import fetch
from medclf.model.listed import HALF, IMAGENET, find_listed
from medclf.model.weights_file import read_state
from medclf.model.weights_fit import few, fit_into

_NAMED = 10  # tensors that the lineage names of each sort
NOT_STATED = "not stated"


@dataclass(frozen=True, slots=True)
class WeightsReport:
    """What was loaded and how well it fitted; part of the lineage.

    Attributes:
        source: the file's name, or `hub:` with the hub's own name, or `random`.
        digest: of the file.
        matched: names of tensors that were loaded.
        missing: names in the backbone that the file lacks.
        unexpected: names in the file that the backbone lacks (a classifier's, as a rule).
        adapted: tensors that were changed to fit another size or number of channels, with
            their shapes before and after.
        licence: of the weights, as their publisher or the study states it.
        repository: where on a hub they come from; empty for a local file.
        revision: the hub's commit; empty where there is none.
    """

    source: str
    digest: str
    matched: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    adapted: tuple[str, ...] = ()
    licence: str = ""
    repository: str = ""
    revision: str = ""

    def facts(self) -> dict[str, Any]:
        """Return what the lineage keeps: counts, and the names that a person asks for."""
        return {
            "source": self.source,
            "digest": self.digest,
            "repository": self.repository,
            "revision": self.revision,
            "licence": self.licence,
            "matched": len(self.matched),
            "missing": len(self.missing),
            "unexpected": len(self.unexpected),
            "missing_names": list(self.missing[:_NAMED]),
            "unexpected_names": list(self.unexpected[:_NAMED]),
            "adapted": list(self.adapted),
        }

    def __str__(self) -> str:
        if self.source == "random":
            return "random: trained from scratch"
        at = f" at {self.revision[:12]}" if self.revision else ""
        parts = [f"{len(self.matched)} tensors loaded"]
        if self.missing:
            parts.append(f"{len(self.missing)} missing")
        if self.unexpected:
            parts.append(f"{len(self.unexpected)} not used ({few(self.unexpected)})")
        if self.adapted:
            parts.append(f"{len(self.adapted)} fitted ({self.adapted[0]})")
        return f"{self.source}{at}: {', '.join(parts)}; licence {self.licence or NOT_STATED}"


@dataclass(frozen=True, slots=True)
class Known:
    """A weights file recognised by its name.

    Attributes:
        backbone: `provider/architecture`.
        mean: (3,) that the network expects to be taken off, for values in [0, 1].
        std: (3,) that the network expects to be divided by.
    """

    backbone: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


def recognise(file_name: str) -> Known | None:
    """Tell backbone and normalisation from the name of a weights file, if it says them.

    `tfslim` and `inception` mean values in [-1, 1]; anything else what `medclf models` lists
    for the backbone, or ImageNet's mean and standard deviation.

    >>> recognise("mobilenet_v2-b0353104.pth").backbone
    'torchvision/mobilenet_v2'
    """
    name = file_name.lower()
    names = (
        "mobilenet_v2",
        "squeezenet1_1",
        "squeezenet1_0",
        "resnet18",
        "resnet34",
        "resnet50",
        "resnet101",
        "resnet152",
        "densenet121",
        "efficientnet_b0",
        "convnext_tiny",
        "vgg16",
        "alexnet",
        "googlenet",
    )
    for architecture in names:
        if name.startswith(architecture):
            backbone = f"torchvision/{architecture}"
            if "tfslim" in name or "inception" in name:
                return Known(backbone, *HALF)
            listed = find_listed(backbone)
            mean, std = (listed.mean, listed.std) if listed else IMAGENET
            return Known(backbone, mean, std)
    return None


def load_weights(
    backbone: nn.Module,
    name: str,
    source: str,
    *,
    revision: str | None = None,
    digest: str | None = None,
    licence: str = "",
) -> WeightsReport:
    """Load pretrained weights into a backbone, in place.

    Args:
        backbone: as built by `build_backbone`.
        name: the backbone's name, which the hub needs.
        source: `random`, `hub`, or a path to a `.safetensors`, `.pth` or `.pt` file.
        revision: of the hub's repository; its main branch when None.
        digest: that the file must have; any when None.
        licence: of a local file, as the study states it.

    Raises:
        WeightsUnavailable: the file is absent or the hub cannot be reached.
        WeightsRefused: the file is not data only, has another digest, or fits under 95 % of
            the backbone.
    """
    if source == "random":
        return WeightsReport("random", "", (), (), ())
    repository = commit = ""
    if source == "hub":
        fetched = fetch(name, revision)
        path, found, label = fetched.path, fetched.digest, f"hub:{fetched.repository}"
        repository, commit, licence = fetched.repository, fetched.revision, fetched.licence
    else:
        path = Path(source)
        found = digest_file(path) if path.is_file() else ""
        label = path.name
        listed = find_listed(name)
        if not licence and listed is not None and listed.provider == "foundation":
            licence = listed.licence
    if digest is not None and found and digest != found:
        raise WeightsRefused(
            f"{label} has the digest {found}; the study names {digest}.",
            advice="Get the file that the study was made for, or correct `weights_digest`.",
            found=found,
            expected=digest,
        )
    match = fit_into(backbone, read_state(path), source=label)
    return WeightsReport(
        source=label,
        digest=found,
        matched=match.matched,
        missing=match.missing,
        unexpected=match.unexpected,
        adapted=match.adapted,
        licence=licence or NOT_STATED,
        repository=repository,
        revision=commit,
    )
