"""A server on a thread of its own, for programs that ask while they serve: the demo, tests."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager

from medclf.dicom.instance import Limits
from medclf.service.config import ServiceConfig
from medclf.service.reader import Append, Reader
from medclf.service.server import serve

_DEFAULT_CONFIG = ServiceConfig()
_DEFAULT_LIMITS = Limits()


@contextmanager
def running(
    reader: Reader,
    append: Append,
    *,
    config: ServiceConfig = _DEFAULT_CONFIG,
    limits: Limits = _DEFAULT_LIMITS,
) -> Iterator[str]:
    """Serve while the block runs, and drain at its end.

    Args:
        reader: the model.
        append: `Trail.append`, or anything as durable.
        config: addresses, bounds and security.
        limits: what kind of image file is refused unread.

    Yields:
        The address to ask.

    Raises:
        MedclfError: as `serve`.
    """
    started: Future[str] = Future()
    stops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
    ended: Future[None] = Future()

    async def work() -> None:
        stop = asyncio.Event()
        stops.append((asyncio.get_running_loop(), stop))
        await serve(
            reader, append, config=config, limits=limits, ready=started.set_result, stop=stop
        )

    def run() -> None:
        try:
            asyncio.run(work())
        except BaseException as error:  # noqa: BLE001 - handed to the thread that asked
            if not started.done():
                started.set_exception(error)
            ended.set_exception(error)
        else:
            ended.set_result(None)

    thread = threading.Thread(target=run, name="medclf-serve")
    thread.start()
    try:
        yield started.result()
    finally:
        if not ended.done():
            loop, stop = stops[0]
            loop.call_soon_threadsafe(stop.set)
        thread.join()
    ended.result()
