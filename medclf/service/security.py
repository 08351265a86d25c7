"""Who may call the server and how the line is encrypted: nothing leaves the machine in clear.

Images are patient data. A server that listens beyond loopback without TLS is refused, and so
is a client that would send an image or a token in clear to another machine.
"""

import hmac
import ipaddress
from collections.abc import Awaitable, Callable
from pathlib import Path

import grpc
from pydantic import Field

from medclf.config import Config
from medclf.errors import ServiceMisuse
from medclf.service.failure import METADATA_KEY, Failure, failed, status_of

# Load balancers ask for health without a token; the answer holds nothing but one word.
_OPEN_METHODS = ("/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch")

# 16 characters of hexadecimal are 64 bits: the least that cannot be guessed over a network.
_TOKEN_LENGTH = 16


class Security(Config):
    """TLS and the bearer token of a server.

    Attributes:
        certificate: PEM file, the server's certificate chain.
        private_key: PEM file, its key; set together with `certificate`.
        client_ca: PEM file; when set, only clients with a certificate of this CA may call.
        token_file: holds the bearer token, one line of at least 16 characters.
        allow_insecure: listen beyond loopback without TLS all the same, for example behind a
            proxy that ends TLS.
    """

    certificate: Path | None = None
    private_key: Path | None = None
    client_ca: Path | None = None
    token_file: Path | None = None
    allow_insecure: bool = Field(default=False)


def is_loopback(address: str) -> bool:
    """Tell whether `HOST:PORT` or `unix:PATH` stays on this machine.

    >>> [is_loopback(a) for a in ("127.0.0.1:0", "[::1]:1", "localhost:1", "unix:/run/m")]
    [True, True, True, True]
    >>> [is_loopback(a) for a in ("0.0.0.0:1", "[::]:1", ":1", "pacs:1", "localhost.evil.org:1")]
    [False, False, False, False, False]
    """
    if address.startswith("unix:"):
        return True
    host = address.rpartition(":")[0].removeprefix("[").removesuffix("]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def server_credentials(security: Security, *, listen: str) -> grpc.ServerCredentials | None:
    """Return the TLS credentials, or None for a plain line.

    Raises:
        ServiceMisuse: a plain line beyond loopback, half a key pair, a client CA without a
            certificate, or a file that cannot be read.
    """
    if security.certificate is None or security.private_key is None:
        if security.certificate or security.private_key or security.client_ca:
            raise ServiceMisuse(
                "TLS is set up by half: certificate and private_key belong together.",
                advice="Name both files; client_ca needs them too.",
            )
        if not (is_loopback(listen) or security.allow_insecure):
            raise ServiceMisuse(
                f"Listening on {listen} without TLS would send images in clear.",
                advice="Name a certificate and a private key, listen on 127.0.0.1, or set "
                "allow_insecure when a proxy in front ends TLS.",
                listen=listen,
            )
        return None
    ca = _read(security.client_ca) if security.client_ca else None
    return grpc.ssl_server_credentials(
        [(_read(security.private_key), _read(security.certificate))],
        root_certificates=ca,
        require_client_auth=ca is not None,
    )


def read_token(path: Path) -> str:
    """Read a bearer token: one line, at least 16 printable ASCII characters without spaces.

    Raises:
        ServiceMisuse: the file cannot be read or holds no such line.
    """
    try:
        token = _read(path).decode("ascii").strip()
    except UnicodeDecodeError:
        token = ""
    if len(token) < _TOKEN_LENGTH or not all("!" <= character <= "~" for character in token):
        raise ServiceMisuse(
            f"{path} does not hold a token of at least {_TOKEN_LENGTH} printable characters.",
            advice="Make one with `openssl rand -hex 32`.",
            path=str(path),
        )
    return token


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ServiceMisuse(
            f"{path} cannot be read ({type(error).__name__}).",
            advice="Check the path and its permissions.",
            path=str(path),
        ) from error


class TokenGuard(grpc.aio.ServerInterceptor):
    """Refuses every call without the bearer token (RFC 6750, section 2.1), health excepted."""

    def __init__(self, token: str) -> None:
        self._expected = f"Bearer {token}".encode()

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler:
        """Let the call through, or answer it with UNAUTHENTICATED."""
        handler = await continuation(handler_call_details)
        if handler is None or handler_call_details.method in _OPEN_METHODS:
            return handler
        metadata = dict(handler_call_details.invocation_metadata or ())
        given = metadata.get("authorization", "")
        given = given.encode() if isinstance(given, str) else given
        if hmac.compare_digest(given, self._expected):
            return handler
        return _refusing(handler)


def _refusing(handler: grpc.RpcMethodHandler) -> grpc.RpcMethodHandler:
    error = failed(Failure.TOKEN_REFUSED, "The bearer token is missing or not the server's.")

    async def refuse(_: object, context: grpc.aio.ServicerContext) -> None:
        await context.abort(
            status_of(Failure.TOKEN_REFUSED),
            str(error),
            ((METADATA_KEY, Failure.TOKEN_REFUSED.value),),
        )

    # The kind of call must stay the same, or gRPC waits for a message that never comes.
    if handler.request_streaming and handler.response_streaming:
        return grpc.stream_stream_rpc_method_handler(refuse)
    if handler.request_streaming:
        return grpc.stream_unary_rpc_method_handler(refuse)
    if handler.response_streaming:
        return grpc.unary_stream_rpc_method_handler(refuse)
    return grpc.unary_unary_rpc_method_handler(refuse)
