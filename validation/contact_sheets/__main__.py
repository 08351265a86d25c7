"""Draws the contact sheets: `python -m validation.contact_sheets --out docs/images`.

Without --data from made-up pictures, as the documentation shows them. With --data DIR from the
real images there, into a folder that must lie outside the repository.
"""

import argparse
import sys
from pathlib import Path

from PIL import Image

from medclf.dicom.instance import Kind
from validation.contact_sheets.columns import headings, tiles
from validation.contact_sheets.made_up import made_up
from validation.contact_sheets.real import real
from validation.contact_sheets.sheet import draw_sheet

_REPOSITORY = Path(__file__).resolve().parents[2]
_ROWS = 8  # on one sheet
_QUALITY = 82


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for the sheets")
    parser.add_argument("--data", type=Path, help="folder of real images; default: made up")
    parser.add_argument("--count", type=int, default=8, help="of real pictures of each kind")
    parser.add_argument("--seed", type=int, default=1, help="of the draw among real pictures")
    wish = parser.parse_args()
    if wish.data is not None and wish.out.resolve().is_relative_to(_REPOSITORY):
        sys.exit("Real images are not copied into the repository: name another folder.")
    wish.out.mkdir(parents=True, exist_ok=True)
    for kind in Kind:
        pictures = (
            made_up(kind)
            if wish.data is None
            else real(kind, wish.data, count=wish.count, seed=wish.seed)
        )
        rows = [tiles(picture, kind, number) for number, picture in enumerate(pictures)]
        for start in range(0, len(rows), _ROWS):
            number = f"-{start // _ROWS + 1}" if len(rows) > _ROWS else ""
            path = wish.out / f"transforms-{kind.value}{number}.webp"
            sheet = draw_sheet(headings(kind), rows[start : start + _ROWS])
            Image.fromarray(sheet).save(path, quality=_QUALITY, method=6)
            print(f"{path}: {path.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
