import numpy as np
import pytest

from medclf.calibrate.novelty import fit_novelty
from medclf.classifier import PackedModel, PackedPoint
from medclf.dicom.kind import Kind
from medclf.model.features import Outputs
from medclf.model.network import Architecture
from medclf.model.task import Task
from medclf.pixels.picture import POLICY
from medclf.pixels.transforms.preprocessing import Preprocessing
from medclf.study.agreement import compare, say


def model_of(labels):
    """A package for findings, each with a temperature of 2 and a threshold of one half."""
    return PackedModel(
        name="findings",
        architecture=Architecture(
            backbone="medclf/lenet5", channels=1, size=32, classes=len(labels), task=Task.FINDINGS
        ),
        preprocessing=Preprocessing(kind=Kind.XRAY, size=32, channels=1, mean=(0.5,), std=(0.5,)),
        pixels=POLICY,
        labels=labels,
        positive=None,
        temperature=1,
        temperatures=(2.0,) * len(labels),
        operating_points=tuple(
            PackedPoint(
                name="p", label=label, threshold=0.5, rule="r", sensitivity=1, specificity=1, n=9
            )
            for label in labels
        ),
    )


@pytest.fixture(scope="module")
def features():
    return np.random.default_rng(0).normal(size=(60, 4))


@pytest.fixture(scope="module")
def novelty(features):
    return fit_novelty(features[:40], np.zeros(40, dtype=np.int64), features[40:], level=0.1)


@pytest.mark.parametrize("labels", [("mass",), ("mass", "edema")])
def test_an_error_common_to_all_findings_is_seen(novelty, features, labels):
    # By softmax it would cancel, and a single finding would always be 1.
    model, scores = model_of(labels), np.full((60, len(labels)), -0.4)
    theirs = say(model, novelty, Outputs(scores, features))
    ours = say(model, novelty, Outputs(scores + 1, features))
    found = compare(ours, theirs)
    sigmoid = 1 / (1 + np.exp(-np.array([0.6, -0.4]) / 2))
    assert found.largest_probability_difference == pytest.approx(sigmoid[0] - sigmoid[1])
    assert found.decisions_changed == 60 * len(labels)
    assert found.largest_novelty_difference == 0
