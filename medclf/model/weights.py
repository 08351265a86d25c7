"""Puts pretrained weights into a backbone, from a local file or from the hub.

Weights that were asked for and cannot be had are an error, never a silent random
start. A local file is data only: safetensors, or a PyTorch file read with
`weights_only=True`.
"""

import pickle
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from medclf.digest import digest_bytes, digest_file
from medclf.errors import WeightsRefused, WeightsUnavailable

MINIMUM_MATCHED = 0.95  # of the backbone's parameters; below, it is another architecture's file

_WRAPPERS = ("state_dict", "model", "model_state_dict", "teacher")
_PREFIXES = ("module.", "backbone.", "encoder.", "model.")
_HEADS = ("classifier.", "fc.", "head.", "heads.", "aux1.", "aux2.")

_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


@dataclass(frozen=True, slots=True)
class WeightsReport:
    """What was loaded and how well it fitted; part of the lineage.

    Attributes:
        source: the file's name, or `hub:` with the hub's own name, or `random`.
        digest: of the file, or of the values that the hub gave.
        matched: names of tensors that were loaded.
        missing: names in the backbone that the file lacks.
        unexpected: names in the file that the backbone lacks (a classifier's, as a rule).
    """

    source: str
    digest: str
    matched: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]


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

    `tfslim` and `inception` mean values in [-1, 1]; anything else ImageNet's mean and
    standard deviation (Szegedy et al. 2016 and Krizhevsky et al. 2012 conventions).

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
            mean, std = _HALF if "tfslim" in name or "inception" in name else _IMAGENET
            return Known(f"torchvision/{architecture}", mean, std)
    return None


def load_weights(backbone: nn.Module, name: str, source: str) -> WeightsReport:
    """Load pretrained weights into a backbone, in place.

    Args:
        backbone: as built by `build_backbone`.
        name: the backbone's name, which the hub needs.
        source: `random`, `hub`, or a path to a `.safetensors`, `.pth` or `.pt` file.

    Raises:
        WeightsUnavailable: the file is absent or the hub cannot be reached.
        WeightsRefused: the file is not data only, or fits under 95 % of the backbone.
    """
    if source == "random":
        return WeightsReport("random", "", (), (), ())
    if source == "hub":
        state = _from_hub(name)
        digest = _digest_state(state)
        label = f"hub:{name}"
    else:
        path = Path(source)
        state = _from_file(path)
        digest = digest_file(path)
        label = path.name
    return _fit_into(backbone, state, source=label, digest=digest)


def _from_file(path: Path) -> dict[str, torch.Tensor]:
    if not path.is_file():
        raise WeightsUnavailable(
            f"Weights were asked for and {path} is not a file.",
            advice="Correct `weights:` in study.yaml, take `weights: hub` where the model hub "
            "can be reached, or say `weights: random` to train from scratch on purpose.",
            path=str(path),
        )
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(path)
        except (SafetensorError, OSError) as error:
            raise _unreadable(path) from error
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise _unreadable(path) from error
    for wrapper in _WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    if not isinstance(content, dict):
        raise _unreadable(path)
    return {k: v for k, v in content.items() if isinstance(v, torch.Tensor)}


def _unreadable(path: Path) -> WeightsRefused:
    return WeightsRefused(
        f"{path} cannot be read as weights: expected safetensors, "
        "or a PyTorch file that holds tensors only.",
        advice="Save a plain state_dict; files that would run code when opened are not loaded.",
        path=str(path),
    )


def _from_hub(name: str) -> dict[str, torch.Tensor]:
    provider, _, architecture = name.partition("/")
    if provider == "medclf":
        raise WeightsUnavailable(
            f"No pretrained weights exist for {name}.",
            advice="Say `weights: random`, or choose another backbone from `medclf models`.",
            backbone=name,
        )
    try:
        if provider == "timm":
            import timm

            model = timm.create_model(architecture, pretrained=True)
            return dict(model.state_dict())
        import torchvision.models

        found = torchvision.models.get_model_weights(architecture)
        return dict(found.DEFAULT.get_state_dict(progress=False, check_hash=True))
    except (OSError, RuntimeError, ValueError) as error:
        raise WeightsUnavailable(
            f"The hub did not give the pretrained weights of {name} ({type(error).__name__}).",
            advice="Connect to the hub, or download the file elsewhere and set "
            "`weights: path/to/file.safetensors`, or say `weights: random` on purpose.",
            backbone=name,
        ) from error


def _digest_state(state: dict[str, torch.Tensor]) -> str:
    from safetensors.torch import save

    plain = {k: v.detach().cpu().contiguous().clone() for k, v in sorted(state.items())}
    return digest_bytes(save(plain))


def _bare(key: str) -> str:
    for prefix in _PREFIXES:
        key = key.removeprefix(prefix)
    return key


def _fit_into(
    backbone: nn.Module, state: dict[str, torch.Tensor], *, source: str, digest: str
) -> WeightsReport:
    own = backbone.state_dict()
    given = state if set(state) & set(own) else {_bare(k): v for k, v in state.items()}
    matched = {k: v for k, v in given.items() if k in own and v.shape == own[k].shape}
    missing = tuple(k for k in own if k not in matched)
    unexpected = tuple(k for k in given if k not in matched)
    parameters = dict(backbone.named_parameters())
    total = sum(p.numel() for p in parameters.values())
    covered = sum(p.numel() for k, p in parameters.items() if k in matched)
    if covered < MINIMUM_MATCHED * total:
        strange = [k for k in unexpected if not k.startswith(_HEADS)][:3]
        raise WeightsRefused(
            f"{source} fits {100 * covered / max(total, 1):.1f} % of the backbone's parameters; "
            f"at least {100 * MINIMUM_MATCHED:.0f} % are needed. "
            f"Missing, among others: {', '.join(missing[:3]) or 'none'}; "
            f"unexpected: {', '.join(strange) or 'none'}.",
            advice="Check that `backbone:` names the architecture that the file was made for.",
            matched=covered,
            total=total,
        )
    left_random = [key for key in missing if not key.endswith("num_batches_tracked")]
    if left_random:
        raise WeightsRefused(
            f"{source} lacks {len(left_random)} tensors of the backbone, or has them in another "
            f"shape: {', '.join(left_random[:3])}. They would stay random.",
            advice="Take `channels: 3` and the input size that the weights were made for.",
            missing=left_random,
        )
    backbone.load_state_dict(
        {**own, **{k: v.float() if v.is_floating_point() else v for k, v in matched.items()}}
    )
    return WeightsReport(source, digest, tuple(matched), missing, unexpected)
