"""How pictures lie in memory here and in MONAI, so that each transform takes either.

medclf keeps arrays as images are stored, (h, w) or (h, w, 3); MONAI keeps tensors with the
channel first, (1, h, w) or (3, h, w). What comes in as a tensor goes out as one, with its
metadata where it has any.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from monai.data.meta_tensor import MetaTensor
from numpy.typing import NDArray

from medclf.errors import PixelsMisuse
from medclf.pixels.picture import Picture

Pixels = Picture | NDArray[Any] | torch.Tensor


def as_picture(value: Pixels) -> Picture:
    """Return a `Picture` of whatever a pipeline carries.

    Args:
        value: a `Picture`; an array of (h, w) or (h, w, 3); or a tensor of (1, h, w) or
            (3, h, w). Arrays and tensors hold uint8 or uint16 over their full range.

    Raises:
        PixelsMisuse: another type, shape or number of channels.
    """
    if isinstance(value, Picture):
        return value
    if isinstance(value, torch.Tensor):
        array = value.detach().cpu().numpy()
        if array.ndim == 3:
            array = array[0] if len(array) == 1 else array.transpose(1, 2, 0)
    else:
        array = np.asarray(value)
    if array.dtype not in (np.uint8, np.uint16):
        raise PixelsMisuse(
            f"The picture holds {array.dtype}; uint8 or uint16 is expected.",
            advice="Load with LoadInstanced, or cast to the range of the file before.",
        )
    if array.ndim != 2 and not (array.ndim == 3 and array.shape[2] == 3):
        raise PixelsMisuse(
            f"A picture of shape {tuple(value.shape)} is neither grey nor RGB.",
            advice="Arrays are (h, w) or (h, w, 3), tensors (1, h, w) or (3, h, w).",
        )
    return Picture(np.ascontiguousarray(array), decoder="")


def like(value: Pixels, array: NDArray[Any]) -> NDArray[Any] | torch.Tensor:
    """Lay a result out as what it was made from.

    Args:
        value: what `as_picture` was given.
        array: (h, w) or (h, w, 3).

    Returns:
        A tensor, channel first, for a tensor, on the same device; a `MetaTensor` keeps its
        metadata but for the place in space, which a crop does not keep. Else the array.
    """
    if not isinstance(value, torch.Tensor):
        return array
    first = array[np.newaxis] if array.ndim == 2 else array.transpose(2, 0, 1)
    tensor = torch.from_numpy(np.array(first)).to(value.device)
    if not isinstance(value, MetaTensor):
        return tensor
    meta = {key: item for key, item in value.meta.items() if key != "affine"}
    return MetaTensor(tensor, meta=meta)


def change(value: Pixels, rule: Callable[[Picture], NDArray[Any]]) -> NDArray[Any] | torch.Tensor:
    """Apply a rule on pictures to whatever a pipeline carries."""
    return like(value, rule(as_picture(value)))
