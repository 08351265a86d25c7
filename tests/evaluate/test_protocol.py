from pathlib import Path

import pytest
from pydantic import ValidationError

from medclf.errors import ProtocolRefused
from medclf.evaluate.protocol import Direction, Protocol, Task, load_protocol

PROTOCOLS = Path(__file__).resolve().parents[2] / "validation" / "protocols"


@pytest.mark.parametrize("path", sorted(PROTOCOLS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_stored_protocol_loads(path):
    protocol = load_protocol(path)
    assert protocol.endpoints
    assert protocol.digest.startswith("sha256:")


def test_stored_protocols_are_the_four_known_ones():
    names = {path.stem for path in PROTOCOLS.glob("*.yaml")}
    assert names >= {"xray_pneumonia", "fundus_dr", "pathology_lung", "phantom_xray"}


def test_moving_a_bound_changes_the_digest(make_protocol):
    one = make_protocol(endpoints=[{"metric": "auc", "bound": {"above": 0.85}}])
    same = make_protocol(endpoints=[{"metric": "auc", "bound": {"above": 0.85}}])
    other = make_protocol(endpoints=[{"metric": "auc", "bound": {"above": 0.84}}])
    assert one.digest == same.digest != other.digest


def test_default_protocol_claims_nothing():
    protocol = Protocol.default_for(("normal", "pneumonia"), "pneumonia")
    assert protocol.task is Task.BINARY
    assert protocol.endpoints == ()
    assert Protocol.default_for(("a", "b", "c"), None).task is Task.MULTICLASS


@pytest.mark.parametrize(
    "endpoint",
    [
        {"metric": "auc", "bound": {}},
        {"metric": "auc", "bound": {"above": 0.8, "below": 0.9}},
        {"metric": "accuracyy", "bound": {"above": 0.8}},
        {"metric": "ece", "label": "finding", "bound": {"below": 0.1}},
        {"metric": "auc", "bound": {"above": 85}},
        {"metric": "auc", "bound": {"above": 0.8}, "confidence": 95},
    ],
)
def test_broken_endpoints_are_refused(make_protocol, endpoint):
    with pytest.raises(ValidationError):
        make_protocol(endpoints=[endpoint])


def test_bound_tells_its_direction(make_protocol):
    bounds = [{"above": 0.8}, {"below": 0.0}]
    protocol = make_protocol(endpoints=[{"metric": "ece", "bound": bound} for bound in bounds])
    assert [(e.bound.direction, e.bound.value) for e in protocol.endpoints] == [
        (Direction.ABOVE, 0.8),
        (Direction.BELOW, 0.0),
    ]


def test_bad_file_is_refused_with_the_key(tmp_path):
    path = tmp_path / "protocol.yaml"
    path.write_text("id: x\nbonud: 3\n")
    with pytest.raises(ProtocolRefused, match="bonud"):
        load_protocol(path)
    with pytest.raises(ProtocolRefused, match="cannot be read"):
        load_protocol(tmp_path / "absent.yaml")


def test_seed_is_required(make_protocol):
    with pytest.raises(ValidationError, match="seed"):
        make_protocol(seed=None)
