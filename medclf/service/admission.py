"""How much the server takes on at once, so that overload is an answer and not a collapse.

All methods run on the event loop's thread; no locks are needed.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from medclf.service.config import ServiceConfig
from medclf.service.failure import Failure, failed


class Phase(StrEnum):
    """The life of a server."""

    STARTING = "starting"
    SERVING = "serving"
    DRAINING = "draining"


class Admission:
    """Counts calls, uploads and buffered bytes, and refuses what is too much.

    Attributes:
        phase: only SERVING admits new calls.
    """

    def __init__(self, config: ServiceConfig) -> None:
        self.phase = Phase.STARTING
        self._config = config
        self._calls = 0
        self._uploads = 0
        self._buffered_bytes = 0
        self._empty = asyncio.Event()
        self._empty.set()

    @contextmanager
    def call(self) -> Iterator[None]:
        """Count one call in flight, from its first message to its answer.

        Raises:
            ServerUnavailable: the server is starting or draining.
        """
        if self.phase is Phase.STARTING:
            raise failed(Failure.STARTING, "The model is being warmed up.")
        if self.phase is Phase.DRAINING:
            raise failed(Failure.DRAINING, "The server is stopping and takes no new calls.")
        self._calls += 1
        self._empty.clear()
        try:
            yield
        finally:
            self._calls -= 1
            if self._calls == 0:
                self._empty.set()

    @contextmanager
    def upload(self) -> Iterator[None]:
        """Count one upload being received.

        Raises:
            ServerUnavailable: as many as are allowed are being received.
        """
        limit = self._config.max_concurrent_uploads
        if self._uploads >= limit:
            raise failed(
                Failure.OVERLOADED,
                f"{self._uploads} uploads are being received; at most {limit} are at once.",
                limit=limit,
            )
        self._uploads += 1
        try:
            yield
        finally:
            self._uploads -= 1

    @contextmanager
    def buffer(self) -> Iterator["Buffer"]:
        """Give one call a share of the memory for uploads; it is free again at the end."""
        share = Buffer(self)
        try:
            yield share
        finally:
            self._buffered_bytes -= share.taken_bytes

    async def emptied(self) -> None:
        """Wait until no call is in flight."""
        await self._empty.wait()

    def _take(self, size_bytes: int) -> None:
        limit = self._config.max_buffered_bytes
        if self._buffered_bytes + size_bytes > limit:
            raise failed(
                Failure.OVERLOADED,
                f"All uploads together fill the {limit} bytes set aside for them.",
                limit=limit,
            )
        self._buffered_bytes += size_bytes


class Buffer:
    """One call's share of the memory for uploads.

    Attributes:
        taken_bytes: how much the call holds.
    """

    def __init__(self, admission: Admission) -> None:
        self.taken_bytes = 0
        self._admission = admission

    def grow_to(self, size_bytes: int) -> None:
        """Hold as many bytes as the upload has now.

        Raises:
            ServerUnavailable: the memory for uploads is used up.
        """
        self._admission._take(size_bytes - self.taken_bytes)
        self.taken_bytes = size_bytes
