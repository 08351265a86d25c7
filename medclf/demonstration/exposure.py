"""From centimetres of tissue to a film: attenuation, scatter, noise, and a device's look."""

from dataclasses import dataclass

import cv2
import numpy as np

from medclf.demonstration.frame import Frame, Map, blurred

# Linear attenuation per cm at the mean energy of a filtered 120 kV beam, about 65 keV
# (NIST XCOM, rounded; bone against the soft tissue it replaces).
SOFT_PER_CM = 0.195
BONE_EXTRA_PER_CM = 0.30
METAL_PER_CM = 4.0


@dataclass(frozen=True)
class Device:
    """How one make of detector and its software show a chest.

    Attributes:
        model: ManufacturerModelName.
        maker: Manufacturer.
        serial: DeviceSerialNumber.
        rows: film height, pixels.
        columns: film width, pixels.
        pixel_cm: pixel spacing at the detector.
        inverted: stores MONOCHROME1, where dense is low.
        detail: strength of the edge enhancement.
        flatten: share of the coarse contrast taken away, in [0, 1).
        slope: steepness of the tone curve.
        middle: where the tone curve has its middle, as share of the body's range.
        sharpness_px: blur of the detector, standard deviation.
        photons: per pixel behind average soft tissue.
        span: stored values of the darkest and the brightest grey, dense is high.
        window: centre and width of the window to show them with, dense is high.
    """

    model: str
    maker: str
    serial: str
    rows: int
    columns: int
    pixel_cm: float
    inverted: bool
    detail: float
    flatten: float
    slope: float
    middle: float
    sharpness_px: float
    photons: float
    span: tuple[float, float]
    window: tuple[float, float]


DEVICES = (
    Device(
        model="Phantograph 1",
        maker="Made-up Imaging",
        serial="PG1-001",
        rows=384,
        columns=320,
        pixel_cm=0.101,
        inverted=True,
        detail=0.8,
        flatten=0.35,
        slope=3.0,
        middle=0.62,
        sharpness_px=0.55,
        photons=2500,
        span=(300, 3700),
        window=(2000, 3400),
    ),
    Device(
        model="Shadowbox DX",
        maker="Invented Devices",
        serial="SDX-7",
        rows=352,
        columns=352,
        pixel_cm=0.103,
        inverted=False,
        detail=0.35,
        flatten=0.22,
        slope=2.6,
        middle=0.60,
        sharpness_px=0.75,
        photons=1800,
        span=(80, 3950),
        window=(2050, 3800),
    ),
)
"""The two made-up makes that the phantoms were taken with."""


def develop(
    depth: Map, frame: Frame, device: Device, generator: np.random.Generator, *, dose: float
) -> Map:
    """Return the film as the device shows it, dense is bright.

    Beer-Lambert's law gives the primary beam, a wide blur of it the scatter behind a grid,
    Poisson's law (as a Gaussian of the same variance) the noise.

    Args:
        depth: (rows, columns) float32, optical depth, dimensionless.
        frame: for lengths.
        device: the look.
        generator: source of the noise.
        dose: exposure against the device's usual.

    Returns:
        (rows, columns) float32 in [0, 1].
    """
    primary = np.exp(-depth)
    scatter = np.float32(0.55) * blurred(np.minimum(primary, 0.12), frame.pixels(3.5))
    signal = primary + scatter
    typical = np.float32(np.exp(-3.2))
    counts = signal * np.float32(device.photons * dose / typical)
    noise = generator.standard_normal(signal.shape, dtype=np.float32)
    signal = signal * (1 + noise / np.sqrt(counts))
    signal = cv2.GaussianBlur(np.maximum(signal, 1e-5), (0, 0), device.sharpness_px)
    density = -np.log(signal)
    coarse = blurred(density, frame.pixels(2.5))
    fine = density - blurred(density, frame.pixels(0.45))
    density = density - np.float32(device.flatten) * (coarse - coarse.mean())
    density = density + np.float32(device.detail) * fine
    return _tone(density, device)


def _tone(density: Map, device: Device) -> Map:
    """Map density to grey by the range inside the body and an S-shaped curve."""
    rows, columns = density.shape
    centre = density[rows // 10 : rows - rows // 6 : 3, columns // 7 : columns - columns // 7 : 3]
    low, high = (float(v) for v in np.percentile(centre, (4, 99.5)))
    place = (density - np.float32(low - 0.08 * (high - low))) / np.float32(max(high - low, 0.2))
    curve = 1 / (1 + np.exp(-np.float32(device.slope) * (place - np.float32(device.middle))))
    floor = 1 / (1 + np.exp(device.slope * (0.12 + device.middle)))
    ceiling = 1 / (1 + np.exp(-device.slope * (1.12 - device.middle)))
    tone: Map = np.clip((curve - floor) / (ceiling - floor), 0, 1)
    return tone
