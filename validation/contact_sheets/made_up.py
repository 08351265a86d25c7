"""Made-up pictures of every kind, with what hospitals do to them: nobody's film, eye or tissue."""

import cv2
import numpy as np
from numpy.typing import NDArray

from medclf.demonstration.cast import draw_cast
from medclf.demonstration.film import draw_film
from medclf.dicom.instance import Kind
from medclf.pixels.picture import Picture

_DECODER = "made up"
_STAINS = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11]])  # Ruifrok & Johnston 2001


def made_up(kind: Kind) -> list[Picture]:
    match kind:
        case Kind.XRAY:
            return _films()
        case Kind.FUNDUS:
            return _retinas()
        case Kind.PATHOLOGY:
            return _fields()


def _films() -> list[Picture]:
    rng = np.random.default_rng(11)
    films = [
        draw_film(phantom, np.random.default_rng(phantom.seed)) * np.uint16(16)
        for phantom in draw_cast(5, rng)
    ]
    oblong = cv2.resize(films[4], (films[4].shape[1], films[4].shape[0] * 5 // 8))
    return [
        Picture(films[0], _DECODER),
        Picture(_askew(films[1], tilt=0, level=9000, noise=1500), _DECODER),
        Picture(_askew(films[2], tilt=6, level=56000, noise=2500), _DECODER),
        Picture(_askew(films[3], tilt=-4, level=65535, noise=0), _DECODER),
        Picture(oblong, _DECODER, aspect=1.6),
    ]


def _askew(film: NDArray[np.uint16], *, tilt: float, level: int, noise: int) -> NDArray[np.uint16]:
    """Lay a film on the ground of a plate or a light-box."""
    rng = np.random.default_rng(5)
    height, width = (round(1.25 * side) for side in film.shape)
    ground = rng.normal(level, noise, (height, width)).clip(0, 65535)
    turn = cv2.getRotationMatrix2D((film.shape[1] / 2, film.shape[0] / 2), tilt, 1)
    turn[:, 2] += (width - film.shape[1]) / 2, (height - film.shape[0]) / 2
    there = cv2.warpAffine(np.full(film.shape, 255, np.uint8), turn, (width, height)) > 127
    return np.where(there, cv2.warpAffine(film, turn, (width, height)), ground).astype(np.uint16)


def _retinas() -> list[Picture]:
    whole = _retina(seed=1, frame=(600, 700), radius=270)
    cv2.putText(whole, "OD 21", (12, 40), cv2.FONT_HERSHEY_SIMPLEX, 1, (235, 235, 235), 2)
    cv2.rectangle(whole, (612, 200), (640, 226), (190, 90, 50), -1)  # the camera's notch
    dark = (_retina(seed=4, frame=(520, 640), radius=240) * 0.22).astype(np.uint8)
    left = np.ascontiguousarray(_retina(seed=2, frame=(430, 640), radius=265)[:, ::-1])
    return [
        Picture(whole, _DECODER, laterality="R"),
        Picture(left, _DECODER, laterality="L"),  # cut at the top and at the bottom
        Picture(dark, _DECODER),
        Picture(np.roll(_retina(seed=3, frame=(560, 760), radius=240), 70, axis=1), _DECODER),
    ]


def _retina(*, seed: int, frame: tuple[int, int], radius: int) -> NDArray[np.uint8]:
    """Draw a right eye: optic disc on the right, macula in the middle, vessels in two arcs."""
    rng = np.random.default_rng(seed)
    height, width = frame
    y, x = np.mgrid[:height, :width].astype(np.float32)
    x, y = (x - width / 2) / radius, (y - height / 2) / radius
    distance = np.hypot(x, y)
    tone = np.float32(1) - 0.25 * distance**2 + 0.06 * _clouds(rng, frame)
    tone -= 0.30 * np.exp(-(((x + 0.05) ** 2 + (y - 0.02) ** 2) / 0.02))  # macula
    tone -= 0.35 * _vessels(rng, frame, radius)
    colour = tone[..., None] * np.array([200, 95, 45], np.float32)
    disc = np.exp(-(((x - 0.5) / 0.11) ** 4 + (y / 0.13) ** 4))[..., None]
    colour = colour * (1 - disc) + disc * np.array([250, 205, 130], np.float32)
    for _ in range(14):  # exudates and small bleedings
        at = rng.uniform(-0.6, 0.6, 2)
        spot = np.exp(-(((x - at[0]) ** 2 + (y - at[1]) ** 2) / rng.uniform(1e-4, 6e-4)))
        shade = [60, 50, 10] if rng.random() < 0.5 else [-90, -50, -20]
        colour += spot[..., None] * np.array(shade, np.float32)
    edge = np.clip((1 - distance) * radius / 2, 0, 1)[..., None]
    noisy = colour * edge + rng.normal(3, 1.2, (*frame, 3))
    return noisy.clip(0, 255).astype(np.uint8)


def _vessels(rng: np.random.Generator, frame: tuple[int, int], radius: int) -> NDArray[np.float32]:
    canvas = np.zeros(frame, np.uint8)
    along = np.linspace(0, 1, 60)
    for side in (-1, 1):
        for branch in range(7):
            bend = rng.uniform(0.35, 0.75) * side
            reach = rng.uniform(0.6, 1.4) * (-1 if branch < 5 else 0.4)
            px = 0.5 + reach * along + 0.02 * np.sin(9 * along + branch)
            py = bend * np.sin(np.pi * along * rng.uniform(0.5, 0.9)) + 0.02 * np.cos(11 * along)
            points = np.stack([px, py], axis=1) * radius + np.array([frame[1], frame[0]]) / 2
            thick = int(rng.integers(1, max(3, radius // 50)))
            cv2.polylines(canvas, [points.astype(np.int32)], False, 255, thick, cv2.LINE_AA)
    return cv2.GaussianBlur(canvas, (0, 0), 1.0).astype(np.float32) / 255


def _clouds(rng: np.random.Generator, frame: tuple[int, int]) -> NDArray[np.float32]:
    coarse = rng.normal(0, 1, (12, 14)).astype(np.float32)
    return cv2.resize(coarse, (frame[1], frame[0]), interpolation=cv2.INTER_CUBIC)


def _fields() -> list[Picture]:
    """Draw one tissue as four laboratories would stain it."""
    looks = (
        (_STAINS, 1.0, 1.0),
        (np.array([[0.55, 0.76, 0.34], [0.12, 0.90, 0.41]]), 1.5, 0.7),
        (np.array([[0.72, 0.62, 0.30], [0.10, 0.80, 0.20]]), 0.6, 1.5),
        (np.array([[0.48, 0.75, 0.45], [0.20, 0.88, 0.43]]), 0.8, 0.5),
    )
    return [Picture(_field(number, *look), _DECODER) for number, look in enumerate(looks)]


def _field(
    seed: int, stains: NDArray[np.float64], haematoxylin: float, eosin: float
) -> NDArray[np.uint8]:
    rng = np.random.default_rng(40 + seed)
    side = 448
    nuclei, lumen = np.zeros((side, side), np.float32), np.zeros((side, side), np.uint8)
    for _ in range(260):
        centre = rng.integers(0, side, 2)
        axes = rng.integers(5, 11, 2)
        drop = np.zeros((side, side), np.float32)
        turn = float(rng.uniform(0, 180))
        cv2.ellipse(drop, centre.tolist(), axes.tolist(), turn, 0, 360, 1.0, -1, cv2.LINE_AA)
        nuclei = np.maximum(nuclei, drop * np.float32(rng.uniform(0.7, 1.3)))
    for _ in range(5):
        axes = rng.integers(25, 60, 2).tolist()
        cv2.ellipse(lumen, rng.integers(0, side, 2).tolist(), axes, 30, 0, 360, 1, -1)
    tissue = 1 - cv2.GaussianBlur(lumen.astype(np.float32), (0, 0), 2)
    fibres = cv2.GaussianBlur(rng.normal(0, 1, (side, side)), (0, 0), sigmaX=9, sigmaY=2) * 3
    pink = (0.75 + 0.25 * fibres) * tissue
    blue = cv2.GaussianBlur(nuclei, (0, 0), 1) * tissue + 0.08 * tissue
    amounts = np.stack([haematoxylin * 1.3 * blue, eosin * 0.8 * pink], axis=-1)
    unit = stains / np.linalg.norm(stains, axis=1, keepdims=True)
    light = 243 * np.exp(-amounts.clip(0) @ unit) + rng.normal(0, 1.5, (side, side, 3))
    return light.clip(0, 255).astype(np.uint8)
