import asyncio
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import grpc
import pytest
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

from medclf.digest import digest_bytes
from medclf.errors import AuditUnavailable, ServerUnavailable, ServiceMisuse, WeightsRefused
from medclf.opinion import Status
from medclf.reasons import Reason
from medclf.service._pb.v1 import opinion_pb2 as pb
from medclf.service.client import OpinionClient, ask
from medclf.service.config import ServiceConfig
from medclf.service.server import SERVICE, OpinionServer


def header(**fields: object) -> pb.RequestOpinionRequest:
    return pb.RequestOpinionRequest(header=pb.UploadHeader(**fields))


def chunk(data: bytes) -> pb.RequestOpinionRequest:
    return pb.RequestOpinionRequest(chunk=data)


def refusal(call) -> tuple[grpc.StatusCode, str, str]:
    """Run a call that must fail; return its status, its coded reason and its message."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    error = caught.value
    return error.code(), dict(error.trailing_metadata()).get("medclf-reason"), error.details()


def given(trail) -> list:
    return [event for event in trail.events() if event.action == "opinion.given"]


def test_an_opinion_comes_back_with_the_number_of_its_record(serving, trail, png):
    with serving() as address:
        opinion = ask(png, server=address, correlation_id="call-7")
    (event,) = given(trail)
    assert opinion.status is Status.OK
    assert opinion.instance == digest_bytes(png)
    assert opinion.audit_sequence == event.sequence
    (finding,) = event.facts["findings"]
    assert float(finding["probability"]) == opinion.findings[0].probability
    assert event.facts["correlation_id"] == "call-7"
    assert event.facts["transport"] == "ipv4"
    assert event.facts["client"] == "medclf"
    assert trail.verify().size == len(list(trail.events()))


def test_a_path_and_its_bytes_get_the_same_opinion(serving, png, tmp_path):
    path = tmp_path / "image.png"
    path.write_bytes(png)
    with serving() as address, OpinionClient(address) as client:
        first, second = client.ask(path), client.ask(png)
    assert replace(first, audit_sequence=None) == replace(second, audit_sequence=None)
    assert second.audit_sequence == first.audit_sequence + 1


def test_start_and_stop_are_recorded_around_the_opinions(serving, trail, png):
    with serving() as address:
        ask(png, server=address)
    actions = [event.action for event in trail.events()]
    assert actions == ["service.started", "opinion.given", "service.stopped"]


def test_garbage_is_a_rejected_opinion_and_not_an_error(serving, trail):
    with serving() as address:
        opinion = ask(b"not an image", server=address)
    assert opinion.status is Status.REJECTED
    assert opinion.reasons == (Reason.FORMAT_UNKNOWN,)
    assert opinion.findings == ()
    assert opinion.package == digest_bytes(b"the rule")
    assert given(trail)[0].facts["reasons"] == ["format_unknown"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"", Reason.FILE_EMPTY), (bytes((1 << 20) + 1), Reason.FILE_TOO_LARGE)],
)
def test_an_unsuitable_file_is_rejected_with_its_code(serving, data, reason):
    with serving() as address:
        assert ask(data, server=address).reasons == (reason,)


def test_bytes_that_differ_from_the_promised_digest_are_refused(serving, trail, stub_of, png):
    with serving() as address:
        messages = [header(sha256="0" * 64), chunk(png)]
        status, reason, message = refusal(
            lambda: stub_of(address).RequestOpinion(iter(messages), timeout=10)
        )
    assert (status, reason) == (grpc.StatusCode.DATA_LOSS, "file_changed")
    assert digest_bytes(png) in message
    assert given(trail) == []


@pytest.mark.parametrize(
    ("messages", "status", "reason"),
    [
        ([], "INVALID_ARGUMENT", "header_missing"),
        ([chunk(b"x")], "INVALID_ARGUMENT", "header_missing"),
        ([header(), header()], "INVALID_ARGUMENT", "header_repeated"),
        ([header(sha256="xyz")], "INVALID_ARGUMENT", "header_invalid"),
        ([pb.RequestOpinionRequest()], "INVALID_ARGUMENT", "message_empty"),
        ([header(size_bytes=9), chunk(b"x")], "DATA_LOSS", "truncated"),
        ([header(size_bytes=1), chunk(b"xy")], "RESOURCE_EXHAUSTED", "file_too_large"),
        ([header(size_bytes=1 << 40)], "RESOURCE_EXHAUSTED", "file_too_large"),
        ([header(), *[chunk(bytes(1000))] * 3], "RESOURCE_EXHAUSTED", "file_too_large"),
    ],
)
def test_an_upload_that_breaks_the_protocol_fails_with_a_code(
    serving, stub_of, trail, messages, status, reason
):
    with serving(max_upload_bytes=2048) as address:
        found = refusal(lambda: stub_of(address).RequestOpinion(iter(messages), timeout=10))
    assert found[:2] == (grpc.StatusCode[status], reason)
    assert given(trail) == []


@pytest.mark.parametrize("settings", [{"idle_timeout_s": 1.0}, {"upload_timeout_s": 1.5}])
def test_a_slow_upload_is_cut_off_while_health_answers(serving, stub_of, health_of, png, settings):
    ended = threading.Event()

    def dripping() -> Iterator[pb.RequestOpinionRequest]:
        yield header()
        yield chunk(b"a")
        if "upload_timeout_s" in settings:
            while not ended.wait(0.05):
                yield chunk(b"a")
        ended.wait(20)

    with serving(max_concurrent_uploads=4, **settings) as address, ThreadPoolExecutor(3) as pool:
        calls = [
            pool.submit(refusal, lambda: stub_of(address).RequestOpinion(dripping(), timeout=20))
            for _ in range(3)
        ]
        assert health_of(address) == "SERVING"
        assert ask(png, server=address).status is Status.OK
        outcomes = [call.result()[:2] for call in calls]
        ended.set()
    assert outcomes == [(grpc.StatusCode.DEADLINE_EXCEEDED, "upload_slow")] * 3


def test_more_uploads_than_allowed_are_sent_away(serving, stub_of):
    begun, ended = threading.Event(), threading.Event()

    def pausing() -> Iterator[pb.RequestOpinionRequest]:
        yield header()
        # Larger than any flow window: once it is sent, the server is surely reading.
        yield chunk(bytes(3 << 20))
        begun.set()
        ended.wait(20)

    with serving(max_concurrent_uploads=1) as address, ThreadPoolExecutor(1) as pool:
        first = pool.submit(stub_of(address).RequestOpinion, pausing(), timeout=20)
        assert begun.wait(10)
        with pytest.raises(ServerUnavailable) as caught:
            ask(b"x", server=address)
        ended.set()
        assert first.result().opinion.reasons == ["file_too_large"]
    assert caught.value.facts["failure"] == "overloaded"


def test_a_full_queue_sends_callers_away_and_health_still_answers(serving, reader, health_of, png):
    with serving(workers=1, max_waiting=0) as address, OpinionClient(address) as client:
        reader.hold()
        with ThreadPoolExecutor(1) as pool:
            call = pool.submit(client.ask, png)
            assert reader.entered.acquire(timeout=10)
            with pytest.raises(ServerUnavailable, match="Try again") as caught:
                client.ask(b"x")
            assert health_of(address) == "SERVING"
            reader.go.set()
            assert call.result().status is Status.OK
        assert client.ask(png).status is Status.OK
    assert caught.value.facts["failure"] == "overloaded"


def test_uploads_together_stay_within_the_memory_set_aside(serving, png):
    with serving(max_buffered_bytes=1024) as address:
        with pytest.raises(ServerUnavailable) as caught:
            ask(png, server=address)
        assert ask(b"small", server=address).status is Status.REJECTED
    assert caught.value.facts["failure"] == "overloaded"


def test_an_opinion_that_takes_too_long_is_given_up(serving, reader, trail, png):
    with serving(opinion_timeout_s=0.2) as address:
        reader.hold()
        with pytest.raises(ServerUnavailable) as caught:
            ask(png, server=address)
        reader.go.set()
    assert caught.value.facts["failure"] == "opinion_late"
    assert given(trail) == []


@pytest.mark.parametrize("error", [AuditUnavailable("The disk is full."), OSError(28, "full")])
def test_without_a_record_no_opinion_leaves(serving, stub_of, trail, png, error):
    def append(action, *, actor, facts):
        if action == "opinion.given":
            raise error
        return trail.append(action, actor=actor, facts=facts)

    with serving(append=append) as address:
        status, reason, message = refusal(
            lambda: stub_of(address).RequestOpinion(iter([header(), chunk(png)]), timeout=10)
        )
    assert (status, reason) == (grpc.StatusCode.UNAVAILABLE, "audit_unavailable")
    assert "withheld" in message
    assert given(trail) == []


def test_a_start_that_cannot_be_recorded_is_no_start(serving):
    def append(action, *, actor, facts):
        raise AuditUnavailable("The disk is full.")

    with pytest.raises(AuditUnavailable), serving(append=append):
        pass


def test_a_model_that_cannot_read_does_not_start(serving, reader):
    def read(instance):
        raise WeightsRefused("The head has the wrong width.")

    with (
        pytest.raises(WeightsRefused),
        serving(model=SimpleNamespace(model=reader.model, read=read)),
    ):
        pass


@pytest.mark.parametrize(
    "change",
    [
        {"instance": digest_bytes(b"another image")},
        {"package": digest_bytes(b"another package")},
        {"findings": ()},
        {"reasons": (Reason.BLANK,)},
    ],
)
def test_an_opinion_of_another_image_or_package_is_withheld(serving, reader, trail, png, change):
    changed = {}
    model = SimpleNamespace(
        model=reader.model, read=lambda instance: replace(reader.read(instance), **changed)
    )
    with serving(model=model) as address:
        changed.update(change)
        with pytest.raises(ServerUnavailable) as caught:
            ask(png, server=address)
    assert caught.value.facts["failure"] == "internal"
    assert given(trail) == []


def test_a_number_that_is_no_probability_is_withheld(serving, reader, png):
    broken = []

    def read(instance):
        opinion = reader.read(instance)
        findings = tuple(
            replace(finding, probability=float("nan")) if broken else finding
            for finding in opinion.findings
        )
        return replace(opinion, findings=findings)

    with serving(model=SimpleNamespace(model=reader.model, read=read)) as address:
        broken.append(True)
        with pytest.raises(ServerUnavailable, match="not in"):
            ask(png, server=address)


def test_an_unforeseen_error_tells_the_caller_nothing_of_the_patient(serving, reader, caplog, png):
    broken = []

    def read(instance):
        if broken:
            raise KeyError("DOE^JANE")
        return reader.read(instance)

    with serving(model=SimpleNamespace(model=reader.model, read=read)) as address:
        broken.append(True)
        with pytest.raises(ServerUnavailable) as caught:
            ask(png, server=address)
    assert caught.value.facts["failure"] == "internal"
    assert "DOE" not in str(caught.value)
    assert "DOE" not in caplog.text
    assert "KeyError" in caplog.text


def test_a_call_during_warm_up_is_told_to_wait(reader, trail, png, stub_of, health_of):
    reader.hold()
    socket = tempfile.TemporaryDirectory(prefix="medclf")  # tmp_path may be too long for a socket
    config = ServiceConfig(listen=f"unix:{socket.name}/s")

    async def start_and_ask() -> tuple:
        server = OpinionServer(reader, trail.append, config=config)
        starting = asyncio.create_task(server.start())
        assert await asyncio.to_thread(reader.entered.acquire, timeout=10)
        early = await asyncio.to_thread(
            refusal, lambda: stub_of(config.listen).RequestOpinion(iter([header()]), timeout=5)
        )
        health = await asyncio.to_thread(health_of, config.listen)
        reader.go.set()
        await starting
        later = await asyncio.to_thread(health_of, config.listen)
        await server.drain()
        return early[:2], health, later

    with socket:
        early, health, later = asyncio.run(start_and_ask())
    assert early == (grpc.StatusCode.UNAVAILABLE, "starting")
    assert (health, later) == ("NOT_SERVING", "SERVING")


def test_reflection_lists_the_service(serving):
    with serving() as address, grpc.insecure_channel(address) as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        assert SERVICE == "medclf.v1.OpinionService"
        assert {SERVICE, "grpc.health.v1.Health"} <= set(database.get_services())


def test_a_taken_port_is_an_error_and_not_a_shared_port(serving):
    with (
        serving() as address,
        pytest.raises(ServiceMisuse, match="Cannot listen"),
        serving(listen=address),
    ):
        pass


def test_many_callers_at_once_each_get_the_opinion_of_their_own_image(serving, trail, png):
    files = [png + bytes([number]) for number in range(24)]
    with (
        serving(workers=2, max_waiting=64, max_concurrent_uploads=64) as address,
        OpinionClient(address) as client,
        ThreadPoolExecutor(8) as pool,
    ):
        opinions = list(pool.map(client.ask, files))
    assert [opinion.instance for opinion in opinions] == [digest_bytes(data) for data in files]
    recorded = {event.sequence: event.facts["instance"] for event in given(trail)}
    assert recorded == {opinion.audit_sequence: opinion.instance for opinion in opinions}
