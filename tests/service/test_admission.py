import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medclf.errors import ServerUnavailable
from medclf.service.admission import Admission, Phase
from medclf.service.config import ServiceConfig


@given(st.lists(st.lists(st.integers(0, 600), max_size=5), max_size=20))
def test_memory_is_never_promised_twice_and_always_returned(calls):
    admission = Admission(ServiceConfig(max_buffered_bytes=1024))
    for steps in calls:
        size = 0
        try:
            with admission.buffer() as buffer:
                for step in steps:
                    size += step
                    buffer.grow_to(size)
                assert size <= 1024
        except ServerUnavailable:
            assert size > 1024
    with admission.buffer() as buffer:
        buffer.grow_to(1024)


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.DRAINING])
def test_only_a_serving_server_admits_calls(phase):
    admission = Admission(ServiceConfig())
    admission.phase = phase
    with pytest.raises(ServerUnavailable), admission.call():
        pass


def test_the_last_call_to_leave_ends_the_wait():
    async def leave_one_by_one() -> list[bool]:
        admission = Admission(ServiceConfig())
        admission.phase = Phase.SERVING
        waiting = asyncio.create_task(admission.emptied())
        with admission.call():
            with admission.call():
                pass
            seen = [admission._empty.is_set()]
        await waiting
        return [*seen, admission._empty.is_set()]

    assert asyncio.run(leave_one_by_one()) == [False, True]
