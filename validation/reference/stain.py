"""Writes stain.json: what torchstain and HistomicsTK make of one field of two known stains.

Run where both are installed (neither is needed by medclf): python stain.py
torchstain (MIT) holds Macenko et al. 2009 with the reference of their published code;
HistomicsTK (Apache-2.0) holds Reinhard et al. 2001 with the reference of Amgad et al. 2019.
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
from histomicstk.preprocessing.color_normalization.reinhard import reinhard
from torchstain.numpy.normalizers import NumpyMacenkoNormalizer

STAINS = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11]])  # Ruifrok & Johnston 2001
SIDE = 24


def field() -> np.ndarray:
    """Mix haematoxylin and eosin, from one alone to the other alone; no glass."""
    generator = np.random.default_rng(2009)
    share = np.linspace(0, 1, SIDE * SIDE)
    amount = generator.uniform(0.9, 1.8, SIDE * SIDE)
    # A little of each everywhere, so that every pixel counts as tissue in every channel.
    amounts = amount[:, None] * np.stack([share + 0.3, 1.3 - share], axis=1)
    stains = STAINS / np.linalg.norm(STAINS, axis=1, keepdims=True)
    light = 240 * np.exp(-amounts @ stains)
    return np.rint(light.clip(0, 239)).astype(np.uint8).reshape(SIDE, SIDE, 3)


if __name__ == "__main__":
    picture = field()
    macenko, _, _ = NumpyMacenkoNormalizer().normalize(picture.copy(), Io=240, stains=False)
    mean, deviation = [8.74108109, -0.12440419, 0.0444982], [0.6135447, 0.10989545, 0.0286032]
    Path(__file__).with_suffix(".json").write_text(
        json.dumps(
            {
                "source": {
                    "macenko": f"torchstain {version('torchstain')}, NumpyMacenkoNormalizer",
                    "reinhard": f"HistomicsTK {version('histomicstk')}, reinhard",
                },
                "stains": STAINS.tolist(),
                "field": picture.tolist(),
                "macenko": macenko.astype(int).tolist(),
                "reinhard": reinhard(picture.copy(), mean, deviation).tolist(),
            },
            separators=(",", ":"),
        )
        + "\n"
    )
