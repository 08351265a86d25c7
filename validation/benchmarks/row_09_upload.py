"""Row 9 exists because a radiograph of 8 to 16 MB must not wait for its own transport.

The same file, checks and answer over gRPC on the loopback: medclf's client and server with
chunks of 1 MiB, against what is usually written first, one unary call with the file in one
message. Both hash on either side and parse the header; nobody decodes, nobody writes a disk.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import grpc

from medclf.dicom.instance import Limits
from medclf.digest import digest_bytes
from medclf.opinion import Opinion
from medclf.service._pb.v1 import opinion_pb2 as pb
from medclf.service.background import running
from medclf.service.client import OpinionClient
from medclf.service.config import ServiceConfig
from medclf.service.messages import from_message, to_message
from medclf.service.reading import read_upload
from validation.benchmarks.pictures import as_dicom, film
from validation.benchmarks.readers import Ready, append_nowhere
from validation.benchmarks.row import AtLeast, Race, Row, Trials, require

_UNLIMITED = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))


@contextmanager
def unary_service() -> Iterator[grpc.UnaryUnaryMultiCallable]:
    """Serve the same reading behind one unary call, and yield the call."""
    limits, reader = Limits(), Ready()

    def answer(
        request: pb.RequestOpinionRequest, context: grpc.ServicerContext
    ) -> pb.RequestOpinionResponse:
        promised = dict(context.invocation_metadata())["sha256"]
        opinion = read_upload([request.chunk], promised=promised, reader=reader, limits=limits)
        receipt = append_nowhere("opinion.given", actor="service", facts={})
        opinion = replace(opinion, audit_sequence=receipt.sequence)
        return pb.RequestOpinionResponse(opinion=to_message(opinion))

    method = grpc.unary_unary_rpc_method_handler(
        answer, pb.RequestOpinionRequest.FromString, pb.RequestOpinionResponse.SerializeToString
    )
    server = grpc.server(ThreadPoolExecutor(2), options=_UNLIMITED)
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("benchmark.Unary", {"Ask": method}),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}", options=_UNLIMITED) as channel:
            yield channel.unary_unary(
                "/benchmark.Unary/Ask",
                pb.RequestOpinionRequest.SerializeToString,
                pb.RequestOpinionResponse.FromString,
            )
    finally:
        server.stop(0).wait()


def trials(folder: Path, tiny: bool) -> Trials:
    config = ServiceConfig(listen="127.0.0.1:0")
    with (
        running(Ready(), append_nowhere, config=config) as address,
        OpinionClient(address) as client,
        unary_service() as call,
    ):
        for size_mb in (8, 16):
            rows = 256 if tiny else 2048
            data = as_dicom(film(rows, rows * size_mb // 8))  # two bytes for each pixel
            yield _race(f"{size_mb} MB", data, client, call)


def _race(
    what: str, data: bytes, client: OpinionClient, call: grpc.UnaryUnaryMultiCallable
) -> Race:
    def unary() -> Opinion:
        request = pb.RequestOpinionRequest(chunk=data)
        response = call(request, metadata=(("sha256", digest_bytes(data)),))
        return from_message(response.opinion)

    def ours() -> Opinion:
        return client.ask(data)

    def parity() -> None:
        require(unary() == ours(), "the opinions differ")
        require(ours().instance == digest_bytes(data), "another file was read")

    return Race(what, parity, ours, unary, rounds=25)


ROW = Row(
    number=9,
    title="upload over gRPC",
    peer="one unary protobuf call",
    bars={"8 MB": AtLeast(2.7), "16 MB": AtLeast(2.7)},
    trials=trials,
    threads=2,
)
