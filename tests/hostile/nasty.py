"""A decoder that misbehaves as told: run by a child process in place of the real one."""

import ctypes
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from medclf.dicom.instance import Instance
from medclf.errors import PixelsMisuse, PixelsRefused
from medclf.pixels import decode as real
from medclf.pixels.picture import Picture
from medclf.reasons import Reason

_seen: list[int] = []


def loop(_: Instance) -> None:
    while True:
        pass


def sleep_in_c(_: Instance) -> None:
    ctypes.PyDLL(None).sleep(3600)  # holds the interpreter lock, as some decoders do


def take_five_gigabytes(_: Instance) -> Picture:
    return Picture(array=np.ones((50_000, 100_000), np.uint8), decoder="greedy")


def take_it_bit_by_bit(_: Instance) -> None:
    kept = []
    while True:
        kept.append(np.ones(1 << 20, np.uint8))


def read_address_zero(_: Instance) -> None:
    ctypes.string_at(0)


def abort(_: Instance) -> None:
    os.abort()


def leave(_: Instance) -> None:
    os._exit(7)


def raise_what_nobody_expects(_: Instance) -> None:
    raise KeyError("surprise")


def refuse(_: Instance) -> None:
    raise PixelsRefused(Reason.TRUNCATED, "Too short.", found=np.int64(3), expected=(4, 5))


def misuse(_: Instance) -> None:
    raise PixelsMisuse("There is no such frame.")


def run_out_in_words(_: Instance) -> None:
    """Fail as OpenCV does: the lack of memory is told in words, and wrapped by `decode`."""
    try:
        raise RuntimeError("Insufficient memory (Failed to allocate 800000000 bytes)")
    except RuntimeError as error:
        raise PixelsRefused(Reason.PIXELS_UNDECODABLE, "Undecodable.") from error


def claim_too_much(_: Instance) -> Picture:
    """A picture that says it is larger than what was written."""
    array = np.zeros((2, 2), np.uint8)
    return Picture(array=np.broadcast_to(array[:1, :1], (2, 2)), decoder="x" * 70_000)


def return_floats(_: Instance) -> Picture:
    return Picture(array=np.zeros((4, 4)), decoder="float")


def forge(**facts: object) -> Callable[[Instance], Picture]:
    """A decoder taken over: its picture has facts that none gives."""
    told = {"decoder": "forged", **facts}
    return lambda _: Picture(array=np.zeros((4, 4), np.uint8), **told)


def crash_when_worn(instance: Instance) -> Picture:
    """Work once, then crash: what a damaged heap does."""
    _seen.append(1)
    if len(_seen) > 1:
        os.kill(os.getpid(), signal.SIGSEGV)
    return real.decode(instance)


def tell_environment(_: Instance) -> Picture:
    names = [*os.environ, *(path.name for path in Path("/proc/self/fd").iterdir())]
    return Picture(array=np.zeros((4, 4), np.uint8), decoder="\n".join(names))


def nap(instance: Instance) -> Picture:
    time.sleep(0.05)
    return real.decode(instance)


# The width of the picture says what to do; any other is decoded.
BEHAVIOURS: dict[int, Callable[[Instance], Picture | None]] = {
    1001: loop,
    1002: sleep_in_c,
    1003: take_five_gigabytes,
    1004: take_it_bit_by_bit,
    1005: read_address_zero,
    1006: abort,
    1007: leave,
    1008: raise_what_nobody_expects,
    1009: refuse,
    1010: run_out_in_words,
    1011: claim_too_much,
    1012: return_floats,
    1013: crash_when_worn,
    1014: tell_environment,
    1015: nap,
    1016: misuse,
    1017: forge(aspect=float("nan")),
    1018: forge(aspect=float("inf")),
    1019: forge(aspect=-1.0),
    1020: forge(aspect="wide"),
    1021: forge(policy="medclf-pixels/1"),
    1022: forge(laterality="Jones"),
    1023: forge(laterality=["L"]),
    1024: forge(decoder=["real"]),
    1025: forge(decoder="x" * 1000),
}


def behave(instance: Instance, *, frame: int | None = None) -> Picture | None:
    misbehave = BEHAVIOURS.get(instance.acquisition.columns)
    return real.decode(instance, frame=frame) if misbehave is None else misbehave(instance)
