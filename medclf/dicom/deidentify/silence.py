"""Keeping a library quiet while it reads damaged headers, because its warnings quote values."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_ABOVE_ALL = logging.CRITICAL + 1


@contextmanager
def silent_parser() -> Iterator[None]:
    """Say nothing that pydicom warns of or logs within the block; not for several threads."""
    logger = logging.getLogger("pydicom")
    level = logger.level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger.setLevel(_ABOVE_ALL)
        try:
            yield
        finally:
            logger.setLevel(level)
