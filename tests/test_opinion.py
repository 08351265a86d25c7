import json

from hypothesis import given
from hypothesis import strategies as st

from medclf.opinion import Decision, Finding, Opinion, Status, opinion_facts
from medclf.reasons import Reason


def opinion(probability: float) -> Opinion:
    finding = Finding("opacity", probability, Decision.POSITIVE, "youden", 0.5)
    return Opinion(Status.OK, "sha256:p", "sha256:i", (finding,), audit_sequence=7)


def test_the_json_form_has_the_published_keys():
    value = opinion(0.75).as_json("a.dcm")
    assert {"path", "status", "findings", "reasons", "package", "audit_sequence"} <= value.keys()
    assert value["findings"] == [
        {
            "label": "opacity",
            "probability": 0.75,
            "decision": "positive",
            "operating_point": "youden",
            "threshold": 0.5,
        }
    ]
    assert value["audit_sequence"] == 7


def test_an_abstention_has_reasons_and_no_number():
    value = Opinion(
        Status.ABSTAINED, "sha256:p", "sha256:i", reasons=(Reason.UNLIKE_TRAINING,)
    ).as_json("a.dcm")
    assert value["findings"] == []
    assert value["reasons"] == ["unlike_training"]


def test_the_pixel_rules_go_into_json_and_audit_trail():
    given = Opinion(Status.OK, "sha256:p", "sha256:i", pixels="medclf-pixels/1")
    assert given.as_json("a.dcm")["pixels"] == "medclf-pixels/1"
    assert opinion_facts(given)["pixels"] == "medclf-pixels/1"


@given(st.floats(0, 1))
def test_a_probability_survives_json_and_the_audit_trail_exactly(probability):
    given = opinion(probability)
    again = json.loads(json.dumps(given.as_json("x")))["findings"][0]["probability"]
    audited = opinion_facts(given)["findings"][0]["probability"]
    assert again == probability
    assert float(audited) == probability
