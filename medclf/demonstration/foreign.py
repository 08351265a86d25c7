"""Things on a film that are not the patient: leads, a pacemaker, the side marker, the shutter.

They come with and without the finding alike, so that none of them gives it away.
"""

import cv2
import numpy as np

from medclf.demonstration.anatomy import Anatomy
from medclf.demonstration.frame import Frame, Map, oval
from medclf.demonstration.tissue import Pose

_FULL_SHADE_CM = 0.8  # a shade of 255 stands for this thickness of metal


def metal(anatomy: Anatomy, frame: Frame, pose: Pose, generator: np.random.Generator) -> Map | None:
    """Return the metal along each ray, (rows, columns) float32, cm; None when there is none."""
    has_leads = generator.random() < 0.15
    if not (has_leads or anatomy.pacemaker):
        return None
    canvas = frame.canvas()
    if has_leads:
        _draw_leads(canvas, frame, generator)
    if anatomy.pacemaker:
        _draw_pacemaker(canvas, frame, pose, anatomy)
    return frame.ink(canvas, blur_cm=0.05) * np.float32(_FULL_SHADE_CM)


def with_marker(tone: Map, generator: np.random.Generator) -> Map:
    """Return the film with a lead letter in an upper corner: R at the patient's right, or L."""
    rows, columns = tone.shape
    right = generator.random() < 0.6
    size = float(generator.uniform(0.45, 0.7))
    left_edge = columns * generator.uniform(0.03, 0.07)
    x = left_edge if right else columns - left_edge - 24 * size
    y = rows * generator.uniform(0.07, 0.28)
    canvas = np.zeros(tone.shape, np.uint8)
    place = (int(x), int(y))
    cv2.putText(
        canvas, "R" if right else "L", place, cv2.FONT_HERSHEY_SIMPLEX, size, 255, 2, cv2.LINE_AA
    )
    letter = cv2.GaussianBlur(canvas, (0, 0), 0.6).astype(np.float32) / np.float32(255)
    marked: Map = np.maximum(tone, np.float32(0.93) * letter)
    return marked


def with_shutter(tone: Map, generator: np.random.Generator) -> Map:
    """Return the film with a black collimated border now and then."""
    if generator.random() > 0.3:
        return tone
    rows, columns = tone.shape
    top, bottom = (int(rows * share) for share in generator.uniform(0.0, 0.035, 2))
    left, right = (int(columns * share) for share in generator.uniform(0.0, 0.035, 2))
    open_field = np.zeros(tone.shape, np.float32)
    open_field[top : rows - bottom, left : columns - right] = 1
    shut: Map = tone * cv2.GaussianBlur(open_field, (0, 0), 0.7)
    return shut


def _draw_leads(canvas: np.ndarray, frame: Frame, generator: np.random.Generator) -> None:
    along = np.linspace(0, 1, 20)
    for _ in range(int(generator.integers(2, 5))):
        x, y = generator.uniform(-12, 12), generator.uniform(2, 20)
        frame.fill(canvas, oval((x, y), (0.55, 0.55)), 26)
        frame.fill(canvas, oval((x, y), (0.25, 0.25)), 90)
        end_x, end_y = np.sign(x) * generator.uniform(9, 24), generator.uniform(30, 44)
        bends = generator.uniform(-2.5, 2.5), generator.uniform(-1, 1)
        sway = bends[0] * np.sin(along * np.pi) + bends[1] * np.sin(along * 2 * np.pi)
        wire = np.stack([x + (end_x - x) * along + sway, y + (end_y - y) * along], axis=1)
        frame.strokes(canvas, wire[None], width_cm=0.16, shade=26)


def _draw_pacemaker(canvas: np.ndarray, frame: Frame, pose: Pose, anatomy: Anatomy) -> None:
    box_y = 5.2
    knots = np.array(
        [
            (8.6, box_y - 1.4),
            (5.2, 2.4),
            (1.0, 3.0),
            (-2.0, 6.0),
            (-2.3, 12.0),
            (0.5, 17.6),
            (5.2, 18.4),
        ]
    )
    steps = np.linspace(0, len(knots) - 1, 60)
    index = np.arange(len(knots))
    lead = np.stack([np.interp(steps, index, knots[:, axis]) for axis in (0, 1)], axis=1)
    kernel = np.hanning(15) / np.hanning(15).sum()
    padded = np.pad(lead, ((7, 7), (0, 0)), mode="edge")
    lead = np.stack([np.convolve(padded[:, axis], kernel, "valid") for axis in (0, 1)], axis=1)
    lead[:, 0] = lead[:, 0] * anatomy.chest_width + pose.turn_cm
    frame.strokes(canvas, lead[None], width_cm=0.2, shade=80)
    frame.fill(canvas, oval((9.4, box_y), (2.3, 2.0), tilt=0.3), 150)
    frame.fill(canvas, oval((9.2, box_y + 0.4), (1.3, 1.0), tilt=0.3), 220)
