"""Keeps the state of a training after each epoch, so that a killed run goes on to the same end.

The file is the SHA-256 of what follows, 32 bytes, and what torch saves: tensors and plain values
only. It replaces the one before it whole; torch itself would not see a byte that changed on disk.
"""

import hashlib
import io
import pickle
from pathlib import Path
from typing import Any

import torch

from medclf.durable import write_bytes

_DIGEST_BYTES = hashlib.sha256().digest_size


def save_checkpoint(path: Path, identity: str, state: dict[str, Any]) -> None:
    """Write a checkpoint, all or nothing.

    Args:
        path: of the file.
        identity: digest of data, weights and configuration.
        state: tensors, and containers of plain values.

    Raises:
        OSError: it cannot be written; the one before it stays.
    """
    buffer = io.BytesIO()
    buffer.write(bytes(_DIGEST_BYTES))
    torch.save({"identity": identity, "state": state}, buffer)
    content = buffer.getbuffer()
    content[:_DIGEST_BYTES] = hashlib.sha256(content[_DIGEST_BYTES:]).digest()
    write_bytes(path, content)


def load_checkpoint(path: Path, identity: str) -> dict[str, Any] | None:
    """Return the state, or None when there is none of this very run; tensors are on the CPU.

    A damaged file counts as none: nothing is lost but time. What a killed run left half-written
    is cleared away.
    """
    for left in path.parent.glob(f".{path.name}.*.part"):
        left.unlink(missing_ok=True)
    if not path.is_file():
        return None
    content = memoryview(path.read_bytes())
    if hashlib.sha256(content[_DIGEST_BYTES:]).digest() != content[:_DIGEST_BYTES]:
        return None
    try:
        saved = torch.load(
            io.BytesIO(content[_DIGEST_BYTES:]), map_location="cpu", weights_only=True
        )
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError):
        return None
    if saved.get("identity") != identity:
        return None
    state: dict[str, Any] = saved["state"]
    return state
