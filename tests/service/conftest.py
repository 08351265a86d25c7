"""A rule that speaks the reader's interface, a real audit trail, and a real server on loopback."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from medclf.audit.trail import Trail
from medclf.dicom.instance import Instance, Kind, Limits
from medclf.digest import digest_bytes
from medclf.opinion import Decision, Finding, Opinion, Status
from medclf.reasons import Reason
from medclf.service._pb.v1 import opinion_pb2_grpc
from medclf.service.background import running
from medclf.service.config import ServiceConfig
from medclf.service.reader import Append, ModelFacts, Reader
from medclf.service.selftest import picture

PACKAGE = digest_bytes(b"the rule")


@dataclass
class RuleReader:
    """Takes the probability from the digest; narrow pictures abstain. May be held at will."""

    model: ModelFacts = field(
        default_factory=lambda: ModelFacts(PACKAGE, Kind.XRAY, ("pneumonia",), released=True)
    )
    go: threading.Event = field(default_factory=threading.Event)
    entered: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def __post_init__(self) -> None:
        self.go.set()

    def read(self, instance: Instance) -> Opinion:
        self.entered.release()
        assert self.go.wait(30)
        if instance.acquisition.columns < 64:
            return self._say(instance, Status.ABSTAINED, reasons=(Reason.TOO_SMALL,))
        probability = int(instance.digest[-13:], 16) / 2**52
        decision = Decision.POSITIVE if probability >= 0.3 else Decision.NEGATIVE
        finding = Finding("pneumonia", probability, decision, "youden", 0.3)
        return self._say(instance, Status.OK, findings=(finding,))

    def hold(self) -> None:
        """Make every further read wait for `go`; forget who entered before."""
        self.go.clear()
        while self.entered.acquire(blocking=False):
            pass

    def _say(self, instance: Instance, status: Status, **more: object) -> Opinion:
        return Opinion(
            status, PACKAGE, instance.digest, decoder="rule 1", released=True, novelty=0.25, **more
        )


@pytest.fixture
def reader() -> Iterator[RuleReader]:
    rule = RuleReader()
    yield rule
    rule.go.set()


@pytest.fixture
def trail(tmp_path: Path) -> Iterator[Trail]:
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    with Trail.open(tmp_path / "audit", clock=lambda: moment) as opened:
        yield opened


@pytest.fixture(scope="session")
def png() -> bytes:
    return picture(Kind.XRAY)


Serving = Callable[..., AbstractContextManager[str]]


@pytest.fixture
def serving(reader: RuleReader, trail: Trail) -> Serving:
    """Start a server on a free port of 127.0.0.1; keywords are those of `ServiceConfig`."""

    @contextmanager
    def start(
        *, model: Reader = reader, append: Append = trail.append, **settings: object
    ) -> Iterator[str]:
        config = ServiceConfig.model_validate({"listen": "127.0.0.1:0", **settings})
        with running(model, append, config=config, limits=Limits(file_bytes=1 << 20)) as address:
            yield address

    return start


@pytest.fixture
def stub_of() -> Iterator[Callable[[str], opinion_pb2_grpc.OpinionServiceStub]]:
    """The generated stub, to say what our own client never would."""
    channels: list[grpc.Channel] = []

    def connect(address: str) -> opinion_pb2_grpc.OpinionServiceStub:
        channels.append(grpc.insecure_channel(address))
        return opinion_pb2_grpc.OpinionServiceStub(channels[-1])

    yield connect
    for channel in channels:
        channel.close()


@pytest.fixture
def health_of() -> Iterator[Callable[[str], str]]:
    """Ask the health service; the answer must come within five seconds."""
    channels: dict[str, grpc.Channel] = {}

    def check(address: str) -> str:
        channel = channels.setdefault(address, grpc.insecure_channel(address))
        answer = health_pb2_grpc.HealthStub(channel).Check(
            health_pb2.HealthCheckRequest(service="medclf.v1.OpinionService"), timeout=5
        )
        return health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)

    yield check
    for channel in channels.values():
        channel.close()
