"""One server from start to drain: `await serve(reader, trail.append)` is all a caller needs."""

import asyncio
import logging
import signal
import threading
from collections.abc import Callable
from functools import partial

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from medclf.dicom.instance import Limits
from medclf.errors import ServiceMisuse
from medclf.service._pb.v1 import opinion_pb2, opinion_pb2_grpc
from medclf.service.admission import Phase
from medclf.service.calls import OpinionCalls
from medclf.service.config import MESSAGE_BYTES, ServiceConfig
from medclf.service.reader import Append, Reader
from medclf.service.record import ACTOR, STARTED, STOPPED
from medclf.service.security import TokenGuard, read_token, server_credentials
from medclf.service.selftest import self_test

_log = logging.getLogger(__name__)

SERVICE = opinion_pb2.DESCRIPTOR.services_by_name["OpinionService"].full_name

_OPTIONS = (
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    ("grpc.max_send_message_length", MESSAGE_BYTES),
    # Two servers on one port would share the calls in silence.
    ("grpc.so_reuseport", 0),
    # A peer that vanished is noticed within 80 s; one that pings too often is cut off.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ("grpc.http2.max_ping_strikes", 2),
    ("grpc.max_concurrent_streams", 256),
)

# After the last call ended its answer still has to leave; streams of health watchers are cut.
_GRACE_S = 1.0

_DEFAULT_CONFIG = ServiceConfig()
_DEFAULT_LIMITS = Limits()


class OpinionServer:
    """A gRPC server with opinions, health and reflection; `start` once, `drain` once."""

    def __init__(
        self,
        reader: Reader,
        append: Append,
        *,
        config: ServiceConfig = _DEFAULT_CONFIG,
        limits: Limits = _DEFAULT_LIMITS,
    ) -> None:
        """Take what the server works with; nothing is opened yet.

        Args:
            reader: the model; warmed up by `start`.
            append: `Trail.append`, or anything as durable.
            config: addresses, bounds and security.
            limits: what kind of image file is refused unread.
        """
        self._reader = reader
        self._append = append
        self._config = config
        self._limits = limits
        self._calls = OpinionCalls(reader, append, config=config, limits=limits)
        self._health = health.aio.HealthServicer()
        self._hurry = asyncio.Event()
        self._server: grpc.aio.Server | None = None

    async def start(self) -> str:
        """Bind, let the model read a picture, record the start, and then take calls.

        Returns:
            The address, with the port that the system chose when the port was 0.

        Raises:
            ServiceMisuse: the address cannot be used, or would send images in clear.
            MedclfError: the model cannot read, or the start cannot be recorded.
        """
        security = self._config.security
        credentials = server_credentials(security, listen=self._config.listen)
        guards = [TokenGuard(read_token(security.token_file))] if security.token_file else []
        server = grpc.aio.server(interceptors=guards, options=_OPTIONS)
        opinion_pb2_grpc.add_OpinionServiceServicer_to_server(self._calls, server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        reflection.enable_server_reflection(
            (SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME), server
        )
        address = _bind(server, self._config.listen, credentials)
        await self._tell_health(health_pb2.HealthCheckResponse.NOT_SERVING)
        await server.start()
        self._server = server
        try:
            warmed = self._calls.workers.submit(self_test, self._reader, limits=self._limits)
            opinion = await asyncio.wrap_future(warmed)
            await self._record(STARTED, address)
        except BaseException:
            await self._close(grace_s=0)
            raise
        _log.info("The self-test gave %s.", opinion.status.value)
        self._calls.admission.phase = Phase.SERVING
        await self._tell_health(health_pb2.HealthCheckResponse.SERVING)
        return address

    async def drain(self) -> None:
        """Take no new calls, finish those in flight, record the stop, and close.

        Meanwhile health answers NOT_SERVING, so that a load balancer looks elsewhere.
        """
        self._calls.admission.phase = Phase.DRAINING
        await self._health.enter_graceful_shutdown()
        waits = [
            asyncio.create_task(self._calls.admission.emptied()),
            asyncio.create_task(self._hurry.wait()),
        ]
        done, _ = await asyncio.wait(
            waits, timeout=self._config.drain_timeout_s, return_when=asyncio.FIRST_COMPLETED
        )
        for wait in waits:
            wait.cancel()
        if waits[0] not in done:
            _log.warning("Calls still in flight are cut off.")
        try:
            await self._record(STOPPED, self._config.listen)
        finally:
            await self._close(grace_s=_GRACE_S)

    def hurry(self) -> None:
        """End a drain without waiting for the calls in flight."""
        self._hurry.set()

    async def _tell_health(self, status: int) -> None:
        for name in ("", SERVICE):
            await self._health.set(name, status)

    async def _record(self, action: str, address: str) -> None:
        model = self._reader.model
        facts = {"package": model.package, "released": model.released, "address": address}
        job = partial(self._append, action, actor=ACTOR, facts=facts)
        await asyncio.get_running_loop().run_in_executor(self._calls.audit, job)

    async def _close(self, *, grace_s: float) -> None:
        if self._server is not None:
            await self._server.stop(grace_s)
        self._calls.workers.close()
        # A record being written is waited for, so that the trail can be closed afterwards.
        await asyncio.to_thread(self._calls.audit.shutdown)


async def serve(
    reader: Reader,
    append: Append,
    *,
    config: ServiceConfig = _DEFAULT_CONFIG,
    limits: Limits = _DEFAULT_LIMITS,
    ready: Callable[[str], None] | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Serve until SIGTERM, SIGINT or `stop`, then drain; a second signal cuts the drain short.

    Args:
        reader: the model.
        append: `Trail.append`, or anything as durable.
        config: addresses, bounds and security.
        limits: what kind of image file is refused unread.
        ready: called once with the address when the server takes calls.
        stop: set it to stop without a signal. Signals are watched on the main thread only.

    Raises:
        ServiceMisuse: the address cannot be used, or would send images in clear.
        MedclfError: the model cannot read, or start or stop cannot be recorded.
    """
    server = OpinionServer(reader, append, config=config, limits=limits)
    stopping = stop or asyncio.Event()
    address = await server.start()

    def on_signal() -> None:
        if stopping.is_set():
            server.hurry()
        stopping.set()

    watched = (signal.SIGTERM, signal.SIGINT)
    loop = asyncio.get_running_loop()
    on_main = threading.current_thread() is threading.main_thread()
    for number in watched if on_main else ():
        loop.add_signal_handler(number, on_signal)
    try:
        if ready is not None:
            ready(address)
        await stopping.wait()
    finally:
        await server.drain()
        for number in watched if on_main else ():
            loop.remove_signal_handler(number)


def _bind(server: grpc.aio.Server, listen: str, credentials: grpc.ServerCredentials | None) -> str:
    try:
        port = (
            server.add_secure_port(listen, credentials)
            if credentials
            else server.add_insecure_port(listen)
        )
    except RuntimeError as error:
        raise _unusable(listen) from error
    if port == 0:
        raise _unusable(listen)
    return listen if listen.startswith("unix:") else f"{listen.rpartition(':')[0]}:{port}"


def _unusable(listen: str) -> ServiceMisuse:
    return ServiceMisuse(
        f"Cannot listen on {listen}; HOST:PORT of this machine with a free port is expected.",
        advice="See who holds the port with `ss -ltnp`, or choose another; 0 takes a free one.",
        listen=listen,
    )
