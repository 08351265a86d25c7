"""Writing files so that a crash, a full disk or Ctrl-C never leaves half of one.

A file or folder is written under a temporary name beside its place, flushed to
the disk, and renamed. Until the rename the old content stands; after it, the new.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_bytes(path: Path, data: bytes | memoryview, *, mode: int = 0o644) -> None:
    """Write a whole file, all or nothing; its folder is made when missing.

    Raises:
        OSError: the file cannot be written; nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            os.fchmod(stream.fileno(), mode)
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _flush_folder(path.parent)


def write_once(path: Path, content: Callable[[], bytes], *, mode: int) -> None:
    """Write a file that is not there yet; of several processes at once one is first, for all.

    Raises:
        OSError: the file cannot be written; nothing is left behind.
    """
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
        whole = Path(folder) / path.name
        write_bytes(whole, content(), mode=mode)
        with suppress(FileExistsError):
            path.hardlink_to(whole)
    _flush_folder(path.parent)


def write_text(path: Path, text: str) -> None:
    """Write a whole UTF-8 text file, all or nothing.

    Raises:
        OSError: the file cannot be written; nothing is left behind.
    """
    write_bytes(path, text.encode())


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Fill a folder under a temporary name; it appears at `path` when the block succeeds.

    An existing folder at `path` is replaced only after the new one is complete on disk, by
    two renames: a crash between them leaves the old one beside it, as `.NAME.….old`.

    Raises:
        OSError: the folder cannot be written; nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
    try:
        part.chmod(0o755)
        yield part
        for folder, _, names in os.walk(part):
            for name in names:
                with (Path(folder) / name).open("rb") as stream:
                    os.fsync(stream.fileno())
            _flush_folder(Path(folder))
        if path.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".old", dir=path.parent))
            path.replace(old / "old")
            part.replace(path)
            shutil.rmtree(old)
        else:
            part.replace(path)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    _flush_folder(path.parent)
