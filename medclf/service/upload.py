"""Taking one upload apart: a state machine over messages, with every bound in one place.

No network and no clock here: messages go in one by one, the whole file comes out.
"""

import re

from medclf.service._pb.v1 import opinion_pb2 as pb
from medclf.service.failure import Failure, failed

_SHA256 = re.compile(r"(?:sha256:)?([0-9a-f]{64})")

# Pieces below this are gathered first: a Python object for each byte sent would cost
# forty times the bytes.
_GATHER_BYTES = 64 << 10


class Upload:
    """The messages of one call so far.

    Attributes:
        header: the client's header; empty until it came.
        size_bytes: bytes of the file received so far.
    """

    def __init__(self, *, limit_bytes: int) -> None:
        self.header = pb.UploadHeader()
        self.size_bytes = 0
        self._limit_bytes = limit_bytes
        self._bound_bytes = limit_bytes
        self._begun = False
        self._pieces: list[bytes] = []
        self._gathered = bytearray()

    @property
    def digest(self) -> str | None:
        """The digest that the header promises, as `sha256:<64 hex>`; None when it does not."""
        match = _SHA256.fullmatch(self.header.sha256.lower())
        return f"sha256:{match[1]}" if match else None

    def take(self, request: pb.RequestOpinionRequest) -> None:
        """Add one message.

        Raises:
            UploadRefused: no header before the first chunk, a second or malformed header, an
                empty message, or more bytes than the header or the server's limit allow.
        """
        match request.WhichOneof("part"):
            case "header":
                self._begin(request.header)
            case "chunk":
                self._add(request.chunk)
            case _:
                raise failed(Failure.MESSAGE_EMPTY, "A message holds neither a header nor a chunk.")

    def finish(self) -> list[bytes]:
        """Return the file in pieces once the client has half-closed.

        Raises:
            UploadRefused: there was no header, or fewer bytes came than it told.
        """
        if not self._begun:
            raise failed(Failure.HEADER_MISSING, "The upload ended before any header came.")
        if self.header.HasField("size_bytes") and self.size_bytes < self.header.size_bytes:
            raise failed(
                Failure.TRUNCATED,
                f"The upload ended after {self.size_bytes} bytes; "
                f"the header tells {self.header.size_bytes}.",
                found=self.size_bytes,
                expected=self.header.size_bytes,
            )
        self._flush()
        return self._pieces

    def _begin(self, header: pb.UploadHeader) -> None:
        if self._begun:
            raise failed(Failure.HEADER_REPEATED, "A second header came; one is expected.")
        self._begun = True
        self.header = header
        if header.HasField("sha256") and self.digest is None:
            raise failed(
                Failure.HEADER_INVALID,
                f"The header's sha256 has {len(header.sha256)} characters and is no digest.",
            )
        if header.HasField("size_bytes"):
            if header.size_bytes > self._limit_bytes:
                raise self._too_large(header.size_bytes, self._limit_bytes)
            self._bound_bytes = header.size_bytes

    def _add(self, chunk: bytes) -> None:
        if not self._begun:
            raise failed(Failure.HEADER_MISSING, "A chunk came first; a header is expected.")
        self.size_bytes += len(chunk)
        if self.size_bytes > self._bound_bytes:
            raise self._too_large(self.size_bytes, self._bound_bytes)
        if len(chunk) >= _GATHER_BYTES:
            self._flush()
            self._pieces.append(chunk)
        else:
            self._gathered += chunk
            if len(self._gathered) >= _GATHER_BYTES:
                self._flush()

    def _flush(self) -> None:
        if self._gathered:
            self._pieces.append(bytes(self._gathered))
            self._gathered.clear()

    @staticmethod
    def _too_large(found: int, bound: int) -> Exception:
        return failed(
            Failure.FILE_TOO_LARGE,
            f"The file has {found} bytes or more; at most {bound} are accepted here.",
            found=found,
            limit=bound,
        )
