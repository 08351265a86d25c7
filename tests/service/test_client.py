import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest

from medclf.digest import digest_bytes
from medclf.errors import InstanceRefused, ServerUnavailable, ServiceMisuse, UploadRefused
from medclf.opinion import Opinion, Status
from medclf.reasons import Reason
from medclf.service._pb.v1 import opinion_pb2 as pb
from medclf.service._pb.v1 import opinion_pb2_grpc
from medclf.service.client import ClientConfig, OpinionClient, ask
from medclf.service.messages import to_message


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def test_where_nothing_listens_the_error_says_how_to_start_a_server():
    with pytest.raises(ServerUnavailable, match="medclf serve"):
        ask(b"x", server=f"127.0.0.1:{_free_port()}")


def test_a_port_that_accepts_and_stays_silent_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(ServerUnavailable):
            ask(b"x", server=address, config=ClientConfig(connect_timeout_s=0.3))


@contextmanager
def _other_server(servicer: opinion_pb2_grpc.OpinionServiceServicer | None) -> Iterator[str]:
    """A gRPC server that is not ours, with a service of its own or none."""
    with ThreadPoolExecutor(2) as pool:
        server = grpc.server(pool)
        if servicer is not None:
            opinion_pb2_grpc.add_OpinionServiceServicer_to_server(servicer, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        yield f"127.0.0.1:{port}"
        server.stop(0).wait()


class _MixedUp(opinion_pb2_grpc.OpinionServiceServicer):
    """Answers every upload with the opinion of another image."""

    def GetModel(self, request, context):
        return pb.GetModelResponse(package_digest=digest_bytes(b"x"), kind="xray")

    def RequestOpinion(self, request_iterator, context):
        for _ in request_iterator:
            pass
        opinion = Opinion(
            Status.REJECTED, "package", digest_bytes(b"another"), reasons=(Reason.BLANK,)
        )
        return pb.RequestOpinionResponse(opinion=to_message(opinion))


def test_a_grpc_server_of_another_kind_is_recognised():
    with _other_server(None) as address, pytest.raises(ServiceMisuse, match="not as a medclf"):
        ask(b"x", server=address)


def test_an_opinion_of_other_bytes_is_not_taken(png):
    with _other_server(_MixedUp()) as address, pytest.raises(UploadRefused, match="was sent"):
        ask(png, server=address)


def test_a_server_elsewhere_is_not_asked_in_clear():
    with pytest.raises(ServiceMisuse, match="without TLS"):
        ask(b"x", server="pacs.hospital:50051")


def test_a_missing_file_is_refused_without_naming_it(serving, tmp_path):
    with serving() as address, pytest.raises(InstanceRefused) as caught:
        ask(tmp_path / "DOE^JANE.dcm", server=address)
    assert caught.value.reason is Reason.FILE_MISSING
    assert "DOE" not in str(caught.value)


def test_one_client_serves_many_files_and_knows_the_model(serving, png):
    with serving() as address, OpinionClient(address) as client:
        statuses = [client.ask(data).status for data in (png, b"x", png)]
        model = client.model
    assert statuses == [Status.OK, Status.REJECTED, Status.OK]
    assert (model.kind, model.labels, model.released) == ("xray", ("pneumonia",), True)
    assert model.max_upload_bytes == 512 << 20


def test_an_answer_that_does_not_come_in_time_is_an_error(serving, reader, png):
    with serving() as address:
        reader.hold()
        with pytest.raises(ServerUnavailable, match=r"within 0\.3 s"):
            ask(png, server=address, config=ClientConfig(timeout_s=0.3))
        reader.go.set()


def test_a_client_is_shared_by_threads(serving, png):
    with (
        serving(max_waiting=32) as address,
        OpinionClient(address) as client,
        ThreadPoolExecutor(6) as pool,
    ):
        opinions = list(pool.map(client.ask, [png] * 6))
    assert len({opinion.audit_sequence for opinion in opinions}) == 6


def test_a_token_file_that_is_absent_is_misuse():
    with pytest.raises(ServiceMisuse, match="cannot be read"):
        ask(b"x", server="127.0.0.1:1", config=ClientConfig(token_file=Path("/nowhere/token")))
