import json

from hypothesis import given
from hypothesis import strategies as st

from medclf.digest import canonical_json
from medclf.opinion import Decision, Finding, Opinion, Status
from medclf.service.record import Caller, facts_of, plain


@given(st.text())
def test_what_a_client_calls_itself_is_recorded_short_and_harmless(text):
    found = plain(text)
    assert len(found) <= 64
    assert found.isascii()
    assert found.isprintable()


@given(st.floats(0, 1), st.floats(0, 1), st.none() | st.floats(0, 1e9))
def test_numbers_are_recorded_exactly(probability, threshold, novelty):
    finding = Finding("x", probability, Decision.POSITIVE, "youden", threshold)
    opinion = Opinion(Status.OK, "p", "i", findings=(finding,), novelty=novelty)
    facts = json.loads(canonical_json(facts_of(opinion, Caller("", "", "ipv4", ""))))
    assert float(facts["findings"][0]["probability"]) == probability
    assert float(facts["findings"][0]["threshold"]) == threshold
    assert facts["novelty"] == ("" if novelty is None else repr(novelty))
