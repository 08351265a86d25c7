"""Whatever a decoder does to its process, the caller lives and the next image is decoded."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path

import cv2
import numpy as np
import pytest

from medclf.dicom.instance import Instance, parse_instance
from medclf.errors import DecodingUnavailable, InstanceRefused, PixelsMisuse, PixelsRefused
from medclf.pixels.decode import decode
from medclf.pixels.isolation import DecodingPool, Isolation
from medclf.reasons import Reason

NASTY = "hostile.nasty:behave"
PROMPT = Isolation(workers=1, timeout_s=3, memory_bytes=1 << 29)


def picture(columns: int = 64, rows: int = 48) -> Instance:
    array = np.random.default_rng(columns).integers(0, 255, (rows, columns), np.uint8)
    return parse_instance(cv2.imencode(".png", array)[1].tobytes())


def same(a, b):
    assert np.array_equal(a.array, b.array)
    assert a.array.dtype == b.array.dtype
    others = [f.name for f in fields(a) if f.name != "array"]
    assert [getattr(a, name) for name in others] == [getattr(b, name) for name in others]
    assert not a.array.flags.writeable


def outcome(how, instance):
    try:
        return how(instance)
    except PixelsRefused as refusal:
        return refusal


@pytest.fixture(scope="module")
def pool():
    with DecodingPool(Isolation(workers=2)) as opened:
        yield opened


@pytest.fixture(scope="module")
def nasty():
    with DecodingPool(PROMPT, function=NASTY) as opened:
        yield opened


def test_a_picture_comes_back_as_it_would_be_decoded_here(pool, make_instance):
    array = np.random.default_rng(0).integers(0, 4096, (700, 500), np.uint16)
    for instance in (picture(), make_instance(array, BitsStored=12), make_instance(array[::3])):
        same(pool.decode(instance), decode(instance))


def test_a_refusal_comes_back_as_it_would_be_raised_here(pool):
    whole = picture()
    cut = parse_instance(whole.data[:-20])
    with pytest.raises(PixelsRefused) as here:
        decode(cut)
    with pytest.raises(PixelsRefused) as there:
        pool.decode(cut)
    assert (there.value.reason, there.value.message) == (here.value.reason, here.value.message)
    assert there.value.facts == here.value.facts
    assert there.value.advice


def test_a_misuse_comes_back_as_one(nasty):
    with pytest.raises(PixelsMisuse, match="no such frame"):
        nasty.decode(picture(1016))


@pytest.mark.shared
def test_every_real_file_gives_the_same_in_a_child_as_here(shared_data, pool):
    compared = 0
    for path in sorted((shared_data / "dicom").rglob("*.dcm")):
        try:
            instance = parse_instance(path.read_bytes())
        except InstanceRefused:
            continue
        here, there = outcome(decode, instance), outcome(pool.decode, instance)
        if isinstance(here, PixelsRefused):
            assert (there.reason, there.message) == (here.reason, here.message)
        else:
            same(there, here)
        compared += 1
    assert compared > 80


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        (1001, Reason.DECODING_TOO_SLOW),
        (1002, Reason.DECODING_TOO_SLOW),
        (1003, Reason.DECODING_TOO_LARGE),
        (1004, Reason.DECODING_TOO_LARGE),
        (1005, Reason.DECODER_CRASHED),
        (1006, Reason.DECODER_CRASHED),
        (1007, Reason.DECODER_CRASHED),
        (1008, Reason.DECODER_CRASHED),
        (1009, Reason.TRUNCATED),
        (1010, Reason.DECODING_TOO_LARGE),
        (1011, Reason.DECODER_CRASHED),
        (1012, Reason.DECODER_CRASHED),
        *((forged, Reason.DECODER_CRASHED) for forged in range(1017, 1026)),
    ],
)
def test_a_decoder_that_misbehaves_costs_a_refusal_and_the_next_image_is_served(
    nasty, columns, reason
):
    with pytest.raises(PixelsRefused) as refusal:
        nasty.decode(picture(columns))
    assert refusal.value.reason is reason
    good = picture()
    same(nasty.decode(good), decode(good))


def test_what_an_earlier_image_left_behind_does_not_decide_about_the_next(nasty):
    same(nasty.decode(picture(1013)), decode(picture(1013)))
    same(nasty.decode(picture(1013)), decode(picture(1013)))  # the first child crashes on it


def test_a_child_knows_nothing_of_its_parents_secrets(monkeypatch):
    monkeypatch.setenv("MEDCLF_SECRET", "x")
    with DecodingPool(PROMPT, function=NASTY) as pool, Path(__file__).open("rb"):
        told = pool.decode(picture(1014)).decoder.split("\n")
    assert "MEDCLF_SECRET" not in told
    assert len([line for line in told if line.isdigit()]) <= 9  # 3 standard, 4 handed, 2 of /proc


def test_threads_share_a_pool(pool):
    instances = [picture(width) for width in range(40, 80)]
    with ThreadPoolExecutor(8) as threads:
        for instance, found in zip(instances, threads.map(pool.decode, instances), strict=True):
            same(found, decode(instance))


def test_two_children_work_at_the_same_time():
    pool = DecodingPool(Isolation(workers=2, timeout_s=600), function=NASTY)
    outcomes: list[type[BaseException] | None] = []

    def ask(columns):
        try:
            pool.decode(picture(columns))
            outcomes.append(None)
        except DecodingUnavailable as error:
            outcomes.append(type(error))

    busy = threading.Thread(target=ask, args=(1001,))
    busy.start()
    ask(64)  # served while the other loops
    assert outcomes == [None]
    pool.close()  # and the other is told
    busy.join(30)
    assert outcomes == [None, DecodingUnavailable]
    with pytest.raises(DecodingUnavailable):
        pool.decode(picture())


def test_an_interrupted_wait_leaves_no_answer_for_the_next(nasty):
    nasty.decode(picture())
    main = threading.main_thread().ident
    assert main is not None
    thread = threading.Timer(0.4, signal.pthread_kill, (main, signal.SIGINT))
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        nasty.decode(picture(1002))
    thread.join()
    good = picture(50)
    same(nasty.decode(good), decode(good))


def test_a_pool_is_not_used_after_a_fork(pool):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            pool.decode(picture())
        except PixelsMisuse:
            os.write(writer, b"refused")
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    assert os.read(reader, 20) == b"refused"
    os.close(reader)


def test_a_function_that_cannot_be_imported_is_told():
    with (
        DecodingPool(PROMPT, function="hostile.absent:decode") as pool,
        pytest.raises(DecodingUnavailable, match="ModuleNotFoundError"),
    ):
        pool.decode(picture())


PARENT = """
import cv2, numpy as np, sys
from medclf.dicom.instance import parse_instance
from medclf.pixels.isolation import DecodingPool, Isolation
pool = DecodingPool(Isolation(workers=1, timeout_s=600), function="hostile.nasty:behave")
def make(width):
    return parse_instance(cv2.imencode(".png", np.zeros((4, width), np.uint8))[1].tobytes())
pool.decode(make(64))
print("ready", flush=True)
pool.decode(make(1002))
"""


def children_of(pid):
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def gone(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] in "ZX"
    except FileNotFoundError:
        return True


def test_a_child_that_loops_dies_with_a_parent_that_is_killed():
    path = os.pathsep.join(sys.path)
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"ready\n"
    (child,) = children_of(parent.pid)
    time.sleep(0.3)  # it is in the endless sleep by now
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 20
    while not gone(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert gone(child)


def test_a_child_imports_nothing_that_trains_or_draws():
    code = "import sys, medclf.pixels.inside, medclf.pixels.decode; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"torch", "monai", "matplotlib", "scipy", "sklearn", "mlflow", "grpc"}
