import json
from dataclasses import replace

import cv2
import numpy as np
import pydicom
import pytest
from pydantic import ValidationError
from scipy.special import expit, softmax

from medclf.classifier import Classifier, PackedModel
from medclf.dicom.admission import AdmissionRules
from medclf.dicom.create import dataset_bytes
from medclf.dicom.instance import open_instance, parse_instance
from medclf.errors import PackageRefused
from medclf.model.task import Task
from medclf.opinion import Status
from medclf.pixels.isolation import DecodingPool, Isolation
from medclf.reasons import Reason
from medclf.registry.package import write_package


@pytest.fixture(scope="module")
def classifier(walked):
    return Classifier.load(walked.package)


def png(array):
    return parse_instance(cv2.imencode(".png", array)[1].tobytes())


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.zeros((300, 300), np.uint8), Reason.BLANK),
        (np.random.default_rng(0).integers(0, 255, (20, 20), dtype=np.uint8), Reason.TOO_SMALL),
    ],
)
def test_a_picture_of_nothing_is_rejected_without_a_number(classifier, array, reason):
    opinion = classifier.read(png(array))
    assert opinion.status is Status.REJECTED
    assert reason in opinion.reasons
    assert opinion.findings == ()


def test_a_picture_unlike_the_training_is_abstained_from(classifier):
    noise = np.random.default_rng(0).integers(0, 255, (256, 256), dtype=np.uint8)
    opinion = classifier.read(png(noise))
    assert opinion.status is Status.ABSTAINED
    assert opinion.reasons == (Reason.UNLIKE_TRAINING,)
    assert opinion.novelty is not None
    assert opinion.novelty > 1


def test_an_opinion_names_package_bytes_and_decoder(classifier, walked):
    instance = open_instance(walked.images()[0])
    opinion = classifier.read(instance)
    assert opinion.package == classifier.package.digest
    assert opinion.instance == instance.digest
    assert opinion.decoder
    assert opinion.pixels == classifier.model.pixels
    assert opinion.audit_sequence is None


def test_the_decision_is_the_probability_held_against_the_threshold(classifier, walked):
    for path in walked.images():
        for finding in classifier.read(open_instance(path)).findings:
            assert (finding.probability >= finding.threshold) == (finding.decision == "positive")
            assert 0 <= finding.probability <= 1


def test_decoding_in_a_child_gives_the_same_opinions(classifier, walked):
    with DecodingPool(Isolation(workers=1)) as pool:
        contained = replace(classifier, decode=pool.decode)
        for path in walked.images():
            instance = open_instance(path)
            assert contained.read(instance) == classifier.read(instance)


@pytest.mark.parametrize(
    ("columns", "reason"), [(1005, Reason.DECODER_CRASHED), (1002, Reason.DECODING_TOO_SLOW)]
)
def test_an_image_that_kills_its_decoder_is_rejected_and_the_next_is_read(
    classifier, walked, columns, reason
):
    bad = png(np.zeros((50, columns), np.uint8))
    good = open_instance(walked.images()[0])
    isolation = Isolation(workers=1, timeout_s=3)
    with DecodingPool(isolation, function="hostile.nasty:behave") as pool:
        contained = replace(classifier, decode=pool.decode)
        opinion = contained.read(bad)
        assert (opinion.status, opinion.reasons) == (Status.REJECTED, (reason,))
        assert opinion.findings == ()
        assert contained.read(good) == classifier.read(good)


def repacked(classifier, folder, **changes):
    package = classifier.package
    files = {name: package.read(name) for name in package.files}
    model = {**json.loads(files["model.json"]), **changes}
    return write_package(folder, {**files, "model.json": json.dumps(model).encode()}).path


def test_a_package_says_which_objects_it_takes(classifier, walked, tmp_path):
    dataset = pydicom.dcmread(walked.images()[0])
    dataset.ViewPosition = "LL"
    del dataset.ViewCodeSequence
    instance = parse_instance(dataset_bytes(dataset))
    opinion = classifier.read(instance)
    assert opinion.reasons == (Reason.VIEW_UNSUPPORTED,)
    assert (opinion.decoder, opinion.pixels) == ("", "")
    rules = {"views": ["frontal", "lateral"]}
    both = Classifier.load(repacked(classifier, tmp_path, admission=rules))
    assert both.read(instance).reasons != (Reason.VIEW_UNSUPPORTED,)


def test_a_package_from_before_the_rules_has_the_default_ones(classifier, tmp_path):
    package = classifier.package
    files = {name: package.read(name) for name in package.files}
    model = json.loads(files["model.json"])
    del model["admission"]
    old = write_package(tmp_path, {**files, "model.json": json.dumps(model).encode()})
    assert Classifier.load(old.path).model.admission == AdmissionRules()


def test_the_first_of_several_frames_is_read_where_the_rules_say_so(classifier, walked, tmp_path):
    path = walked.images()[0]
    alone = classifier.read(open_instance(path))
    dataset = pydicom.dcmread(path)
    dataset.PixelData = dataset.PixelData * 2
    dataset.NumberOfFrames = 2
    several = parse_instance(dataset_bytes(dataset))
    assert classifier.read(several).reasons == (Reason.MULTI_FRAME,)
    lenient = Classifier.load(repacked(classifier, tmp_path, admission={"frame": "first"}))
    opinion = lenient.read(several)
    assert opinion.findings == alone.findings
    assert opinion.instance == several.digest


def test_a_package_for_other_pixel_rules_is_refused(classifier, tmp_path):
    with pytest.raises(PackageRefused, match="pixel rules"):
        Classifier.load(repacked(classifier, tmp_path, pixels="medclf-pixels/0"))


@pytest.mark.parametrize("points", [[], [{"label": "no_opacity"}]])
def test_a_package_without_a_point_for_its_finding_is_refused(classifier, tmp_path, points):
    whole = json.loads(classifier.package.read("model.json"))["operating_points"][0]
    with pytest.raises(PackageRefused, match=r"operating.points?"):
        Classifier.load(
            repacked(classifier, tmp_path, operating_points=[{**whole, **p} for p in points])
        )


def test_a_package_with_a_key_that_this_version_does_not_know_is_refused(classifier, tmp_path):
    with pytest.raises(PackageRefused, match="colour"):
        Classifier.load(repacked(classifier, tmp_path, colour="red"))


def packed(**changes):
    """What `model.json` says, as an earlier version wrote it: no task, no temperatures."""
    points = [
        {
            "name": "youden",
            "label": label,
            "threshold": 0.5,
            "rule": "youden",
            "sensitivity": 1,
            "specificity": 1,
            "n": 9,
        }
        for label in ("edema", "mass", "nodule")
    ]
    return PackedModel.model_validate(
        {
            "name": "m",
            "architecture": {
                "backbone": "medclf/lenet5",
                "channels": 1,
                "size": 64,
                "classes": 3,
                **changes.pop("architecture", {}),
            },
            "preprocessing": {
                "kind": "xray",
                "size": 64,
                "channels": 1,
                "mean": [0.5],
                "std": [0.5],
            },
            "pixels": "p",
            "labels": ["edema", "mass", "nodule"],
            "positive": None,
            "temperature": 2.0,
            "operating_points": points,
            **changes,
        }
    )


def test_a_package_that_names_no_task_has_labels_that_exclude_each_other():
    scores = np.array([[1.0, 2.0, 5.0]])
    model = packed()
    assert model.task is Task.EXCLUSIVE
    assert np.array_equal(model.probabilities(scores), softmax(scores / 2, axis=1))


def test_findings_are_told_each_by_its_own_sigmoid_and_temperature():
    scores = np.array([[1.0, -2.0, 5.0]])
    several = {"architecture": {"task": "findings"}, "temperature": 1.0}
    model = packed(**several, temperatures=[1.0, 2.0, 5.0])
    assert np.array_equal(model.probabilities(scores), expit([[1.0, -1.0, 1.0]]))
    with pytest.raises(ValidationError, match="one temperature for each of several findings"):
        packed(**several)
    with pytest.raises(ValidationError, match="one temperature for each of several findings"):
        packed(temperatures=[1.0, 2.0, 5.0])
