"""Where a person finds rows of a manifest: their lines in the labels table, where there are any.

Class folders and packed sets have no lines; their rows are named by number instead.
"""

from collections.abc import Sequence


def place_of(rows: Sequence[int], lines: Sequence[int], *, most: int | None = None) -> str:
    """Name rows by their lines, or by themselves where one has no line.

    Args:
        rows: of the manifest, counted from 0; at least one.
        lines: of the labels table, for each of those rows; 0 where there is none.
        most: that are named; None names all.

    >>> place_of([0, 4], [2, 6])
    'lines 2, 6'
    >>> place_of([0, 4], [0, 0])
    'rows 1, 5'
    """
    word, numbers = ("line", lines) if all(lines) else ("row", [row + 1 for row in rows])
    named = ", ".join(map(str, numbers[:most]))
    more = ", …" if most is not None and len(numbers) > most else ""
    return f"{word}{'s' if len(numbers) > 1 else ''} {named}{more}"
