"""SHA-256 of bytes, files, arrays and JSON: the one way medclf names a thing by its content.

A digest is always written `sha256:<64 hex digits>`, so that its algorithm travels with it.
"""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rfc8785

if TYPE_CHECKING:
    import numpy as np

_CHUNK_BYTES = 1 << 20


def digest_bytes(data: bytes | bytearray | memoryview) -> str:
    """Return the digest of some bytes.

    >>> digest_bytes(b"")[:20]
    'sha256:e3b0c44298fc1'
    """
    return "sha256:" + hashlib.sha256(data).hexdigest()


def digest_file(path: Path) -> str:
    """Return the digest of a file's bytes, read in pieces.

    Raises:
        OSError: the file cannot be read.
    """
    hasher = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(_CHUNK_BYTES):
            hasher.update(piece)
    return "sha256:" + hasher.hexdigest()


def digest_array(array: "np.ndarray[Any, Any]") -> str:
    """Return the digest of an array's type, shape and values (C order, little endian)."""
    import numpy as np

    plain = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"), copy=False))
    hasher = hashlib.sha256(f"{plain.dtype.str}{plain.shape}".encode())
    hasher.update(plain.data)
    return "sha256:" + hasher.hexdigest()


def canonical_json(value: object) -> bytes:
    """Return the one JSON text of a value, by RFC 8785 (JSON Canonicalization Scheme).

    Raises:
        rfc8785.CanonicalizationError: a value JSON cannot hold, such as NaN or an
            integer beyond 2**53.

    >>> canonical_json({"b": 1, "a": [True, None]})
    b'{"a":[true,null],"b":1}'
    """
    return bytes(rfc8785.dumps(value))  # type: ignore[arg-type]


def digest_json(value: object) -> str:
    """Return the digest of a value's canonical JSON."""
    return digest_bytes(canonical_json(value))
