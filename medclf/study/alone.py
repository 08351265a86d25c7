"""One process at a time where two would write over each other."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from medclf.errors import StudyMisuse


@contextmanager
def alone(folder: Path, *, doing: str, study: Path) -> Iterator[None]:
    """Hold a folder; the hold ends with the process, whatever ends it.

    Args:
        folder: exists.
        doing: named in the error, such as `training`.
        study: the workspace, named in the error.

    Raises:
        StudyMisuse: another process holds the folder.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise StudyMisuse(
            f"Another {doing} of the study in {study} is running.",
            advice="Wait for it, or name another `workspace` in study.yaml.",
        ) from error
    else:
        yield
    finally:
        os.close(descriptor)
