"""Drawing one phantom's film: the layers of the body, then the exposure."""

import cv2
import numpy as np
from numpy.typing import NDArray

from medclf.demonstration.cast import OPACITY, Phantom
from medclf.demonstration.exposure import (
    BONE_EXTRA_PER_CM,
    METAL_PER_CM,
    SOFT_PER_CM,
    develop,
)
from medclf.demonstration.foreign import metal, with_marker, with_shutter
from medclf.demonstration.frame import Frame, Map, clouds
from medclf.demonstration.opacity import draw_patches, replaced_air, streaks
from medclf.demonstration.skeleton import bones
from medclf.demonstration.tissue import Pose, airways, body, domes, gut_gas, lungs
from medclf.demonstration.vessels import vessels

_AERATION = 0.74  # share of a lung's volume that is air in inspiration


def draw_film(facts: Phantom, generator: np.random.Generator) -> NDArray[np.uint16]:
    """Draw one film.

    Args:
        facts: whose film, on which device, with or without the finding.
        generator: of everything that differs from film to film: posture, exposure, noise,
            and where the finding lies.

    Returns:
        (rows, columns) uint16, 0 to 4095, bright where dense (MONOCHROME2 sense).
    """
    device = facts.device
    frame = _place(facts, generator)
    pose = Pose(
        breath=float(np.clip(generator.normal(0.93, 0.08), 0.7, 1.05)),
        turn_cm=float(generator.normal(0, 0.35)),
        arms=float(generator.uniform(0.2, 1.0)),
    )
    depth = _optical_depth(facts, frame, pose, generator)
    depth = _tilted(depth, float(generator.normal(0, 1.2)))
    dose = float(np.exp(generator.normal(0, 0.35)))
    tone = develop(depth, frame, device, generator, dose=dose)
    tone = np.power(tone, np.float32(np.exp(generator.normal(0, 0.07))))
    if generator.random() < 0.8:
        tone = with_marker(tone, generator)
    tone = with_shutter(tone, generator)
    low, high = device.span
    return np.round(np.float32(low) + np.float32(high - low) * tone).astype(np.uint16)


def _place(facts: Phantom, generator: np.random.Generator) -> Frame:
    """Lay the film over the chest, not quite centred."""
    device = facts.device
    scale = facts.anatomy.size / device.pixel_cm * float(np.exp(generator.normal(0, 0.02)))
    return Frame(
        rows=device.rows,
        columns=device.columns,
        pixels_per_cm=scale,
        left_cm=-device.columns / 2 / scale + float(generator.normal(0, 0.4)),
        top_cm=-4.0 + float(generator.normal(0, 0.6)),
    )


def _optical_depth(facts: Phantom, frame: Frame, pose: Pose, generator: np.random.Generator) -> Map:
    """Add up what each ray meets, each tissue by its attenuation."""
    anatomy = facts.anatomy
    lung = lungs(anatomy, frame, pose)
    floor = min(domes(anatomy, pose))
    patches = draw_patches(generator, floor_cm=floor) if facts.label == OPACITY else ()
    aerated = 1 - replaced_air(patches, lung, frame, generator)
    inside = np.clip(lung.hull / np.float32(4.0), 0, 1)
    tissue = np.float32(1.6) * vessels(anatomy, frame) + streaks(frame, generator, floor_cm=floor)
    air = np.maximum(lung.air * np.float32(_AERATION) - tissue * inside, 0) * aerated
    air *= 1 + np.float32(0.012 * anatomy.texture) * clouds(generator, frame, (0.9, 0.5, 0.3))
    half = frame.halved()
    outer = body(anatomy, half, pose) - airways(half, pose)
    outer -= gut_gas(anatomy, half, pose, generator)
    soft = np.maximum(frame.enlarged(outer) - air, 0)
    soft *= 1 + np.float32(0.012) * clouds(generator, frame, (8.0, 4.0, 2.0))
    bone = bones(anatomy, frame, pose) * np.clip(soft / np.float32(3.0), 0, 1)
    depth: Map = np.float32(SOFT_PER_CM) * soft + np.float32(BONE_EXTRA_PER_CM) * bone
    foreign = metal(anatomy, frame, pose, generator)
    return depth if foreign is None else depth + np.float32(METAL_PER_CM) * foreign


def _tilted(depth: Map, degrees: float) -> Map:
    rows, columns = depth.shape
    matrix = cv2.getRotationMatrix2D((columns / 2, rows / 2), degrees, 1.0)
    turned = cv2.warpAffine(
        depth, matrix, (columns, rows), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.maximum(turned, 0).astype(np.float32, copy=False)
