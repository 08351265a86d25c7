"""The life of a child process that decodes: bound itself, say it is ready, do one job at a time.

Run by `medclf.pixels.child`, never by a person. The bounds are set before the first byte of an
image is read. It imports what decoding needs and nothing that trains, serves or draws.
"""

import fcntl
import importlib
import json
import os
import pickle
import resource
import socket
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from medclf.dicom.instance import FileFormat, Instance, Limits
from medclf.dicom.parsing import parse_dataset
from medclf.errors import InstanceRefused, PixelsMisuse, PixelsRefused
from medclf.pixels.child import MESSAGE_BYTES
from medclf.pixels.picture import Picture

_LIBRARIES_BYTES = 128 << 20  # mapped from files, outside the bound on data; about 90 MB measured
_OPEN_FILES = 64
# The parent has scanned these bytes within its own limits; here only structure counts.
_LIMITS = Limits(
    file_bytes=1 << 36,
    inflated_bytes=1 << 36,
    pixels=10**12,
    decoded_bytes=1 << 40,
    depth=64,
    elements=10**9,
)

Decode = Callable[..., Picture]


def main() -> None:
    """Serve until the parent hangs up; the settings come as the first argument."""
    settings = json.loads(sys.argv[1])
    line_fd, down, up, watched = settings["fds"]
    _die_with_parent(watched)
    line = socket.socket(fileno=line_fd)
    module, _, name = settings["function"].partition(":")
    try:
        decode: Decode = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        line.send(json.dumps({"missing": type(error).__name__}).encode())
        return
    _bound(settings["memory_bytes"])
    line.send(json.dumps({"ready": True}).encode())
    while message := line.recv(MESSAGE_BYTES):
        answer = _answer(decode, json.loads(message), down, up)
        line.send(json.dumps(answer, default=_plain).encode())


def _die_with_parent(watched: int) -> None:
    """Ask the kernel for SIGIO, which ends a process, when the parent's end of a pipe closes.

    It works while a decoder loops in C, and whichever thread of the parent started this process.
    """
    fcntl.fcntl(watched, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(watched, fcntl.F_GETFL)
    fcntl.fcntl(watched, fcntl.F_SETFL, flags | os.O_ASYNC | os.O_NONBLOCK)
    try:
        hung_up = os.read(watched, 1) == b""  # before the signal was asked for
    except BlockingIOError:
        hung_up = False
    if hung_up:
        sys.exit(1)


def _bound(memory_bytes: int) -> None:
    data = memory_bytes - _LIBRARIES_BYTES
    resource.setrlimit(resource.RLIMIT_DATA, (data, data))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would hold the picture
    resource.setrlimit(resource.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))
    # When the machine runs out of memory, let the kernel choose this process.
    Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def _answer(decode: Decode, message: dict[str, int], down: int, up: int) -> dict[str, Any]:
    try:
        return _decoded(decode, message, down, up)
    except (PixelsRefused, InstanceRefused) as error:
        if _for_memory(error):
            return {"starved": True}
        facts = {k: v for k, v in error.facts.items() if k != "reason"}
        told = {"reason": error.reason.value, "message": error.message, "facts": facts}
        return {"refused": told}
    except PixelsMisuse as error:
        return {"misuse": {"message": error.message}}
    except MemoryError:
        return {"starved": True}


def _decoded(decode: Decode, message: dict[str, int], down: int, up: int) -> dict[str, Any]:
    size = message["data"]
    data = os.pread(down, size, 0)
    if len(data) != size:  # more than the kernel reads at a time, and than fits here
        raise MemoryError
    # Pickle comes from the parent only; what goes back is JSON.
    head, options = pickle.loads(os.pread(down, message["head"], size))  # noqa: S301
    picture = decode(_instance(head, data), **options)
    array = np.ascontiguousarray(picture.array)
    _write(up, array.reshape(-1).view(np.uint8).data)
    facts = {f.name: getattr(picture, f.name) for f in fields(picture) if f.name != "array"}
    return {"picture": facts, "shape": array.shape, "dtype": array.dtype.name}


def _instance(head: Instance, data: bytes) -> Instance:
    if head.format is not FileFormat.DICOM:
        return replace(head, data=data)
    return replace(head, data=data, dataset=parse_dataset(data, _LIMITS))


def _for_memory(error: BaseException) -> bool:
    """Tell whether a refusal hides that memory ran out; C libraries say so in words only."""
    cause = error.__cause__
    while cause is not None:
        if isinstance(cause, MemoryError) or "memory" in str(cause).lower():
            return True
        cause = cause.__cause__
    return False


def _plain(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else str(value)


def _write(fd: int, view: memoryview) -> None:
    start = 0
    while view:
        count = os.pwrite(fd, view, start)
        view, start = view[count:], start + count
