"""The finding, patchy consolidation, and the harmless streaks that may be taken for it."""

from dataclasses import dataclass

import numpy as np

from medclf.demonstration.frame import Frame, Map, blurred, clouds
from medclf.demonstration.tissue import Lungs

_FAINT_SHARE = 0.15  # of films with the finding; they keep the task from being trivial


@dataclass(frozen=True)
class Patch:
    """One ill-defined patch.

    Attributes:
        x_cm: centre.
        y_cm: centre.
        radius_cm: of the zone it lies in, sideways.
        stretch: height over width.
        strength: share of air replaced where it is densest, in (0, 1].
    """

    x_cm: float
    y_cm: float
    radius_cm: float
    stretch: float
    strength: float


def draw_patches(generator: np.random.Generator, *, floor_cm: float) -> tuple[Patch, ...]:
    """Draw one to three patches, from hardly visible to plain.

    Args:
        generator: source of randomness.
        floor_cm: y of the higher diaphragm dome, the lower bound of the zone.
    """
    number = int(generator.choice([1, 2, 3], p=[0.62, 0.28, 0.10]))
    faint = generator.random() < _FAINT_SHARE
    strength = float(generator.uniform(0.15, 0.4) if faint else generator.uniform(0.55, 0.85))
    side = int(generator.choice([-1, 1]))
    patches = []
    for _ in range(number):
        if generator.random() < 0.3:
            side = -side
        lower = generator.random() < 0.65
        y = generator.uniform(floor_cm - 7, floor_cm - 1.0) if lower else generator.uniform(3.5, 11)
        patches.append(
            Patch(
                x_cm=side * float(generator.uniform(5.5, 10.5)),
                y_cm=float(y),
                radius_cm=float(generator.uniform(3.2, 6.0)),
                stretch=float(generator.uniform(0.7, 1.4)),
                strength=strength * float(generator.uniform(0.7, 1.0)),
            )
        )
    return tuple(patches)


def replaced_air(
    patches: tuple[Patch, ...], lungs: Lungs, frame: Frame, generator: np.random.Generator
) -> Map:
    """Return the share of air that fluid replaces: (rows, columns) float32 in [0, 0.9].

    The edge of a patch is where fractal noise, lifted towards its centre, crosses a level:
    ragged, blurred and broken by still aerated islands.
    """
    share = np.zeros((frame.rows, frame.columns), np.float32)
    if not patches:
        return share
    noise = clouds(generator, frame, (4.0, 2.2, 1.2, 0.6))
    for patch in patches:
        dx = (frame.x - np.float32(patch.x_cm)) / np.float32(patch.radius_cm)
        dy = (frame.y - np.float32(patch.y_cm)) / np.float32(patch.radius_cm * patch.stretch)
        envelope = np.exp(-(dx * dx + dy * dy))
        level = np.clip(envelope * (1.25 + np.float32(0.5) * noise) - np.float32(0.22), 0, 1)
        share = np.maximum(share, np.float32(patch.strength) * level)
    inside = np.clip(lungs.hull / np.float32(6.0), 0, 1)
    return np.clip(blurred(share * inside, frame.pixels(0.18)), 0, 0.9)


def streaks(frame: Frame, generator: np.random.Generator, *, floor_cm: float) -> Map:
    """Return plate-like streaks above the diaphragm, with or without the finding.

    Returns:
        (rows, columns) float32, cm of tissue instead of air.
    """
    canvas = frame.canvas()
    if generator.random() < 0.3:
        for _ in range(int(generator.integers(1, 4))):
            side = generator.choice([-1, 1])
            x, y = side * generator.uniform(5, 11), floor_cm - generator.uniform(0.5, 4.5)
            half, slope = generator.uniform(1.0, 2.8), side * generator.uniform(-0.1, 0.5)
            across = np.linspace(-1, 1, 7)
            bow = generator.uniform(-0.3, 0.3) * across**2
            line = np.stack([x + half * across, y + slope * half * across + bow], axis=1)
            width = generator.uniform(0.15, 0.5)
            frame.strokes(
                canvas, line[None], width_cm=width, shade=int(generator.integers(70, 230))
            )
    return frame.ink(canvas, blur_cm=0.15) * np.float32(2.0)
