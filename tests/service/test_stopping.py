"""A server that is told to stop finishes what it has begun, and nothing else."""

import asyncio
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from medclf.errors import ServerUnavailable
from medclf.opinion import Status
from medclf.service.client import OpinionClient
from medclf.service.config import ServiceConfig
from medclf.service.server import serve


def _serve_and(drive, reader, trail) -> None:
    """Serve on this thread, where signals arrive, while `drive(address)` runs on another."""
    with ThreadPoolExecutor(1) as pool:
        drives = []
        asyncio.run(
            serve(
                reader,
                trail.append,
                config=ServiceConfig(listen="127.0.0.1:0"),
                ready=lambda address: drives.append(pool.submit(drive, address)),
            )
        )
        drives[0].result()


def test_a_stop_signal_finishes_what_is_in_flight_and_refuses_the_rest(
    reader, trail, png, health_of
):
    seen = {}

    def drive(address: str) -> None:
        with OpinionClient(address) as client, ThreadPoolExecutor(1) as pool:
            reader.hold()
            in_flight = pool.submit(client.ask, png)
            assert reader.entered.acquire(timeout=10)
            os.kill(os.getpid(), signal.SIGTERM)
            _await(lambda: health_of(address) == "NOT_SERVING")
            with pytest.raises(ServerUnavailable) as caught:
                client.ask(b"late")
            seen["refused"] = caught.value.facts["failure"]
            reader.go.set()
            seen["opinion"] = in_flight.result()

    _serve_and(drive, reader, trail)
    assert seen["refused"] == "draining"
    assert seen["opinion"].status is Status.OK
    assert [event.action for event in trail.events()][-2:] == ["opinion.given", "service.stopped"]


def test_a_second_signal_does_not_wait(reader, trail, png, health_of):
    outcome = []

    def drive(address: str) -> None:
        reader.hold()
        with OpinionClient(address) as client, ThreadPoolExecutor(1) as pool:
            call = pool.submit(client.ask, png)
            assert reader.entered.acquire(timeout=10)
            os.kill(os.getpid(), signal.SIGINT)
            _await(lambda: health_of(address) == "NOT_SERVING")
            os.kill(os.getpid(), signal.SIGINT)
            outcome.append(call.exception())
            reader.go.set()

    _serve_and(drive, reader, trail)
    assert isinstance(outcome[0], ServerUnavailable)
    assert "opinion.given" not in [event.action for event in trail.events()]


def _await(condition) -> None:
    """Wait for what happens on another thread."""
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
