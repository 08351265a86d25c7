"""Fits the tensors of a weights file to a backbone, and refuses what was made for another.

Position embeddings, patch kernels and Swin's tables of relative position bias are resized by
timm's own functions, the first convolution by ours; everything else must fit as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from medclf.errors import WeightsRefused
from medclf.model.first_convolution import first_convolutions, fit_kernels
from medclf.model.key_names import translate
from medclf.model.timm_body import filter_of
from medclf.model.weights_file import State

MINIMUM_MATCHED = 0.95  # of the backbone's parameters; below, it is another architecture's file

_HEADS = ("classifier.", "fc.", "head.", "heads.", "head_dist.", "aux1.", "aux2.")
_HARMLESS = ("num_batches_tracked", "relative_position_index", "attn_mask")


@dataclass(frozen=True, slots=True)
class Match:
    """How the tensors of a file fitted a backbone.

    Attributes:
        matched: names of tensors that were loaded.
        missing: names in the backbone that the file lacks.
        unexpected: names in the file that the backbone lacks (a classifier's, as a rule).
        adapted: tensors that were changed to fit another size or number of channels, with
            their shapes before and after.
    """

    matched: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    adapted: tuple[str, ...]


def fit_into(backbone: nn.Module, state: State, *, source: str) -> Match:
    """Load the tensors of a file into a backbone, in place, when they fit it.

    Args:
        backbone: as built by `build_backbone`; left as it was when the file is refused.
        state: as read from the file.
        source: what to call the file.

    Raises:
        WeightsRefused: under 95 % of the backbone's parameters are in it, a tensor of the
            backbone would stay random, a tensor inside the file's body would be left out, or
            values are not finite.
    """
    own = backbone.state_dict()
    named = translate(state, own)
    given = _fitted(backbone, named, source)
    matched = {k: v for k, v in given.items() if k in own and v.shape == own[k].shape}
    missing = tuple(k for k in own if k not in matched)
    unexpected = tuple(k for k in given if k not in matched)
    _refuse_unlike(backbone, matched, missing, unexpected, source)
    adapted = tuple(
        f"{k} {_shape(named[k])} → {_shape(v)}"
        for k, v in matched.items()
        if k in named and named[k].shape != v.shape
    )
    backbone.load_state_dict(
        {**own, **{k: v.float() if v.is_floating_point() else v for k, v in matched.items()}}
    )
    return Match(tuple(matched), missing, unexpected, adapted)


def _fitted(backbone: nn.Module, state: State, source: str) -> State:
    """Fit position embeddings, bias tables and the first convolution to this very network."""
    own = backbone.state_dict()
    resize = filter_of(backbone)
    if resize is not None:
        try:
            state = resize(dict(state), backbone)
        except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
            raise WeightsRefused(
                f"{source} cannot be fitted to {type(backbone).__name__} "
                f"({type(error).__name__} in timm's own conversion).",
                advice="Check that `backbone:` names the architecture that the file was made for.",
            ) from error
    for name in first_convolutions(backbone):
        key = f"{name}.weight"
        if key in state and key in own and state[key].ndim == own[key].ndim == 4:
            before, after = state[key].shape, own[key].shape
            if before[1] != after[1] and before[0] == after[0] and before[2:] == after[2:]:
                state = {**state, key: fit_kernels(state[key].float(), after[1])}
    return state


def _refuse_unlike(
    backbone: nn.Module,
    matched: State,
    missing: tuple[str, ...],
    unexpected: tuple[str, ...],
    source: str,
) -> None:
    """Refuse a file that was made for another network, or that holds no numbers.

    Raises:
        WeightsRefused: with what is missing and what is left over.
    """
    parameters = dict(backbone.named_parameters())
    total = sum(p.numel() for p in parameters.values())
    covered = sum(p.numel() for k, p in parameters.items() if k in matched)
    own_parts = {key.partition(".")[0] for key in backbone.state_dict()}
    strange = [k for k in unexpected if not k.startswith(_HEADS) and not k.endswith(_HARMLESS)]
    if covered < MINIMUM_MATCHED * total:
        raise WeightsRefused(
            f"{source} fits {100 * covered / max(total, 1):.1f} % of the backbone's parameters; "
            f"at least {100 * MINIMUM_MATCHED:.0f} % are needed. "
            f"Missing, among others: {few(missing) or 'none'}; "
            f"unexpected: {few(strange) or 'none'}.",
            advice="Check that `backbone:` names the architecture that the file was made for.",
            matched=covered,
            total=total,
        )
    left_random = [key for key in missing if not key.endswith(_HARMLESS)]
    if left_random:
        raise WeightsRefused(
            f"{source} lacks {len(left_random)} tensors of the backbone, or has them in another "
            f"shape: {few(left_random)}. They would stay random.",
            advice="Check that `backbone:` names the architecture that the file was made for.",
            missing=left_random,
        )
    left_out = [key for key in strange if key.partition(".")[0] in own_parts]
    if left_out:
        raise WeightsRefused(
            f"{source} holds {len(left_out)} tensors inside the body that this backbone has no "
            f"place for: {few(left_out)}. Without them it would be another network.",
            advice="Choose the backbone that has them: a deeper one, or one with layer scale "
            "such as foundation/uni.",
            unexpected=left_out,
        )
    broken = [k for k, v in matched.items() if v.is_floating_point() and not v.isfinite().all()]
    if broken:
        raise WeightsRefused(
            f"{source} holds values that are no finite numbers, in {few(broken)}.",
            advice="Get the file again from its publisher.",
        )


def few(names: Sequence[str]) -> str:
    """Return the first three names."""
    more = ", …" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _shape(tensor: torch.Tensor) -> str:
    return " × ".join(str(side) for side in tensor.shape)
