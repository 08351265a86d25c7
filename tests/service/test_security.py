import datetime
import ipaddress
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from medclf.errors import ServerUnavailable, ServiceMisuse
from medclf.opinion import Status
from medclf.service._pb.v1 import opinion_pb2 as pb
from medclf.service.client import ClientConfig, ask
from medclf.service.security import Security, read_token, server_credentials

TOKEN = "0123456789abcdef"


@pytest.fixture
def token_file(tmp_path):
    path = tmp_path / "token"
    path.write_text(TOKEN + "\n")
    return path


@pytest.fixture(scope="module")
def certified(tmp_path_factory) -> Path:
    """A folder with a key and a self-signed certificate of 127.0.0.1 named `pacs-1`."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pacs-1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder


@pytest.mark.parametrize("listen", ["0.0.0.0:50051", "[::]:50051", "192.0.2.1:1", "pacs:1"])
def test_listening_beyond_loopback_in_clear_is_refused(serving, listen):
    with pytest.raises(ServiceMisuse, match="without TLS"), serving(listen=listen):
        pass


def test_insecure_listening_is_possible_when_asked_for_by_name():
    assert server_credentials(Security(allow_insecure=True), listen="0.0.0.0:1") is None


@pytest.mark.parametrize("half", ["certificate", "private_key", "client_ca"])
def test_half_a_tls_setup_is_refused(half):
    with pytest.raises(ServiceMisuse, match="by half"):
        server_credentials(Security.model_validate({half: "x.pem"}), listen="127.0.0.1:1")


def test_a_token_is_required_where_one_is_set(serving, token_file, tmp_path, png, trail):
    wrong = tmp_path / "wrong"
    wrong.write_text("another token of the same kind".replace(" ", "-"))
    with serving(security={"token_file": token_file}) as address:
        for config in (ClientConfig(), ClientConfig(token_file=wrong)):
            with pytest.raises(ServiceMisuse) as caught:
                ask(png, server=address, config=config)
            assert caught.value.facts["failure"] == "token_refused"
            assert TOKEN not in str(caught.value)
        opinion = ask(png, server=address, config=ClientConfig(token_file=token_file))
    assert opinion.status is Status.OK
    assert len([event for event in trail.events() if event.action == "opinion.given"]) == 1


def test_without_a_token_an_upload_is_refused_before_it_is_sent(
    serving, token_file, stub_of, health_of
):
    def endless():
        yield pb.RequestOpinionRequest(header=pb.UploadHeader())
        while True:
            yield pb.RequestOpinionRequest(chunk=bytes(1000))

    with serving(security={"token_file": token_file}) as address:
        with pytest.raises(grpc.RpcError) as caught:
            stub_of(address).RequestOpinion(endless(), timeout=10)
        assert health_of(address) == "SERVING"
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize("content", ["short", "", "has space in the middle", "ü" * 20])
def test_a_token_that_can_be_guessed_or_mistyped_is_refused(tmp_path, content):
    path = tmp_path / "token"
    path.write_text(content)
    with pytest.raises(ServiceMisuse, match="openssl"):
        read_token(path)


def test_over_tls_an_opinion_comes_and_a_plain_client_gets_none(serving, certified, png):
    security = {
        "certificate": certified / "cert.pem",
        "private_key": certified / "key.pem",
    }
    with serving(security=security) as address:
        config = ClientConfig(tls=True, ca=certified / "cert.pem")
        assert ask(png, server=address, config=config).status is Status.OK
        with pytest.raises(ServerUnavailable):
            ask(png, server=address, config=ClientConfig(connect_timeout_s=2))


def test_with_a_client_ca_only_certified_clients_may_ask_and_are_recorded(
    serving, certified, png, trail
):
    certificate, key = certified / "cert.pem", certified / "key.pem"
    security = {"certificate": certificate, "private_key": key, "client_ca": certificate}
    known = ClientConfig(tls=True, ca=certificate, certificate=certificate, private_key=key)
    stranger = ClientConfig(tls=True, ca=certificate, connect_timeout_s=2)
    with serving(security=security) as address:
        assert ask(png, server=address, config=known).status is Status.OK
        with pytest.raises(ServerUnavailable):
            ask(png, server=address, config=stranger)
    (event,) = [event for event in trail.events() if event.action == "opinion.given"]
    assert event.facts["identity"] == "pacs-1"


def test_reflection_needs_the_token_and_health_watch_does_not(serving, token_file):
    with (
        serving(security={"token_file": token_file}) as address,
        grpc.insecure_channel(address) as channel,
    ):
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        stream = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(
            iter([request]), timeout=10
        )
        with pytest.raises(grpc.RpcError, match="UNAUTHENTICATED"):
            next(stream)
        watch = health_pb2_grpc.HealthStub(channel).Watch(
            health_pb2.HealthCheckRequest(), timeout=10
        )
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
        watch.cancel()
