"""Thickness maps of the soft parts: body, lungs, airways, heart, great vessels, gut gas.

Each map says how many centimetres of that tissue a ray crosses at each pixel. Rounded
bodies have the thickness of an ellipsoid or an elliptic cylinder, so that their edges
fade as on a real film.
"""

from dataclasses import dataclass

import numpy as np

from medclf.demonstration.anatomy import Anatomy, lung, middle, spine_x, trunk
from medclf.demonstration.frame import Frame, Map


@dataclass(frozen=True)
class Pose:
    """How the person stood for this film.

    Attributes:
        breath: 1 for full inspiration; lower lifts the diaphragm and widens the heart.
        turn_cm: shift of the front of the chest against its back, by rotation about the long axis.
        arms: 0 hanging close, 1 well abducted.
    """

    breath: float
    turn_cm: float
    arms: float


@dataclass(frozen=True)
class Lungs:
    """Air in the lungs.

    Attributes:
        air: (rows, columns) float32, cm, 0 or more; heart and vessels already displaced some.
        hull: (rows, columns) float32, cm, the same before anything displaced it.
    """

    air: Map
    hull: Map


def body(anatomy: Anatomy, frame: Frame, pose: Pose) -> Map:
    """Return the thickness of the whole body, air included: (rows, columns) float32, cm."""
    x, y = frame.x, frame.y
    half_width, depth = trunk(anatomy, y)
    total = depth * _rounded(x / half_width)
    for side in (-1, 1):
        total = np.maximum(total, _arm(x * side, y, pose.arms, anatomy.girth))
        if anatomy.breast:
            total += _breast(anatomy, x * side, y)
    return total


def lungs(anatomy: Anatomy, frame: Frame, pose: Pose) -> Lungs:
    """Return the air in both lungs."""
    x, y = frame.x, frame.y
    outer, inner, depth = lung(anatomy, y)
    centre, half = (outer + inner) / 2, (outer - inner) / 2
    hull = np.zeros((frame.rows, frame.columns), np.float32)
    for side, dome in zip((-1, 1), domes(anatomy, pose), strict=True):
        position = (x * side - centre) / half
        hull += depth * _rounded(position) * _above_diaphragm(x * side, y, dome)
    displaced = frame.enlarged(mediastinum(anatomy, frame.halved(), pose))
    return Lungs(air=np.maximum(hull - displaced, 0), hull=hull)


def domes(anatomy: Anatomy, pose: Pose) -> tuple[float, float]:
    """Return the y of the right and left diaphragm dome in this breath, cm."""
    lift = 5.0 * (1 - pose.breath)
    return anatomy.domes[0] - lift, anatomy.domes[1] - lift


def mediastinum(anatomy: Anatomy, frame: Frame, pose: Pose) -> Map:
    """Return the lung that heart and great vessels displace: (rows, columns) float32, cm."""
    x, y = frame.x, frame.y
    front = x - np.float32(pose.turn_cm)
    back = x - spine_x(anatomy, y)
    floor = domes(anatomy, pose)[1]
    left, right = middle(anatomy, y, floor_cm=floor, spread=1 + 0.25 * (1 - pose.breath))
    position = (front - (left - right) / 2) / ((left + right) / 2)
    depth = 7.0 + 3.0 * np.clip((y - 9) / 5, 0, 1)
    shadow = depth * _rounded(position)
    column = 2.2 * _rounded(back / 2.3)
    descending = 2.6 * _rounded((back - 1.2 - anatomy.unfolding) / (1.3 * min(anatomy.aorta, 1.2)))
    arch = _ellipsoid(front, y, (2.1, 5.0), (1.75 * anatomy.aorta, 1.7 * anatomy.aorta), 4.5)
    hila = np.zeros((frame.rows, frame.columns), np.float32)
    for side, level in ((-1, 9.4), (1, 8.4)):
        hila += _ellipsoid(front * side, y, (3.0, level), (2.0, 2.3), 1.6, tilt=0.5)
    below_arch = np.clip((y - 5.0) / 1.5, 0, 1)
    total: Map = shadow + column + descending * below_arch + arch + hila
    return total


def airways(frame: Frame, pose: Pose) -> Map:
    """Return the air in the windpipe and main bronchi: (rows, columns) float32, cm."""
    x, y = frame.x - np.float32(pose.turn_cm * 0.5), frame.y
    carina = 6.0
    open_until = np.clip((carina + 0.4 - y) / 0.8, 0, 1)
    total: Map = 2.0 * _rounded((x + 0.2 * np.clip(y / 5, 0, 1)) / 0.95) * open_until
    for side, slope, reach in ((-1, 0.75, 3.4), (1, 1.05, 4.2)):
        across = x * side - (y - carina + 0.5) * np.float32(slope)
        window = np.clip((y - carina + 0.3) / 0.8, 0, 1) * np.clip((carina + reach - y) / 2, 0, 1)
        total = np.maximum(total, 1.15 * _rounded(across / 0.85) * window)
    return total


def gut_gas(anatomy: Anatomy, frame: Frame, pose: Pose, generator: np.random.Generator) -> Map:
    """Return the gas under the left dome, of stomach and colon: (rows, columns) float32, cm."""
    x, y = frame.x, frame.y
    dome = domes(anatomy, pose)[1]
    total = np.zeros((frame.rows, frame.columns), np.float32)
    if generator.random() < 0.75:
        centre = (generator.uniform(5.0, 7.0), dome + generator.uniform(2.2, 2.9))
        half = (generator.uniform(1.5, 3.0), generator.uniform(0.8, 1.5))
        total += _ellipsoid(x, y, centre, half, generator.uniform(2.5, 6), tilt=-0.15)
    for _ in range(int(generator.integers(0, 4))):
        centre = (generator.uniform(5, 12), dome + generator.uniform(4.5, 8))
        half = (generator.uniform(0.8, 1.6), generator.uniform(0.7, 1.2))
        total += _ellipsoid(x, y, centre, half, generator.uniform(1.5, 3.5))
    return total


def _rounded(position: Map) -> Map:
    """Return the thickness profile of a rounded body, 1 in the middle, 0 from |position| = 1 on."""
    square = position * position
    profile: Map = np.sqrt(np.maximum(1 - square * (np.float32(0.6) + np.float32(0.4) * square), 0))
    return profile


def _ellipsoid(
    x: Map,
    y: Map,
    centre: tuple[float, float],
    half: tuple[float, float],
    depth: float,
    *,
    tilt: float = 0.0,
) -> Map:
    dx, dy = x - np.float32(centre[0]), y - np.float32(centre[1])
    cosine, sine = np.float32(np.cos(tilt)), np.float32(np.sin(tilt))
    along = (dx * cosine + dy * sine) / np.float32(half[0])
    across = (dy * cosine - dx * sine) / np.float32(half[1])
    thickness: Map = np.float32(depth) * np.sqrt(np.maximum(1 - along * along - across * across, 0))
    return thickness


def _above_diaphragm(x: Map, y: Map, dome: float) -> Map:
    """Return how much of the lung's depth lies above the diaphragm, 0 to 1.

    The dome's top is met edge on and makes a sharp line; the lung behind it reaches
    deeper and fades out.
    """
    lateral = np.clip((x - 6.3) / 8.2, 0, 1.3)
    medial = np.clip((6.3 - x) / 6.3, 0, 1)
    height = dome + 4.6 * lateral * lateral * lateral + 1.0 * lateral + 1.6 * medial * medial
    below = np.maximum(y - height, 0)
    front = np.clip(1 - below / np.float32(0.35), 0, 1)
    behind = np.clip(1 - np.sqrt(below / np.float32(5.0)), 0, 1)
    share: Map = np.float32(0.62) * front + np.float32(0.38) * behind
    return share


def _arm(x: Map, y: Map, abduction: float, girth: float) -> Map:
    """Return the upper arm of the side where x > 0, a tapering cylinder from the shoulder."""
    shoulder, elbow = (17.0, 4.4), (19.6 + 5.5 * abduction, 27.0)
    step = (elbow[0] - shoulder[0], elbow[1] - shoulder[1])
    length = float(np.hypot(*step))
    along = ((x - shoulder[0]) * step[0] + (y - shoulder[1]) * step[1]) / length**2
    along = np.clip(along, 0, 1)
    across = np.hypot(x - shoulder[0] - along * step[0], y - shoulder[1] - along * step[1])
    radius = np.float32(4.3 * girth**0.4) - np.float32(0.8) * along
    return 2 * radius * _rounded(across / radius)


def _breast(anatomy: Anatomy, x: Map, y: Map) -> Map:
    """Return the breast of the side where x > 0: thin above, with a rounded lower edge."""
    size = 1 + 0.13 * (anatomy.breast - 3)
    centre_y = 15.0 + anatomy.breast_drop
    above = np.clip((centre_y - y) / 9, 0, 1)
    across = (x - 8.8) / np.float32(6.2 * size)
    up = np.where(y < centre_y, (y - centre_y) / 11, (y - centre_y) / np.float32(6.0 * size))
    thickness = np.sqrt(np.maximum(1 - across * across - up * up, 0))
    profile: Map = np.float32(anatomy.breast) * thickness * (1 - np.float32(0.6) * above)
    return profile
