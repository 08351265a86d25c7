"""How the tests of the documentation read a page."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def rows_of() -> Callable[..., list[list[str]]]:
    """Give the cells of a page's tables, headings of columns left out.

    `rows_of("docs/reference/files.md", under="## The protocol")` takes the tables below one
    heading only.
    """

    def read(name: str, *, under: str = "") -> list[list[str]]:
        text = (REPOSITORY / name).read_text()
        if under:
            level = len(under) - len(under.lstrip("#"))
            text = text.split(f"\n{under}\n", maxsplit=1)[1]
            text = re.split(rf"(?m)^#{{1,{level}}} ", text, maxsplit=1)[0]
        lines = [line for line in text.splitlines() if line.startswith("|")]
        heads = {i - 1 for i, line in enumerate(lines) if set(line) <= set("|-: ")}
        return [
            [cell.strip() for cell in line.strip("|").split(" | ")]
            for i, line in enumerate(lines)
            if i not in heads and i - 1 not in heads
        ]

    return read


@pytest.fixture(scope="session")
def names_in() -> Callable[[str], list[str]]:
    """Give what a cell has in code type."""
    return lambda cell: re.findall(r"`([^`]+)`", cell)
