"""One child process as its parent sees it: started, given a job, killed.

Bytes and pixels travel through two areas of shared memory, and only facts over a socket. What
comes back is JSON and numbers that are checked: a child that a hostile image has taken over may
give wrong pictures, of that image and of those after it while it lives, and nothing else.
"""

import json
import math
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from medclf.errors import DecodingUnavailable, PixelsMisuse, PixelsRefused
from medclf.pixels.picture import POLICY, Picture
from medclf.reasons import Reason

MESSAGE_BYTES = 1 << 16
_READY_S = 60.0  # for the imports of a child; half a second on an idle machine
_KEPT_BYTES = 64 << 20  # of an area between jobs; above, its pages go back
_MESSAGE_LENGTH = 500
_PIXELS = ("uint8", "uint16")
# Isolated: no environment, no working folder. The parent's path is taken over, so that the child
# imports the same code.
_COMMAND = "import sys; sys.path[:] = sys.argv[3:]; from medclf.pixels.inside import main; main()"
# One thread a library, since each child decodes one image; one arena, so that memory is not held
# twice. Nothing else of the environment reaches the child: it may hold secrets.
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),  # freed buffers stay for the next image
    "MALLOC_TRIM_THRESHOLD_": str(256 << 20),
    "LC_ALL": "C.UTF-8",
}
_LIBRARY_PATH = "LD_LIBRARY_PATH"  # some Pythons do not start without theirs


class ChildLate(Exception):
    """No answer in time."""


class ChildStarved(Exception):
    """The child ran into its bound on memory."""


class ChildDied(Exception):
    """The process ended; the text says how, such as `SIGSEGV`."""


@dataclass(frozen=True, slots=True)
class Job:
    """One image to decode.

    Attributes:
        data: the file's bytes.
        head: what the child must know beside them, pickled.
        timeout_s: for the answer.
    """

    data: bytes = field(repr=False)
    head: bytes = field(repr=False)
    timeout_s: float


class Child:
    """A process of `medclf.pixels.inside`, with its two areas of shared memory.

    Attributes:
        served: jobs that it has answered.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], line: socket.socket, areas: tuple[int, ...]
    ) -> None:
        self.served = 0
        self._process = process
        self._line = line
        self._areas = areas
        self._ready = False
        self._using = threading.Lock()  # no descriptor may be closed, and reused, under a job

    @classmethod
    def start(cls, function: str, *, memory_bytes: int) -> "Child":
        """Start a process; it gets ready while the caller goes on.

        Raises:
            DecodingUnavailable: the system gives no process or no memory for it.
        """
        fds: list[int] = []
        try:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            # One by one: what is open is known, and closed, when the next cannot be had.
            fds.append(os.memfd_create("medclf-file"))
            fds.append(os.memfd_create("medclf-picture"))
            fds.extend(os.pipe())
            down, up, watched, lifeline = fds
            handed = [theirs.fileno(), down, up, watched]
            settings = {"function": function, "memory_bytes": memory_bytes, "fds": handed}
            kept = {k: os.environ[k] for k in (_LIBRARY_PATH,) if k in os.environ}
            process = subprocess.Popen(
                [sys.executable, "-I", "-c", _COMMAND, json.dumps(settings), "--", *_search_path()],
                pass_fds=handed,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=_ENVIRONMENT | kept,
                process_group=0,  # Ctrl-C is for the parent
            )
        except (OSError, AttributeError) as error:  # AttributeError: a system without memfd
            for fd in fds:
                os.close(fd)
            raise DecodingUnavailable(
                f"No process to decode in can be started ({type(error).__name__}).",
                advice="Linux is needed; check the limits on processes, files and memory.",
            ) from error
        theirs.close()
        os.close(watched)
        return cls(process, ours, (down, up, lifeline))

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def decode(self, job: Job) -> Picture:
        """Let the child decode one image.

        Raises:
            PixelsRefused, PixelsMisuse: as the function in the child.
            ChildLate, ChildStarved, ChildDied: as they say; the child is of no more use.
            DecodingUnavailable: the child does not get ready.
        """
        with self._using:
            return self._decode(job)

    def kill(self) -> None:
        """End the process and give its memory back; harmless when repeated."""
        self._process.kill()
        self._process.wait()
        with self._using:  # whoever waits for an answer is told by the process's end
            areas, self._areas = self._areas, ()
            self._line.close()
            for fd in areas:
                os.close(fd)

    def _decode(self, job: Job) -> Picture:
        if not self._areas:
            raise ChildDied("killed before")
        if not self._ready:
            self._get_ready()
        down, up, _ = self._areas
        try:
            _write(down, job.data, 0)
            _write(down, job.head, len(job.data))
            self._line.send(json.dumps({"data": len(job.data), "head": len(job.head)}).encode())
            answer = self._answer(job.timeout_s)
            if "starved" in answer:
                raise ChildStarved
            self.served += 1
            if "refused" in answer:
                raise _refused(answer["refused"])
            if "misuse" in answer:
                raise PixelsMisuse(str(answer["misuse"]["message"])[:_MESSAGE_LENGTH])
            picture = _picture(answer, up)
        except (KeyError, TypeError, ValueError, OSError) as error:
            raise ChildDied(f"nonsense: {type(error).__name__}") from error
        for area, size in ((down, len(job.data)), (up, picture.array.nbytes)):
            if size > _KEPT_BYTES:
                os.ftruncate(area, 0)
        return picture

    def _get_ready(self) -> None:
        try:
            answer = self._answer(_READY_S)
        except (ChildLate, ChildDied) as error:
            raise DecodingUnavailable(
                f"The process to decode in does not start ({error or 'too slow'}).",
                advice="Check that this Python can import medclf, and the memory of the machine.",
            ) from error
        if answer.get("ready") is not True:
            raise DecodingUnavailable(
                f"The process to decode in cannot import what it needs ({answer}).",
                advice="Repair the installation, for example with `pip check`.",
            )
        self._ready = True

    def _answer(self, timeout_s: float) -> dict[str, Any]:
        if not _readable(self._line, timeout_s):
            raise ChildLate
        try:
            message = self._line.recv(MESSAGE_BYTES)
        except OSError:
            message = b""
        if not message:
            raise ChildDied(self._how_it_ended())
        answer = json.loads(message)
        if not isinstance(answer, dict):
            raise TypeError
        return answer

    def _how_it_ended(self) -> str:
        try:
            code = self._process.wait(1)
        except subprocess.TimeoutExpired:
            return "hung up"
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _picture(answer: dict[str, Any], area: int) -> Picture:
    facts, shape, kind = answer["picture"], tuple(answer["shape"]), answer["dtype"]
    grey_or_colour = len(shape) == 2 or (len(shape) == 3 and shape[2] == 3)
    sizes = all(type(side) is int and side > 0 for side in shape)
    if kind not in _PIXELS or not grey_or_colour or not sizes:
        raise ValueError
    size = math.prod(shape) * np.dtype(kind).itemsize
    if os.fstat(area).st_size < size:  # asked before memory is taken for it
        raise ValueError
    _check(facts)
    array = np.empty(shape, kind)
    _read(area, array.reshape(-1).view(np.uint8).data)
    return Picture(array=array, **facts)


def _check(facts: dict[str, Any]) -> None:
    """Refuse facts that no decoder gives: they end in opinions and decide on geometry."""
    decoder, aspect = facts["decoder"], facts["aspect"]
    known = facts.keys() == {"decoder", "policy", "aspect", "laterality"}
    named = isinstance(decoder, str) and len(decoder) <= _MESSAGE_LENGTH
    possible = isinstance(aspect, float) and 0 < aspect < math.inf
    if not (known and named and possible):
        raise ValueError
    if facts["policy"] != POLICY or facts["laterality"] not in ("", "L", "R"):
        raise ValueError


def _search_path() -> list[str]:
    return [str(Path(place).absolute()) for place in sys.path]  # "" is the working folder


def _readable(line: socket.socket, timeout_s: float) -> bool:
    poll = select.poll()  # `select` cannot take descriptors above 1023
    poll.register(line, select.POLLIN)
    return bool(poll.poll(timeout_s * 1000))


def _refused(told: dict[str, Any]) -> PixelsRefused:
    facts = {k: tuple(v) if isinstance(v, list) else v for k, v in told["facts"].items()}
    message = str(told["message"])[:_MESSAGE_LENGTH]
    return PixelsRefused(Reason(told["reason"]), message, **facts)


def _write(fd: int, data: bytes, start: int) -> None:
    """Write all of it; the kernel takes 2 GiB at a time."""
    view = memoryview(data)
    while view:
        count = os.pwrite(fd, view, start)
        view, start = view[count:], start + count


def _read(fd: int, into: memoryview) -> None:
    start = 0
    while start < len(into):
        count = os.preadv(fd, [into[start:]], start)
        if count == 0:
            raise ValueError
        start += count
