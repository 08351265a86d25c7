"""How a server listens and how much it takes on at once."""

from pydantic import Field

from medclf.config import Config
from medclf.pixels.isolation import Isolation
from medclf.service.security import Security

_MIB = 1 << 20

# One message on the wire. Clients send chunks of 1 MiB; 4 MiB leaves room for other clients.
MESSAGE_BYTES = 4 * _MIB


class ServiceConfig(Config):
    """Settings of one server.

    Attributes:
        listen: `HOST:PORT`, `[IPv6]:PORT` or `unix:/path`; port 0 lets the system choose.
        max_upload_bytes: largest file that is taken in; a larger one fails the call.
        max_buffered_bytes: memory for all uploads together, waiting ones included.
        max_concurrent_uploads: uploads received at the same time.
        max_waiting: complete uploads that may wait for a worker.
        workers: images read at the same time. One a model is right unless the model leaves
            cores idle.
        idle_timeout_s: longest pause between two messages of an upload.
        upload_timeout_s: longest time for a whole upload, however steadily it drips.
        opinion_timeout_s: longest time from the last byte to the opinion, waiting included.
        drain_timeout_s: on a stop signal, longest wait for the calls in flight.
        isolation: bounds on decoding one image; there is a child process for each of `workers`.
        security: who may call, and how it is encrypted.
    """

    listen: str = Field(default="127.0.0.1:50051", min_length=2, max_length=255)
    max_upload_bytes: int = Field(default=512 * _MIB, ge=1024, le=1 << 36)
    max_buffered_bytes: int = Field(default=2048 * _MIB, ge=1024, le=1 << 40)
    max_concurrent_uploads: int = Field(default=16, ge=1, le=1024)
    max_waiting: int = Field(default=16, ge=0, le=4096)
    workers: int = Field(default=1, ge=1, le=256)
    idle_timeout_s: float = Field(default=15.0, ge=0.05, le=600)
    upload_timeout_s: float = Field(default=300.0, ge=0.05, le=3600)
    opinion_timeout_s: float = Field(default=60.0, ge=0.05, le=3600)
    drain_timeout_s: float = Field(default=60.0, ge=0, le=3600)
    isolation: Isolation = Isolation()
    security: Security = Security()

    @property
    def decoding(self) -> Isolation:
        """How decoding is contained, with as many children as images are read at a time."""
        return self.isolation.model_copy(update={"workers": self.workers})
