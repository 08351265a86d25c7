"""Doing the same to many files in threads, with results in order and memory flat.

Reading and decoding release the interpreter lock, so threads are enough. Only a few
items are in flight at a time: a million images need no more memory than a hundred.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

Progress = Callable[[int, int], None]
"""Called as `progress(done, total)`, always from the caller's own thread."""

_IN_FLIGHT_PER_THREAD = 4  # enough that no thread waits for the slowest file before it


def in_order(
    work: Callable[[Item], Result], items: Iterable[Item], *, threads: int
) -> Generator[Result, None, None]:
    """Yield `work(item)` for each item, in the order of the items.

    The first error stops what has not begun yet and is raised. A caller that may stop
    early closes the generator (`contextlib.closing`), which does the same.

    >>> list(in_order(abs, [-2, 1, -3], threads=2))
    [2, 1, 3]
    """
    executor = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="medclf-cohort")
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(executor.submit(work, item))
            if len(waiting) >= threads * _IN_FLIGHT_PER_THREAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
