"""The bones of the chest as centimetres of bone along each ray.

Every bone is a shell of cortex around a thinner core: its outline is filled with the
shell's thickness, the inner outline with the core's, which gives the bright rims that
ribs and collar bones show on a film.
"""

from dataclasses import dataclass

import numpy as np

from medclf.demonstration.anatomy import Anatomy, lung, spine_x
from medclf.demonstration.frame import Frame, Map, Points, band, blurred, oval
from medclf.demonstration.tissue import Pose

_FULL_SHADE_CM = 2.0  # a shade of 255 stands for this thickness of bone
_FIRST_RIB_Y = -0.9
_RIB_STEP = 2.45


@dataclass
class _Sheet:
    """One drawing sheet; bones on the same sheet hide each other, sheets add up."""

    frame: Frame

    def __post_init__(self) -> None:
        self.canvas = self.frame.canvas()

    def tube(self, line: Points, width: np.ndarray, *, shell_cm: float, core_cm: float) -> None:
        self.outline(band(line, width), shell_cm)
        self.outline(band(line, np.maximum(width - 0.34, width * 0.4)), core_cm)

    def outline(self, points: Points, thickness_cm: float) -> None:
        self.frame.fill(self.canvas, points, round(255 * thickness_cm / _FULL_SHADE_CM))

    def bone(self) -> Map:
        return self.frame.ink(self.canvas) * np.float32(_FULL_SHADE_CM)


def bones(anatomy: Anatomy, frame: Frame, pose: Pose) -> Map:
    """Return the bone along each ray: (rows, columns) float32, cm."""
    back, front, girdle, upper = (_Sheet(frame) for _ in range(4))
    for side in (-1, 1):
        for number in range(1, 12):
            _rib(back, front, anatomy, pose, side, number)
        _shoulder_blade(girdle, pose, side)
        _collar_bone(upper, anatomy, pose, side)
        _upper_arm(upper, pose, side)
    spine, arches = _spine(anatomy, frame)
    crisp = back.bone() + upper.bone() + spine.bone() + arches.bone()
    soft = front.bone() + girdle.bone()  # thin and slanting: no crisp rims
    total = blurred(crisp, frame.pixels(0.09)) + blurred(soft, frame.pixels(0.14))
    return total * np.float32(anatomy.bone)


def _rib(back: _Sheet, front: _Sheet, anatomy: Anatomy, pose: Pose, side: int, number: int) -> None:
    """Draw one rib as a loop: from the spine outward on one sheet, forward on the other."""
    start_y = _FIRST_RIB_Y + _RIB_STEP * (number - 1)
    drop_back = (1.6 + 0.62 * number - 0.02 * number**2) * anatomy.rib_drop
    drop_front = (2.0 + 0.42 * number) * anatomy.rib_drop
    level = np.array([[start_y + drop_back]], np.float32)
    reach = max(5.2, float(lung(anatomy, level)[0][0, 0]) + 0.25)
    angle = np.linspace(0.13, np.pi * (0.80 if number > 2 else 0.76), 48)
    forward = np.clip(-np.cos(angle), 0, 1)
    arch = 0.75 * (1 - np.cos(np.minimum(angle, np.pi / 2))) + 0.25 * np.minimum(
        angle / (np.pi / 2), 1
    )
    y = start_y + drop_back * arch + drop_front * (forward + 0.25 * forward**2)
    turn = pose.turn_cm * np.clip(0.5 - 0.5 * np.cos(angle), 0, 1)
    x = side * (1.3 + (reach - 1.3) * np.sin(angle)) + turn
    x = x + _spine_at(anatomy, start_y) * np.clip(np.cos(angle), 0, 1)
    line = np.stack([x, y], axis=1)
    width = anatomy.rib_width * (0.92 + 0.22 * forward) * (0.85 if number in (1, 11) else 1.0)
    half = 25
    back.tube(line[:half], width[:half], shell_cm=0.85, core_cm=0.60)
    if number < 10:
        front.tube(line[half - 2 :], width[half - 2 :] * 1.06, shell_cm=0.52, core_cm=0.40)


def _collar_bone(sheet: _Sheet, anatomy: Anatomy, pose: Pose, side: int) -> None:
    inner = np.array([side * 1.9 + pose.turn_cm, 2.6])
    outer = np.array([side * 16.2, 0.3 + 0.8 * (1 - pose.arms)])
    along = np.linspace(0, 1, 24)
    line = inner + (outer - inner) * along[:, None]
    line[:, 1] += -0.75 * np.sin(along * np.pi * 2) * (1 - 0.35 * along) - 0.5 * np.sin(
        along * np.pi
    )
    width = 1.15 + 0.75 * np.exp(-along * 9) + 0.35 * np.exp(-((1 - along) * 6))
    sheet.tube(line, width * (0.92 + 0.08 * anatomy.bone), shell_cm=1.05, core_cm=0.75)


def _shoulder_blade(sheet: _Sheet, pose: Pose, side: int) -> None:
    out = 1.6 * pose.arms
    blade = np.array(
        [
            (11.6 + out, 1.2), (12.8 + out, 0.6), (15.4, 2.0), (16.2, 4.2), (15.8, 6.0),
            (14.9 + out, 9.5), (13.9 + out, 13.4), (13.0 + out, 14.3), (12.3 + out, 13.2),
            (11.7 + out, 9.0), (11.2 + out, 4.5),
        ]
    ) * np.array([side, 1.0])  # fmt: skip
    sheet.outline(_smooth(blade), 0.28)
    edge = _smooth(blade[3:8])[8:-8]
    sheet.tube(edge, np.linspace(1.3, 0.6, len(edge)), shell_cm=0.55, core_cm=0.42)
    ridge = np.array([(12.2 + out, 3.4), (14.2 + out * 0.5, 1.9), (16.8, 0.7)]) * [side, 1.0]
    sheet.tube(_smooth(ridge)[6:-6], np.full(36, 1.0), shell_cm=0.5, core_cm=0.36)


def _upper_arm(sheet: _Sheet, pose: Pose, side: int) -> None:
    head = (side * 17.6, 3.6)
    elbow = np.array([side * (19.6 + 5.5 * pose.arms), 27.0])
    start = np.array([side * 18.2, 4.6])
    along = np.linspace(0, 1, 16)
    line = start + (elbow - start) * along[:, None]
    width = 2.2 + 1.6 * np.exp(-along * 7)
    sheet.outline(band(line, width), 1.0)
    sheet.outline(band(line[2:], width[2:] - 0.9), 0.62)
    sheet.outline(oval(head, (2.45, 2.45)), 0.85)
    sheet.outline(oval(head, (2.2, 2.2)), 0.72)


def _spine(anatomy: Anatomy, frame: Frame) -> tuple[_Sheet, _Sheet]:
    """Draw vertebral bodies on one sheet, their arches and processes on another."""
    bodies, arches = _Sheet(frame), _Sheet(frame)
    bottom_cm = float(frame.y[-1, 0]) + _RIB_STEP
    for number in range(-3, int((bottom_cm - _FIRST_RIB_Y) / _RIB_STEP) + 1):
        growth = 1 + 0.028 * min(max(number, -2), 15)
        height = 2.0 + 0.012 * number
        y = _FIRST_RIB_Y + _RIB_STEP * number + 0.2
        x = _spine_at(anatomy, y)
        half = 1.42 * growth
        waist = 0.90 * half
        top, bottom = y - height / 2, y + height / 2
        plate = np.array(
            [
                (x - half, top), (x, top + 0.08), (x + half, top), (x + waist, y),
                (x + half, bottom), (x, bottom - 0.08), (x - half, bottom), (x - waist, y),
            ]
        )  # fmt: skip
        dense = 1.0 if number >= 0 else 0.6
        bodies.outline(plate, 0.80 * dense)
        core = (plate - [x, y]) * [0.88, 0.80] + [x, y]
        bodies.outline(core, 0.58 * dense)
        for side in (-1, 1):
            process = np.array(
                [(x + side * 0.9, y - 0.1), (x + side * 2.9 * growth**0.5, y - 0.45)]
            )
            arches.tube(process, np.array([0.8, 0.6]), shell_cm=0.32, core_cm=0.22)
            pedicle = (x + side * 0.93 * growth, y - 0.12)
            arches.outline(oval(pedicle, (0.40, 0.55)), 0.55)
            arches.outline(oval(pedicle, (0.24, 0.37)), 0.32)
        spinous = np.array([(x, y - 0.25), (x, y + 0.95 * growth)])
        arches.tube(spinous, np.array([0.35, 0.62]), shell_cm=0.55, core_cm=0.35)
    return bodies, arches


def _spine_at(anatomy: Anatomy, y: float) -> float:
    return float(spine_x(anatomy, np.array([y], np.float32))[0])


def _smooth(points: Points) -> Points:
    """Return a rounded line through corners: (48, 2), by averaging along a dense polyline."""
    steps = np.linspace(0, len(points) - 1, 48)
    index = np.arange(len(points))
    dense = np.stack([np.interp(steps, index, points[:, axis]) for axis in (0, 1)], axis=1)
    padded = np.pad(dense, ((2, 2), (0, 0)), mode="edge")
    return np.stack([np.convolve(padded[:, axis], np.full(5, 0.2), "valid") for axis in (0, 1)], 1)
