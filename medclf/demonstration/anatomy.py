"""One made-up person's build, drawn once, so that all films of a patient resemble each other.

Lengths are centimetres of an adult of average size; `size` stretches the whole body.
The control points were set by eye against adult posteroanterior films.
"""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

from medclf.demonstration.frame import Map

# Right half of the body at each level: y, half-width of the trunk, front-to-back depth.
_TRUNK = np.array(
    [
        (-12, 5.6, 11.5), (-5, 5.3, 11.5), (-3.2, 6.0, 12), (-1.6, 8.6, 12.5), (-0.4, 12.5, 13.5),
        (1.0, 16.4, 15), (3, 18.4, 17), (6, 17.6, 20), (9, 16.6, 21.5), (13, 16.2, 22.5),
        (19, 16.2, 23), (28, 16.5, 22), (45, 17.3, 22),
    ]
)  # fmt: skip
# One lung at each level: y, distance of outer and inner edge from the midline, depth.
_LUNG = np.array(
    [
        (0.0, 5.3, 5.0, 0.0), (0.12, 6.4, 4.1, 1.2), (0.5, 7.5, 3.2, 3.2), (1.2, 8.6, 2.5, 5.8),
        (3, 10.4, 1.9, 9.5), (5, 11.6, 1.5, 12.0), (8, 12.7, 1.2, 14.0), (12, 13.6, 1.1, 15.0),
        (17, 14.2, 1.1, 15.0), (24, 14.4, 1.1, 14.5), (33, 14.0, 1.1, 13.0),
    ]
)  # fmt: skip
# The shadow between the lungs above and with the heart: y, its left and its right border. From
# y = 9 on, levels stretch with the diaphragm and borders with the heart's size.
_MIDDLE = np.array(
    [
        (-12, 2.4, 2.4), (-2, 2.5, 2.5), (0.5, 2.6, 2.6), (2.6, 2.8, 2.7), (3.6, 3.3, 2.7),
        (4.6, 3.75, 2.7), (5.6, 3.7, 2.7), (6.5, 3.2, 2.65), (7.6, 3.15, 2.6), (8.6, 3.5, 2.6),
        (9.8, 4.0, 2.65), (11.0, 4.6, 2.9), (13, 6.1, 3.5), (15.5, 7.7, 4.0), (18, 8.9, 4.2),
        (20.2, 9.4, 4.0), (22, 9.1, 3.6), (24, 7.5, 3.0), (27, 5.0, 2.6), (45, 2.5, 2.5),
    ]
)  # fmt: skip


def _through(table: np.ndarray) -> PchipInterpolator:
    return PchipInterpolator(table[:, 0], table[:, 1:])


_TRUNK_AT, _LUNG_AT = _through(_TRUNK), _through(_LUNG)


@dataclass(frozen=True)
class Anatomy:
    """The build of one made-up person.

    Attributes:
        size: of the body against the average adult.
        girth: soft tissue outside the rib cage against the average.
        chest_width: of the rib cage against the average.
        heart: size against the average; grows a little with age.
        aorta: prominence of the aortic knob; grows with age.
        unfolding: of the descending aorta, cm; grows with age.
        bone: mineral content against the average; falls with age.
        breast: thickness, cm; 0 for none.
        breast_drop: how low the breast lies, cm.
        vessels: calibre of the lung vessels against the average.
        texture: strength of the fine reticular pattern; grows with age.
        scoliosis: sideways bow of the spine, cm.
        rib_drop: steepness of the ribs against the average.
        rib_width: cm.
        domes: y of the right and the left diaphragm dome in full inspiration, cm.
        pacemaker: wears one.
        seed: of the details, such as how the vessels branch.
    """

    size: float
    girth: float
    chest_width: float
    heart: float
    aorta: float
    unfolding: float
    bone: float
    breast: float
    breast_drop: float
    vessels: float
    texture: float
    scoliosis: float
    rib_drop: float
    rib_width: float
    domes: tuple[float, float]
    pacemaker: bool
    seed: int


def draw_anatomy(generator: np.random.Generator, *, sex: str, age_years: int) -> Anatomy:
    """Draw a person's build.

    Args:
        generator: source of randomness.
        sex: "F" or "M".
        age_years: 18 to 95.
    """

    def around(mean: float, spread: float) -> float:
        return mean + spread * float(np.clip(generator.standard_normal(), -2.2, 2.2))

    female = sex == "F"
    decades = (age_years - 50) / 10
    right_dome = around(21.8, 0.9)
    return Anatomy(
        size=around(0.94 if female else 1.02, 0.035),
        girth=float(np.exp(around(0.0, 0.16))),
        chest_width=around(1.0, 0.035),
        heart=around(0.97 + 0.015 * decades, 0.07),
        aorta=around(1.0 + 0.07 * decades, 0.1),
        unfolding=max(0.0, around(0.25 + 0.18 * decades, 0.25)),
        bone=around(1.0 - 0.04 * decades, 0.1),
        breast=max(0.0, around(3.0, 1.1)) if female else 0.0,
        breast_drop=around(0.3 * decades, 0.8),
        vessels=around(1.0, 0.1),
        texture=max(0.3, around(1.0 + 0.1 * decades, 0.25)),
        scoliosis=around(0.0, 0.35),
        rib_drop=around(1.0, 0.1),
        rib_width=around(1.25, 0.09),
        domes=(right_dome, right_dome + max(0.1, around(1.1, 0.5))),
        pacemaker=bool(generator.random() < (0.06 if age_years > 60 else 0.01)),
        seed=int(generator.integers(1 << 62)),
    )


def trunk(anatomy: Anatomy, y: Map) -> tuple[Map, Map]:
    """Return half-width and depth of the trunk, each (rows, 1) float32, cm, at each y."""
    half_width, depth = _levels(_TRUNK_AT, y)
    lower = np.clip((y + 2) / 6, 0, 1)  # the neck does not grow with the waist
    stretch = 1 + (anatomy.girth - 1) * lower * 0.35
    wide = 1 + (anatomy.chest_width - 1) * lower
    return half_width * stretch * wide, depth * (1 + (anatomy.girth - 1) * lower * 0.6)


def lung(anatomy: Anatomy, y: Map) -> tuple[Map, Map, Map]:
    """Return outer edge, inner edge and depth of a lung, each (rows, 1) float32, cm, at each y.

    Above the apex the depth is 0.
    """
    outer, inner, depth = _levels(_LUNG_AT, y)
    return outer * np.float32(anatomy.chest_width), inner, depth


def middle(anatomy: Anatomy, y: Map, *, floor_cm: float, spread: float) -> tuple[Map, Map]:
    """Return the left and the right border of the shadow between the lungs.

    Args:
        anatomy: the person.
        y: (rows, 1) float32, cm.
        floor_cm: y of the left dome, on which the heart rests.
        spread: widening of the heart, 1 in full inspiration.

    Returns:
        Twice (rows, 1) float32, cm from the midline, both positive.
    """
    table = _MIDDLE.copy()
    knob = np.exp(-(((table[:, 0] - 4.9) / 1.4) ** 2))
    table[:, 1] += knob * 1.2 * (anatomy.aorta - 1)
    low = np.clip((table[:, 0] - 9) / 3, 0, 1)
    table[:, 1] *= 1 + (anatomy.heart * spread - 1) * low
    table[:, 2] *= 1 + (anatomy.heart * spread - 1) * low * 0.7
    below = table[:, 0] > 9
    table[below, 0] = 9 + (table[below, 0] - 9) * (floor_cm - 9) / (22.3 - 9)
    left, right = _levels(_through(table), y)
    return left, right


def spine_x(anatomy: Anatomy, y: Map) -> Map:
    """Return the x of the spine's middle, same shape as `y`, cm."""
    bow: Map = np.float32(anatomy.scoliosis) * np.sin((y - 4) / np.float32(7))
    return bow


def _levels(at: PchipInterpolator, y: Map) -> tuple[Map, ...]:
    values = at(np.clip(y.ravel(), at.x[0], at.x[-1])).astype(np.float32)
    return tuple(column.reshape(y.shape) for column in values.T)
