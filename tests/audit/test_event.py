import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medclf.audit.event import Event, rfc3339
from medclf.errors import AuditMisuse

facts_values = st.recursive(
    st.text() | st.integers(-(2**53) + 1, 2**53 - 1) | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def event(**facts: object) -> Event:
    return Event(1, "2026-01-02T03:04:05.000000Z", "tester", "test.done", facts)  # type: ignore[arg-type]


@given(st.dictionaries(st.text(), facts_values, max_size=4))
def test_an_event_reads_back_as_it_was(facts):
    written = Event(7, "2026-01-02T03:04:05.000000Z", "tester", "test.done", facts)

    assert Event.decode(written.encode()) == written


def test_the_text_is_canonical():
    body = event(b=1, a=[True, "é"]).encode()

    assert (
        body
        == (
            '{"action":"test.done","actor":"tester","facts":{"a":[true,"é"],"b":1},'
            '"sequence":1,"time":"2026-01-02T03:04:05.000000Z"}'
        ).encode()
    )
    assert list(json.loads(body)) == sorted(json.loads(body))


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (0.5, "decimal string"),
        (float("nan"), "decimal string"),
        (None, "NoneType"),
        (b"x", "bytes"),
        (2**53, "write it as a string"),
        ({1: "x"}, "key that is not a string"),
        ("\ud800", "surrogate"),
        ({1, 2}, "set"),
    ],
)
def test_a_fact_of_another_type_is_refused_and_its_place_named(value, what):
    with pytest.raises(AuditMisuse, match=what) as caught:
        event(outer={"inner": [value]}).encode()

    assert caught.value.facts["where"] == "facts.outer.inner[0]"


def test_endless_nesting_is_refused():
    endless: list[object] = []
    endless.append(endless)

    with pytest.raises(AuditMisuse, match="nested"):
        event(a=endless).encode()


def test_a_document_is_refused():
    with pytest.raises(AuditMisuse, match="record its digest"):
        event(a="x" * (1 << 20)).encode()


@pytest.mark.parametrize("name", ["", "  ", "two\nlines", "x" * 201])
def test_an_actor_that_is_no_name_is_refused(name):
    with pytest.raises(AuditMisuse, match="actor"):
        Event(1, "2026-01-02T03:04:05.000000Z", name, "test.done", {}).encode()


def test_time_is_utc_whatever_the_clock_says():
    east = datetime(2026, 1, 2, 5, 4, 5, tzinfo=timezone(timedelta(hours=2)))

    assert rfc3339(east) == rfc3339(east.astimezone(UTC)) == "2026-01-02T03:04:05.000000Z"


def test_a_time_without_zone_is_refused():
    with pytest.raises(AuditMisuse, match="time zone"):
        rfc3339(datetime(2026, 1, 2))


@pytest.mark.parametrize("body", ["[]", "{}", "x", '{"action":1}'])
def test_text_of_something_else_is_no_event(body):
    with pytest.raises(ValueError, match=r"event|Expecting"):
        Event.decode(body)
