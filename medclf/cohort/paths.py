"""Finding the file that a cell of a labels table means.

Tables name files by path, by an id without folder or extension, with the backslashes of
Windows, or from the folder above their own. The first spelling under which a file exists
is taken; where none does, the plain one stands, and the file is told as missing.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


def plain_path(path: Path) -> Path:
    """Return a path from the root without `.` and `..`; links are left as they are."""
    return Path(os.path.normpath(path.absolute()))


def relative_to(path: str, base: Path) -> str:
    """Return an absolute path as seen from the base, or unchanged when it lies elsewhere."""
    return path.removeprefix(str(base) + os.sep)


@dataclass(frozen=True)
class PathFinder:
    """Turns cells into absolute paths.

    Attributes:
        base: the folder of the table.
        folder: of the images, where the table names files in it.
        extension: added to a name that lacks it.
    """

    base: Path
    folder: Path | None = None
    extension: str = ""

    def find(self, cell: str) -> str:
        """Return the absolute path of the file that a cell means."""
        spellings = list(self._spellings(cell))
        paths = (os.path.normpath(path) for path in spellings)
        if len(spellings) == 1:  # the usual case, which asks nothing of the disk
            return next(paths)
        return next(
            (path for path in paths if os.path.lexists(path)),
            os.path.normpath(spellings[0]),
        )

    def _spellings(self, cell: str) -> Iterator[str]:
        name = cell
        if not cell.casefold().endswith(self.extension.casefold()):
            name += self.extension
        names = [name, name.replace("\\", "/")] if "\\" in name else [name]
        for name in names:
            yield os.path.join(self.base, name)  # noqa: PTH118 - text, one for each of a million
            if self.folder is not None:
                yield os.path.join(self.folder, name)  # noqa: PTH118 - likewise
            if name.startswith(self.base.name + "/"):
                yield os.path.join(self.base.parent, name)  # noqa: PTH118 - likewise
