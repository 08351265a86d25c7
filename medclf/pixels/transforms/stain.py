"""Stain normalisation of H&E fields, for cohorts whose laboratories stain differently.

Off unless asked for: it helps across laboratories and costs time. Reference values are the
published ones, so that no image of a cohort is privileged.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medclf.config import Config
from medclf.pixels.transforms.resample import (
    Bits,
    as_depth,
    fitted_size,
    pad_to_square,
    resize,
)

_LEAST_TISSUE = 0.02  # share of the field; statistics of less say nothing about its stain

# Ruderman, Cronin & Chiao 1998: RGB to cone responses, and their logarithms to l-alpha-beta.
_LMS = np.array([[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]])
_LAB = np.diag([3**-0.5, 6**-0.5, 2**-0.5]) @ np.array([[1, 1, 1], [1, 1, -2], [1, -1, 0]])
# Reference of Amgad et al. 2019 (TCGA-A2-A3XS-DX1), as given with HistomicsTK.
_REINHARD_MEAN = np.array([8.74108109, -0.12440419, 0.0444982])
_REINHARD_STD = np.array([0.6135447, 0.10989545, 0.0286032])

# Macenko et al. 2009 with the reference of their published implementation.
_LIGHT = 240.0  # transmitted light, of 255
_LEAST_DENSITY = 0.15  # natural-log optical density below which a pixel is glass
_ROBUST_PERCENT = 1.0
_MACENKO_STAINS = np.array([[0.5626, 0.2159], [0.7201, 0.8012], [0.4062, 0.5581]])
_MACENKO_STRENGTH = np.array([1.9705, 1.0308])


class Stain(StrEnum):
    """Which normalisation, if any."""

    NONE = "none"
    REINHARD = "reinhard"
    MACENKO = "macenko"


class PathologyOptions(Config):
    """How a tissue field becomes a square.

    Attributes:
        stain: the stain normalisation, applied at the target size.
    """

    stain: Stain = Stain.NONE


def prepare_pathology(
    array: NDArray[Any], *, size: int, options: PathologyOptions, bits: Bits = 8
) -> NDArray[Any]:
    """Turn a tissue field into a square.

    Args:
        array: (h, w, 3), uint8 or uint16, full range, square pixels.
        size: side of the result in pixels.
        options: what to do on the way.
        bits: of the result.

    Returns:
        (size, size, 3) uint8 or uint16; padded with white, as glass is, where the field is not
        square.
    """
    height, width = fitted_size(*array.shape[:2], size=size)
    deep = as_depth(array, bits) if bits == 16 else array  # a mean of bytes has more than 8 bits
    small = as_depth(resize(deep, height=height, width=width), bits)
    return pad_to_square(normalise_stain(small, options.stain), fill=(1 << bits) - 1)


def normalise_stain(field: NDArray[Any], method: Stain) -> NDArray[Any]:
    """Give a field the colours of the reference stain.

    Args:
        field: (h, w, 3) RGB, uint8 or uint16.
        method: `Stain.NONE` gives the field back.

    Returns:
        (h, w, 3), same type. A field with hardly any tissue comes back unchanged.
    """
    if method is Stain.NONE:
        return field
    step = 1 if field.dtype == np.uint8 else 257  # the formulas below speak of 0 to 255
    flat = field.reshape(-1, 3).astype(np.float64) / step  # (pixels, 3)
    density = -np.log((flat + 1) / _LIGHT)
    rule: Callable[..., NDArray[Any] | None] = _reinhard if method is Stain.REINHARD else _macenko
    normalised = rule(flat, density)
    if normalised is None:
        return field
    rounded: NDArray[Any] = np.rint(np.clip(normalised, 0, 255) * step).astype(field.dtype)
    return rounded.reshape(field.shape)


def find_stains(field: NDArray[Any]) -> NDArray[np.float64] | None:
    """Estimate the two stain vectors of a field (Macenko et al. 2009).

    Args:
        field: (h, w, 3) RGB, uint8 or uint16.

    Returns:
        (3, 2) unit vectors of optical density for red, green and blue, haematoxylin first; None
        where there is hardly any tissue, or one stain only.
    """
    flat = field.reshape(-1, 3) / (1 if field.dtype == np.uint8 else 257)
    density = -np.log((flat + 1) / _LIGHT)
    return _stains(density)


def _reinhard(flat: NDArray[Any], density: NDArray[Any]) -> NDArray[Any] | None:
    """Match mean and deviation in l-alpha-beta (Reinhard et al. 2001), statistics from tissue.

    Tissue is what absorbs in any channel: eosin lets red through. Towards glass the change fades
    out, because the map that suits tissue would colour it.
    """
    absorbed = density.max(axis=1)
    tissue = absorbed >= _LEAST_DENSITY
    if tissue.mean() < _LEAST_TISSUE:
        return None
    lab = np.log(np.maximum(flat, 1.0) @ _LMS.T) @ _LAB.T
    mean, std = lab[tissue].mean(axis=0), lab[tissue].std(axis=0)
    if (std < 1e-6).any():
        return None
    matched = (lab - mean) / std * _REINHARD_STD + _REINHARD_MEAN
    bounded = (matched @ np.linalg.inv(_LAB).T).clip(max=np.log(1e4))  # glass may run far out
    matched = (np.exp(bounded) @ np.linalg.inv(_LMS).T).clip(0, 255)
    share = (absorbed / _LEAST_DENSITY - 1).clip(0, 1)[:, None]  # 0 for glass, 1 at twice that
    normalised: NDArray[Any] = flat + share * (matched - flat)
    return normalised


def _macenko(_: NDArray[Any], density: NDArray[Any]) -> NDArray[Any] | None:
    """Replace the two stain vectors and their strengths (Macenko et al. 2009)."""
    stains = _stains(density)
    if stains is None:
        return None
    strength = np.linalg.pinv(stains) @ density.T  # (2, pixels)
    most = np.percentile(strength, 100 - _ROBUST_PERCENT, axis=1)
    if (most <= 0).any():
        return None
    scaled = strength * (_MACENKO_STRENGTH / most)[:, None]
    normalised: NDArray[Any] = _LIGHT * np.exp(-_MACENKO_STAINS @ scaled)
    return normalised.T


def _stains(density: NDArray[Any]) -> NDArray[np.float64] | None:
    """Return (3, 2) stain vectors of (n, 3) densities; None without tissue or with one stain."""
    tissue = (density >= _LEAST_DENSITY).all(axis=1)  # as published: in every channel
    if tissue.mean() < _LEAST_TISSUE:
        return None
    density = density[tissue]
    _, vectors = np.linalg.eigh(np.cov(density.T))
    plane = vectors[:, [1, 2]]  # the two largest, ascending
    plane = plane * np.where(plane.sum(axis=0) < 0, -1.0, 1.0)  # eigenvectors have no sign
    projected = density @ plane
    angle = np.arctan2(projected[:, 1], projected[:, 0])
    ends = np.percentile(angle, [_ROBUST_PERCENT, 100 - _ROBUST_PERCENT])
    first, second = (plane @ np.array([np.cos(end), np.sin(end)]) for end in ends)
    # Haematoxylin absorbs more red than eosin does.
    stains = np.stack([first, second] if first[0] > second[0] else [second, first], axis=1)
    return None if np.linalg.cond(stains) > 1e3 else stains  # the second has no direction
