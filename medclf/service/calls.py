"""The two calls of `OpinionService`: receive, read, record, and only then answer."""

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import NoReturn

import grpc

from medclf.dicom.instance import Limits
from medclf.errors import DecodingUnavailable, ServiceError
from medclf.opinion import Opinion
from medclf.service._pb.v1 import opinion_pb2 as pb
from medclf.service._pb.v1 import opinion_pb2_grpc
from medclf.service.admission import Admission, Buffer
from medclf.service.config import ServiceConfig
from medclf.service.failure import METADATA_KEY, Failure, failed, failure_of, status_of
from medclf.service.messages import to_message
from medclf.service.reader import Append, Reader
from medclf.service.reading import read_upload
from medclf.service.record import ACTOR, GIVEN, Caller, facts_of, plain
from medclf.service.upload import Upload
from medclf.service.workers import Workers

_log = logging.getLogger(__name__)
_TRANSPORTS = ("ipv4", "ipv6", "unix")


class OpinionCalls(opinion_pb2_grpc.OpinionServiceServicer):
    """Answers calls on the event loop; whatever takes long runs in threads.

    Attributes:
        admission: what is in flight.
        workers: the threads that read.
        audit: the threads that wait for the disk; several, so that appends can share a flush.
    """

    def __init__(
        self, reader: Reader, append: Append, *, config: ServiceConfig, limits: Limits
    ) -> None:
        self.admission = Admission(config)
        self.workers = Workers(config.workers, waiting=config.max_waiting)
        self.audit = ThreadPoolExecutor(
            min(32, config.workers + config.max_waiting), thread_name_prefix="medclf-audit"
        )
        self._reader = reader
        self._append = append
        self._config = config
        self._limits = limits

    async def RequestOpinion(  # noqa: N802 - the name comes from the .proto
        self,
        request_iterator: AsyncIterator[pb.RequestOpinionRequest],
        context: grpc.aio.ServicerContext,
    ) -> pb.RequestOpinionResponse:
        """Answer one upload; see the .proto."""
        try:
            with self.admission.call(), self.admission.buffer() as buffer:
                self.workers.check()
                with self.admission.upload():
                    upload = await self._receive(request_iterator, buffer)
                    pieces = upload.finish()
                opinion = await self._read(pieces, upload.digest)
                opinion = await self._record(opinion, _caller(upload.header, context))
            return pb.RequestOpinionResponse(
                opinion=to_message(opinion), correlation_id=upload.header.correlation_id
            )
        except ServiceError as error:
            await _abort(context, error)
        except Exception as error:  # noqa: BLE001 - the door's last line: nothing may leak
            _log.error("A call failed: %s", _where(error))
            await _abort(context, failed(Failure.INTERNAL, "The server failed in this call."))

    async def GetModel(  # noqa: N802 - the name comes from the .proto
        self, request: pb.GetModelRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetModelResponse:
        """Say which model answers."""
        model = self._reader.model
        return pb.GetModelResponse(
            package_digest=model.package,
            kind=model.kind,
            labels=model.labels,
            released=model.released,
            max_upload_bytes=self._config.max_upload_bytes,
        )

    async def _receive(
        self, requests: AsyncIterator[pb.RequestOpinionRequest], buffer: Buffer
    ) -> Upload:
        upload = Upload(limit_bytes=self._config.max_upload_bytes)
        now = asyncio.get_running_loop().time
        end = now() + self._config.upload_timeout_s
        idle_s = self._config.idle_timeout_s
        try:
            async with asyncio.timeout_at(min(now() + idle_s, end)) as deadline:
                async for request in requests:
                    deadline.reschedule(min(now() + idle_s, end))
                    upload.take(request)
                    buffer.grow_to(upload.size_bytes)
        except TimeoutError as error:
            raise failed(
                Failure.UPLOAD_SLOW,
                f"After {upload.size_bytes} bytes the upload paused for {idle_s:g} s or took "
                f"{self._config.upload_timeout_s:g} s.",
                found=upload.size_bytes,
            ) from error
        return upload

    async def _read(self, pieces: list[bytes], promised: str | None) -> Opinion:
        future = self.workers.submit(
            read_upload, pieces, promised=promised, reader=self._reader, limits=self._limits
        )
        limit_s = self._config.opinion_timeout_s
        try:
            async with asyncio.timeout(limit_s):
                return await asyncio.wrap_future(future)
        except TimeoutError as error:
            raise failed(
                Failure.OPINION_LATE, f"There was no opinion within {limit_s:g} s."
            ) from error
        except DecodingUnavailable as error:
            _log.error("No process to decode in: %s", _where(error))
            raise failed(
                Failure.DECODING_UNAVAILABLE, "The server can start no process to decode in."
            ) from error

    async def _record(self, opinion: Opinion, caller: Caller) -> Opinion:
        facts = facts_of(opinion, caller)
        job = partial(self._append, GIVEN, actor=ACTOR, facts=facts)
        try:
            async with asyncio.timeout(self._config.opinion_timeout_s):
                receipt = await asyncio.get_running_loop().run_in_executor(self.audit, job)
        except Exception as error:  # whatever failed, an unrecorded opinion may not leave
            _log.error("The audit trail did not take a record: %s", _where(error))
            raise failed(
                Failure.AUDIT_UNAVAILABLE,
                f"The opinion could not be recorded ({type(error).__name__}) and was withheld.",
            ) from error
        return replace(opinion, audit_sequence=receipt.sequence)


def _caller(header: pb.UploadHeader, context: grpc.aio.ServicerContext) -> Caller:
    transport = context.peer().partition(":")[0]
    names = context.auth_context().get("x509_common_name", ())
    return Caller(
        name=plain(header.client_name),
        identity=plain(b" ".join(names).decode("utf-8", "replace")),
        transport=transport if transport in _TRANSPORTS else "other",
        correlation_id=plain(header.correlation_id),
    )


async def _abort(context: grpc.aio.ServicerContext, error: ServiceError) -> NoReturn:
    failure = failure_of(error)
    await context.abort(
        status_of(failure), str(error), trailing_metadata=((METADATA_KEY, failure.value),)
    )
    raise error  # abort always raises; this tells the type checker so


def _where(error: BaseException) -> str:
    """Return an error's class and place without its message, which may hold patient data."""
    frames = traceback.extract_tb(error.__traceback__)
    place = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames))
    return f"{type(error).__name__} at {place}"
