"""The layout of a contact sheet: a row a picture, a column a step, headings above."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from medclf.pixels.transforms.resample import as_uint8, fitted_size, resize

_TILE = 144  # px
_GAP = 4  # px
_HEADING = 22  # px
_GROUND = (38, 50, 72)  # neither film nor retina nor glass: what a tile leaves free stays visible
_FONT = ImageFont.load_default(size=13)


def draw_sheet(
    headings: Sequence[str], rows: Sequence[Sequence[NDArray[np.uint8] | NDArray[np.uint16]]]
) -> NDArray[np.uint8]:
    """Lay tiles out.

    Args:
        headings: one for each column.
        rows: of pictures, (h, w) or (h, w, 3), any size.

    Returns:
        (h, w, 3) uint8.
    """
    width = len(headings) * (_TILE + _GAP) + _GAP
    height = len(rows) * (_TILE + _GAP) + _GAP + _HEADING
    sheet = Image.new("RGB", (width, height), _GROUND)
    pen = ImageDraw.Draw(sheet)
    for column, heading in enumerate(headings):
        x = _GAP + column * (_TILE + _GAP)
        pen.text((x + 2, 4), heading, fill=(255, 255, 255), font=_FONT)
        for row, pictures in enumerate(rows):
            y = _HEADING + _GAP + row * (_TILE + _GAP)
            tile = _tile(pictures[column])
            left, top = (_TILE - tile.width) // 2, (_TILE - tile.height) // 2
            sheet.paste(tile, (x + left, y + top))
    return np.asarray(sheet)


def _tile(picture: NDArray[np.uint8] | NDArray[np.uint16]) -> Image.Image:
    height, width = fitted_size(*picture.shape[:2], size=_TILE)
    small = as_uint8(resize(picture, height=height, width=width))
    return Image.fromarray(small).convert("RGB")
