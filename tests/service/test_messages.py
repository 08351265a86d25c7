import pytest
from hypothesis import given
from hypothesis import strategies as st

from medclf.errors import ServiceMisuse
from medclf.opinion import Decision, Finding, Opinion, Status
from medclf.reasons import Reason
from medclf.service._pb.v1 import opinion_pb2 as pb
from medclf.service.messages import from_message, to_message

_TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
_FINDINGS = st.builds(
    Finding,
    label=_TEXT,
    probability=st.floats(0, 1),
    decision=st.sampled_from(Decision),
    operating_point=_TEXT,
    threshold=st.floats(0, 1),
)
_OPINIONS = st.builds(
    Opinion,
    status=st.sampled_from(Status),
    package=_TEXT,
    instance=_TEXT,
    findings=st.lists(_FINDINGS, max_size=4).map(tuple),
    reasons=st.lists(st.sampled_from(Reason), max_size=4).map(tuple),
    decoder=_TEXT,
    pixels=_TEXT,
    released=st.booleans(),
    novelty=st.none() | st.floats(allow_nan=False),
    audit_sequence=st.none() | st.integers(-(2**63), 2**63 - 1),
)


@given(_OPINIONS)
def test_an_opinion_survives_the_wire_exactly(opinion):
    wire = to_message(opinion).SerializeToString()
    back = from_message(pb.Opinion.FromString(wire))
    assert back == opinion
    assert repr(back) == repr(opinion)


@pytest.mark.parametrize(
    "message",
    [
        pb.Opinion(),
        pb.Opinion(status=99),
        pb.Opinion(status=pb.STATUS_REJECTED, reasons=["from_the_future"]),
        pb.Opinion(status=pb.STATUS_OK, findings=[pb.Finding(label="x")]),
    ],
)
def test_a_code_from_another_version_is_refused_and_not_guessed(message):
    with pytest.raises(ServiceMisuse, match="does not know"):
        from_message(message)
