"""Decoding in child processes that may be killed: a hostile image costs a child, never the caller.

A decoder written in C can loop, take all memory or crash on bytes that no scan can judge. So the
bytes go to a child with a bound on memory and time, and a picture or a refusal comes back; whatever
happens to the child, the next image is decoded by another. The child runs the very function that
would run here, `medclf.pixels.decode.decode`, so that the result is the same.
"""

import os
import pickle
import threading
from dataclasses import replace
from queue import LifoQueue
from types import TracebackType
from typing import Any, Protocol, Self

from pydantic import Field

from medclf.config import Config
from medclf.dicom.instance import Instance
from medclf.errors import DecodingUnavailable, MedclfError, PixelsMisuse, PixelsRefused
from medclf.pixels.child import Child, ChildDied, ChildLate, ChildStarved, Job
from medclf.pixels.picture import Picture
from medclf.reasons import Reason


class Decode(Protocol):
    """`medclf.pixels.decode.decode`, or a pool's `decode`: the same function in another process."""

    def __call__(self, instance: Instance, *, frame: int | None = None) -> Picture:
        """Decode one frame; None stands for the only one."""


DECODE = "medclf.pixels.decode:decode"


class Isolation(Config):
    """How decoding is contained.

    Attributes:
        workers: child processes, each decoding one image at a time. About 60 MB each when idle.
        memory_bytes: of one child, its libraries included; what decodes within 1 GiB holds the
            largest mammograms several times over. The file and the picture lie in shared memory
            beside it, each once.
        timeout_s: for one image; JPEG 2000 of the largest mammograms takes about 3 s. With the
            end of a child that is late and the start of another, 10 s are kept.
    """

    workers: int = Field(default=2, ge=1, le=256)
    memory_bytes: int = Field(default=1 << 30, ge=1 << 28, le=1 << 40)
    timeout_s: float = Field(default=9.5, ge=0.05, le=600)


_DEFAULT = Isolation()


class DecodingPool:
    """Child processes that decode; safe to call from several threads.

    Use it as a context manager. The children start at once and get ready in the background. They
    end with the pool, and with this process however it ends.
    """

    def __init__(self, config: Isolation = _DEFAULT, *, function: str = DECODE) -> None:
        """Start the children.

        Args:
            config: how many, and their bounds.
            function: `module:name` of what decodes, importable in the child: takes an `Instance`
                and returns a `Picture`.

        Raises:
            DecodingUnavailable: no child process can be started.
        """
        self._config = config
        self._function = function
        self._owner = os.getpid()
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._children: set[Child] = set()
        self._idle: LifoQueue[Child | None] = LifoQueue()  # None: to be started by who takes it
        try:
            for _ in range(config.workers):
                self._idle.put(self._start())
        except DecodingUnavailable:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Kill every child, busy ones too; whoever still waits gets `DecodingUnavailable`."""
        self._closed.set()
        with self._lock:
            children, self._children = self._children, set()
        for child in children:
            child.kill()
        for _ in range(self._config.workers):  # wakes those that wait for a child
            self._idle.put(None)

    def decode(self, instance: Instance, **options: Any) -> Picture:
        """Decode an image in a child; waits for a free one.

        Args:
            instance: already checked; its bytes are sent, and parsed again over there.
            options: passed on to the function.

        Raises:
            PixelsRefused: what the function raised, or DECODING_TOO_SLOW, DECODING_TOO_LARGE or
                DECODER_CRASHED.
            PixelsMisuse: as the function, and when the pool belongs to another process, as after
                `fork`.
            DecodingUnavailable: the pool is closed, or no child can be started.
        """
        if os.getpid() != self._owner:
            raise PixelsMisuse(
                "A decoding pool is used in another process than it was made in.",
                advice="Make a pool in each process, after the fork.",
            )
        # The data set cannot be sent as it is; the child parses the same bytes the same way.
        head = replace(instance, data=b"", dataset=None)
        job = Job(instance.data, pickle.dumps((head, options)), self._config.timeout_s)
        child = self._take()
        worn = child.served > 0
        try:
            return self._ask(child, job)
        except (ChildDied, ChildStarved, ChildLate) as error:
            if not worn or isinstance(error, ChildLate):
                raise self._refusal_of(error) from error
        # What an earlier image left behind in that child must not decide about this one.
        try:
            return self._ask(self._take(fresh=True), job)
        except (ChildDied, ChildStarved, ChildLate) as error:
            raise self._refusal_of(error) from error

    def _ask(self, child: Child, job: Job) -> Picture:
        """Give one child a job; afterwards it is idle again, or replaced."""
        sound = False
        try:
            picture = child.decode(job)
            sound = True
        except (PixelsRefused, PixelsMisuse):
            sound = True
            raise
        finally:  # whatever else ended it, Ctrl-C included, its answer may still be on the way
            self._idle.put(child if sound else self._replace(child))
        return picture

    def _take(self, *, fresh: bool = False) -> Child:
        """Wait for an idle child; a fresh one has seen no image yet."""
        child = self._idle.get()
        if child is not None and fresh and child.served:
            child = self._replace(child)
        try:
            return child or self._start()
        except DecodingUnavailable:
            self._idle.put(None)
            raise

    def _start(self) -> Child:
        child = Child.start(self._function, memory_bytes=self._config.memory_bytes)
        with self._lock:
            if not self._closed.is_set():
                self._children.add(child)
                return child
        child.kill()
        raise _closed()

    def _refusal_of(self, error: ChildDied | ChildStarved | ChildLate) -> MedclfError:
        if self._closed.is_set():
            return _closed()
        match error:
            case ChildLate():
                limit_s = self._config.timeout_s
                message = f"Decoding took longer than {limit_s:g} s."
                return PixelsRefused(Reason.DECODING_TOO_SLOW, message, limit=limit_s)
            case ChildStarved():
                limit = self._config.memory_bytes
                message = f"Decoding asked for more than {limit} bytes of memory."
                return PixelsRefused(Reason.DECODING_TOO_LARGE, message, limit=limit)
            case _:
                message = f"The decoder ended its process ({error})."
                return PixelsRefused(Reason.DECODER_CRASHED, message, ended=str(error))

    def _replace(self, child: Child) -> Child | None:
        child.kill()
        with self._lock:
            self._children.discard(child)
        try:
            return self._start()
        except DecodingUnavailable:  # the next who needs one tries again, and is told
            return None


def _closed() -> DecodingUnavailable:
    return DecodingUnavailable("The decoding pool is closed.", advice="Open a new one.")
