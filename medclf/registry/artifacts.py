"""Lays out the files that a run keeps, so that no name of one leads out of its folder."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from medclf.errors import RegistryMisuse

Artifacts = Mapping[str, bytes | Path]
"""Content, or a file that holds it, by relative name."""


def lay_out(folder: Path, artifacts: Artifacts) -> None:
    """Write artifacts into a folder.

    Raises:
        RegistryMisuse: a name is not relative, or leads out of the folder.
        OSError: a file cannot be read or written.
    """
    for name, content in artifacts.items():
        place = PurePosixPath(name)
        if place.is_absolute() or ".." in place.parts or not place.name:
            raise RegistryMisuse(
                f"{name!r} is no name for an artifact.", advice="Give a relative name."
            )
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.read_bytes())
