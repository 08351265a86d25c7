"""Runs the Python of a page from top to bottom, as a notebook is run, and renews what it shows.

    python docs/run_page.py docs/tutorials/notebook.md

Every fence ```python is run in one namespace, in a folder that is thrown away. What it prints goes
into the fence ```text behind it, where there is one, and the pictures that it wrote to `images/`
replace those in `docs/images/`. The tests run the same page and renew nothing.
"""

import io
import os
import re
import shutil
import sys
import tempfile
from contextlib import chdir, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

IMAGES = Path(__file__).resolve().parent / "images"

_CELL = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Cell:
    """One fence of code.

    Attributes:
        line: of the page, where the code begins.
        code: that was run.
        shown: what the page says that it prints; None where it shows nothing.
        printed: what it printed.
    """

    line: int
    code: str
    shown: str | None
    printed: str


def run_page(page: Path, folder: Path) -> list[Cell]:
    """Run a page in a folder; an error of its code comes out as it is, with the page's lines."""
    text, cells = page.read_text(encoding="utf-8"), []
    names: dict[str, object] = {"__name__": "__main__"}
    (folder / "images").mkdir(exist_ok=True)
    with chdir(folder):
        for found in _CELL.finditer(text):
            line = text.count("\n", 0, found.start(1))
            printed = io.StringIO()
            with redirect_stdout(printed):
                exec(compile("\n" * line + found[1], str(page), "exec"), names)
            told = printed.getvalue().replace(
                f"{folder}/", ""
            )  # a path of this machine tells nobody
            cells.append(Cell(line + 1, found[1], found[2], told))
    return cells


def renew(page: Path, folder: Path) -> None:
    """Put into the page what its code printed, and into `docs/images` what it drew."""
    cells = iter(run_page(page, folder))

    def with_output(found: re.Match[str]) -> str:
        cell = next(cells)
        if cell.shown is None:
            return found[0]
        return f"```python\n{found[1]}```\n\n```text\n{cell.printed.rstrip()}\n```\n"

    page.write_text(_CELL.sub(with_output, page.read_text(encoding="utf-8")), encoding="utf-8")
    for image in sorted((folder / "images").iterdir()):
        shutil.copyfile(image, IMAGES / image.name)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MEDCLF_HOME"] = str(Path(folder) / "home")
        renew(Path(sys.argv[1]).resolve(), Path(folder).resolve())
