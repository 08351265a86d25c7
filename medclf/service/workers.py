"""Threads that read images, with a bounded queue in front of them."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from medclf.service.failure import Failure, failed

P = ParamSpec("P")
T = TypeVar("T")


class Workers:
    """A thread pool that refuses work instead of queueing without end.

    A job that its caller gave up keeps its place until its thread is done with it, so that the
    count always tells the true load.
    """

    def __init__(self, count: int, *, waiting: int) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="medclf-read")
        self._room = count + waiting
        self._taken = 0
        self._lock = threading.Lock()

    def check(self) -> None:
        """Refuse early, before an upload is received for nothing.

        Raises:
            ServerUnavailable: all workers are busy and the queue is full.
        """
        if self._taken >= self._room:
            raise failed(
                Failure.OVERLOADED,
                f"{self._taken} images are being read or wait; at most {self._room} may.",
                limit=self._room,
            )

    def submit(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        """Queue a job.

        Raises:
            ServerUnavailable: as `check`.
        """
        with self._lock:
            self.check()
            self._taken += 1
        future = self._pool.submit(job, *args, **kwargs)
        future.add_done_callback(self._release)
        return future

    def close(self) -> None:
        """Take no more work and drop what waits; a running job ends by itself."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _release(self, _: "Future[T]") -> None:
        with self._lock:
            self._taken -= 1
