"""Row 10 exists because a service that wastes its cores makes patients wait.

The same reading (header, decoding, preprocessing, ResNet-18) in a bare loop and behind the
service with four clients and a durable audit trail, on the same cores. Then twenty-four
clients overload it while a health check must still be answered.
"""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from medclf.audit.trail import Trail
from medclf.dicom.instance import parse_instance
from medclf.errors import ServerUnavailable
from medclf.opinion import Opinion
from medclf.service.background import running
from medclf.service.client import OpinionClient
from medclf.service.config import ServiceConfig
from validation.benchmarks.pictures import as_dicom, film
from validation.benchmarks.readers import Pipeline
from validation.benchmarks.row import AtLeast, AtMost, Gauge, Race, Row, Trials, require

_CLIENTS, _FLOOD, _CHECKS = 4, 24, 60


def trials(folder: Path, tiny: bool) -> Trials:
    reader, count = Pipeline(), 8 if tiny else 60
    data = as_dicom(film(300, 250) if tiny else film(1500, 1250))
    waits: list[float] = []
    with (
        Trail.open(folder / "audit", clock=lambda: datetime.now(UTC)) as trail,
        running(reader, trail.append, config=ServiceConfig(listen="127.0.0.1:0")) as address,
        OpinionClient(address) as client,
    ):

        def one(_: int) -> Opinion:
            began = time.perf_counter()
            opinion = client.ask(data)
            waits.append(time.perf_counter() - began)
            return opinion

        def served() -> None:
            with ThreadPoolExecutor(_CLIENTS) as clients:
                list(clients.map(one, range(count)))

        def bare() -> None:
            for _ in range(count):
                reader.read(parse_instance(data))

        def parity() -> None:
            same = replace(one(0), audit_sequence=None) == reader.read(parse_instance(data))
            require(same, "the service gives another opinion")
            waits.clear()

        def tail() -> float:
            percentile = quantiles(waits, n=100)
            return percentile[98] / percentile[49]

        yield Race("throughput", parity, served, bare, rounds=5)
        yield Gauge("p99 over p50", lambda: require(waits, "no call was timed"), tail)
        yield Gauge(
            "health in overload",
            lambda: None,
            lambda: slowest_check_ms(client, address, data),
            note=f"the slowest of {_CHECKS} checks",
        )


def slowest_check_ms(client: OpinionClient, address: str, data: bytes) -> float:
    """Return the slowest health check while far too many clients ask."""
    stop, slowest_s = threading.Event(), 0.0

    def flood() -> None:
        while not stop.is_set():
            try:
                client.ask(data)
            except ServerUnavailable:  # refusing is what an overloaded server should do
                time.sleep(0.01)

    with grpc.insecure_channel(address) as channel, ThreadPoolExecutor(_FLOOD) as clients:
        health = health_pb2_grpc.HealthStub(channel)
        health.Check(health_pb2.HealthCheckRequest())
        for _ in range(_FLOOD):
            clients.submit(flood)
        try:
            for _ in range(_CHECKS):
                began = time.perf_counter()
                health.Check(health_pb2.HealthCheckRequest())
                slowest_s = max(slowest_s, time.perf_counter() - began)
                time.sleep(0.05)
        finally:
            stop.set()
    return slowest_s * 1e3


ROW = Row(
    number=10,
    title="service at saturation",
    peer="the same reading in a bare loop",
    bars={
        "throughput": AtLeast(0.85),
        "p99 over p50": AtMost(3, "×"),
        "health in overload": AtMost(100, "ms"),
    },
    trials=trials,
    threads=2,
)
