"""How much of made-up damage to real pictures the quality check finds.

Blur of growing width, exposure clipped ever harder, text of growing size on ever other ground.
Run: `python -m validation.quality_damage` (a few minutes), with the folder of real data in
MEDCLF_SHARED_DATA. Pictures that models are trained on, never a test part.
"""

import random
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from medclf.dicom.instance import Kind, open_instance
from medclf.pixels.decode import decode
from medclf.pixels.picture import Picture
from medclf.pixels.quality import DEFAULT_THRESHOLDS, assess, measure
from medclf.reasons import Reason
from validation.quality_real import SETS, pictures_of

PICTURES = 60  # of each set
SIGMAS = (0.0, 0.005, 0.01, 0.015, 0.02, 0.04)  # of the longest side
CLIPPED = (0.05, 0.15, 0.3, 0.5, 0.7)  # of all pixels, pushed to the end of the scale
HEIGHTS = (0.015, 0.02, 0.03, 0.045)  # of a capital letter, of the longest side
GROUNDS = ("bare", "black box", "white box")
TEXTS = ("12/03/2019 08:41", "DOE^JANE 1957", "ID 4711-08", "Smith John M 45Y", "2021-11-04")
MARKERS = ("L", "R")
FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX)

Array = NDArray[Any]


def blurred(array: Array, sigma: float) -> Array:
    """Blur by a Gaussian; `sigma` is a share of the longest side."""
    return array if sigma == 0 else cv2.GaussianBlur(array, (0, 0), sigma * max(array.shape))


def clipped(array: Array, share: float, *, bright: bool) -> Array:
    """Stretch levels so that `share` of the pixels within reach is at one end of the scale."""
    levels = array.astype(np.float32)
    if bright:
        top = max(1.0, float(np.quantile(levels, 1 - share)))
        return np.clip(levels * (256 / top), 0, 255).astype(np.uint8)
    low = float(np.quantile(levels, share))
    return np.clip((levels - low) * (255 / max(1.0, 255 - low)), 0, 255).astype(np.uint8)


def written(array: Array, text: str, height: float, ground: str, rng: random.Random) -> Array:
    """Burn a text in at a random place, JPEG compressed afterwards as a screen shot would be."""
    out = array.copy()
    rows, columns = out.shape[:2]
    size = max(5, round(height * max(rows, columns)))
    font, thickness = rng.choice(FONTS), max(1, round(size / 9))
    scale = cv2.getFontScaleFromHeight(font, size, thickness)
    (width, tall), below = cv2.getTextSize(text, font, scale, thickness)
    while width > 0.95 * columns:
        text = text[:-1]
        (width, tall), below = cv2.getTextSize(text, font, scale, thickness)
    x = rng.randrange(2, max(3, columns - width - 2))
    y = rng.randrange(tall + 2, max(tall + 3, rows - below - 2))
    ink = 255
    if ground != "bare":
        ink = 255 if ground == "black box" else 0
        paper = (255 - ink,) * 3
        cv2.rectangle(out, (x - 3, y - tall - 3), (x + width + 3, y + below + 3), paper, -1)
    cv2.putText(out, text, (x, y), font, scale, (ink,) * 3, thickness, cv2.LINE_AA)
    encoded = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, 90])[1]
    return cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED)


def _share(arrays: list[Array], change: Callable[[Array], Array], found: Any) -> str:
    caught = [found(Picture(change(array), "made up")) for array in arrays]
    return f"{np.mean(caught):>8.2f}"


def main() -> None:
    cv2.setNumThreads(1)
    rng = random.Random(0)
    for name, kind in SETS.items():
        files = pictures_of(name)
        chosen = rng.sample(files, min(PICTURES, len(files)))
        arrays = [decode(open_instance(path)).array for path in chosen]
        print(f"{name}: {len(arrays)} pictures; share of them caught")

        def finds(reason: Reason, kind: Kind = kind) -> Callable[[Picture], bool]:
            return lambda picture: reason in assess(picture, kind)

        line = [_share(arrays, lambda a, s=s: blurred(a, s), finds(Reason.BLURRED)) for s in SIGMAS]
        print(f"  blur, sigma {SIGMAS}:", *line)
        if kind is not Kind.PATHOLOGY:
            for bright in (True, False):
                line = [
                    _share(
                        arrays,
                        lambda a, s=s, b=bright: clipped(a, s, bright=b),
                        finds(Reason.SATURATED),
                    )
                    for s in CLIPPED
                ]
                print(f"  clipped {'white' if bright else 'black'} {CLIPPED}:", *line)

        def sees_text(picture: Picture, kind: Kind = kind) -> bool:
            found = measure(picture, kind).longest_text_letters
            return found >= DEFAULT_THRESHOLDS.text_letters

        for ground in GROUNDS:
            line = [
                _share(
                    arrays,
                    lambda a, h=h, g=ground: written(a, rng.choice(TEXTS), h, g, rng),
                    sees_text,
                )
                for h in HEIGHTS
            ]
            print(f"  text on {ground}, height {HEIGHTS}:", *line)
        line = [
            _share(
                arrays, lambda a, h=h: written(a, rng.choice(MARKERS), h, "bare", rng), sees_text
            )
            for h in HEIGHTS
        ]
        print("  side marker alone (should be as without):", *line)
        print("  nothing added:", _share(arrays, lambda a: a, sees_text))


if __name__ == "__main__":
    main()
