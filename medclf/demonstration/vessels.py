"""The branching vessels of the lungs, drawn as trees that grow out of each hilum."""

import numpy as np

from medclf.demonstration.anatomy import Anatomy
from medclf.demonstration.frame import Frame, Map, Points

_GENERATIONS = 6
_FULL_SHADE_CM = 1.6  # a shade of 255 stands for this thickness
_HILUM = {-1: (-3.3, 9.0), 1: (3.7, 8.2)}  # the left hilum is the higher one


def vessels(anatomy: Anatomy, frame: Frame) -> Map:
    """Return the vessels' thickness along each ray: (rows, columns) float32, cm.

    The trees are the person's own: they come from `anatomy.seed`, not from the film.
    """
    generator = np.random.default_rng(anatomy.seed)
    arteries, veins = frame.canvas(), frame.canvas()
    for side, hilum in _HILUM.items():
        for canvas, roots, calibre in ((arteries, 8, 1.0), (veins, 7, 0.85)):
            tree = _grow(generator, np.array(hilum), side, roots)
            for generation in reversed(range(_GENERATIONS)):
                width = 0.95 * calibre * anatomy.vessels * 0.70**generation
                frame.strokes(
                    canvas,
                    tree[generation],
                    width_cm=width,
                    shade=round(255 * min(1.0, 0.8 * width / _FULL_SHADE_CM + 0.02)),
                )
        trunk = np.array([[hilum, (hilum[0] + side * 0.45, hilum[1] + 2.4)]])
        frame.strokes(arteries, trunk, width_cm=1.1 * anatomy.vessels, shade=100)
    drawn = frame.ink(arteries, blur_cm=0.10) + frame.ink(veins, blur_cm=0.10)
    return drawn * np.float32(_FULL_SHADE_CM)


def _grow(generator: np.random.Generator, hilum: np.ndarray, side: int, roots: int) -> list[Points]:
    """Return the branches of each generation, (branches, 4, 2) float64, cm."""
    fan = np.linspace(-1.45, 1.35, roots) + generator.normal(0, 0.10, roots)
    start = hilum + generator.normal(0, [0.35, 0.7], (roots, 2))
    angle = fan  # 0 points outward, positive down
    length = generator.uniform(1.8, 2.9, roots) * (1 + 0.35 * np.abs(np.sin(fan)))
    steps = np.linspace(0, 1, 4)[None, :, None]
    tree: list[Points] = []
    for _ in range(_GENERATIONS):
        bend = generator.normal(0, 0.22, len(angle))
        turned = angle[:, None] + bend[:, None] * steps[0, :, 0]
        direction = np.stack([side * np.cos(turned), np.sin(turned)], axis=2)
        lines = start[:, None, :] + steps * length[:, None, None] * direction
        tree.append(lines)
        spread = generator.uniform(0.25, 0.6, len(angle))
        lean = generator.choice([-1.0, 1.0], len(angle)) * spread * 0.35
        start = np.repeat(lines[:, -1], 2, axis=0)
        tips = angle + bend
        angle = np.stack([tips + lean + spread * 0.65, tips + lean - spread * 0.65], 1).ravel()
        length = np.repeat(length * 0.80, 2) * generator.uniform(0.75, 1.2, 2 * len(length))
    return tree
