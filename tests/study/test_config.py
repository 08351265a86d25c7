"""What `study.yaml` may say of random variations and of weights."""

import pytest

from medclf.config import parse
from medclf.errors import ConfigError, StudyMisuse
from medclf.model.task import Task
from medclf.study.config import StudyConfig


def _study(kind: str, **keys: object) -> StudyConfig:
    content = {
        "name": "a",
        "seed": 0,
        "data": {"table": "t.csv", "labels": ["no", "yes"], "positive": "yes"},
        "preprocessing": {"kind": kind, "size": 224},
        "model": {"backbone": "timm/resnet18"},
    }
    return parse({**content, **keys}, StudyConfig, where="study.yaml")


def test_variations_are_as_before_unless_asked_for():
    augment = _study("xray").augment
    assert (augment.movement, augment.light, augment.mirror) == (1, 1, True)
    assert not any(
        (augment.gamma, augment.grain, augment.blur, augment.illumination, augment.stain)
    )


def test_variation_of_another_kind_is_refused():
    assert _study("pathology", augment={"stain": 1}).augment.stain == 1
    with pytest.raises(ConfigError, match="stain"):
        _study("xray", augment={"stain": 1})


def test_mirrored_variations_and_normalised_laterality_exclude_each_other():
    eyes = {"kind": "fundus", "size": 224, "fundus": {"laterality": "right"}}
    with pytest.raises(ConfigError, match="laterality"):
        _study("fundus", preprocessing=eyes)
    _study("fundus", preprocessing=eyes, augment={"mirror": False})


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"weights": "own.pth", "revision": "main"}, "revision"),
        ({"weights": "random", "weights_digest": "sha256:" + "0" * 64}, "weights_digest"),
        ({"weights": "hub", "weights_licence": "MIT"}, "weights_licence"),
        ({"weights": "own.pth", "weights_digest": "0" * 64}, "weights_digest"),
    ],
)
def test_a_key_of_the_weights_that_would_do_nothing_is_refused(keys, said):
    with pytest.raises(ConfigError, match=said):
        _study("xray", model={"backbone": "timm/resnet18", **keys})


def test_weights_may_be_pinned_and_their_licence_stated():
    hub = {"weights": "hub", "revision": "1" * 40, "weights_digest": "sha256:" + "0" * 64}
    assert _study("xray", model={"backbone": "timm/resnet18", **hub}).model.revision == "1" * 40
    file = {"weights": "own.pth", "weights_licence": "CC-BY-4.0"}
    told = _study("xray", model={"backbone": "timm/resnet18", **file}).model
    assert told.weights_licence == "CC-BY-4.0"


FINDINGS = {"format": "findings", "table": "t.csv", "findings": ["edema", "mass"]}
GRADES = {"table": "t.csv", "labels": ["0", "1", "2"], "ordered": True}


def test_the_network_is_asked_what_the_data_section_says():
    told = {
        _study("xray").architecture.task: _study("xray").data.label_space,
        _study("xray", data=FINDINGS).architecture.task: ("edema", "mass"),
        _study("xray", data=GRADES).architecture.task: ("0", "1", "2"),
    }
    assert told == {
        Task.EXCLUSIVE: ("no", "yes"),
        Task.FINDINGS: ("edema", "mass"),
        Task.ORDINAL: ("0", "1", "2"),
    }
    assert _study("xray", data=FINDINGS).architecture.classes == 2


def test_an_archive_whose_findings_are_not_named_cannot_be_learned_from():
    study = _study("xray", data={"format": "medmnist", "table": "chest.npz"})
    with pytest.raises(StudyMisuse, match="several findings"):
        _ = study.architecture
