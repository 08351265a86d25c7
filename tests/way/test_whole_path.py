"""One walk through every door: what is validated is what is served, and all of it is recorded."""

import json
import shutil
from dataclasses import replace

import pydicom
import pytest

from medclf import api, installation
from medclf.cohort.labels import read_labels
from medclf.cohort.manifest import Manifest
from medclf.config import load_yaml, save_yaml
from medclf.dicom.instance import open_instance
from medclf.opinion import Status
from medclf.registry.package import Package
from medclf.service.background import running
from medclf.service.client import OpinionClient
from medclf.service.config import ServiceConfig
from medclf.service.served import ServedClassifier
from medclf.study.config import StudyConfig
from medclf.study.read import load_classifier


@pytest.fixture
def home(walked, tmp_path):
    """A copy of the installation's folder, free to be written."""
    return shutil.copytree(walked.home, tmp_path / "home")


def answered(walked, home):
    """A test image that gets an opinion."""
    read = api.read(walked.package, walked.images(), home=home)
    return next(done.path for done in read if done.opinion.status is Status.OK)


def test_reading_and_asking_give_exactly_the_same_numbers(walked, home):
    place = installation.open_home(home, "tester")
    classifier = load_classifier(walked.package, place)
    images = walked.images()[:6]
    with (
        place.open_trail() as trail,
        running(
            ServedClassifier(classifier), trail.append, config=ServiceConfig(listen="127.0.0.1:0")
        ) as address,
        OpinionClient(address) as client,
    ):
        asked = [client.ask(image) for image in images]
    read = [done.opinion for done in api.read(walked.package, images, home=home)]
    assert [replace(o, decoder="", audit_sequence=None, novelty=None) for o in asked] == [
        replace(o, decoder="", audit_sequence=None, novelty=None) for o in read
    ]
    assert Status.OK in {o.status for o in read}
    assert [o.audit_sequence for o in asked] == sorted({o.audit_sequence for o in asked})


def test_the_report_holds_the_numbers_that_reading_gives(walked, home):
    report = json.loads((walked.report.parent / "report.json").read_text())
    decided = report["confusion"]["counts"]
    read = list(api.read(walked.package, walked.images(), home=home))
    positives = sum(
        o.opinion.findings[0].decision == "positive" for o in read if o.opinion.findings
    )
    assert decided[0][1] + decided[1][1] == positives
    assert report["flow"]["given"] == len(read)


def test_the_report_has_every_figure_with_interval_method_and_number(walked):
    metrics = json.loads((walked.report.parent / "report.json").read_text())["metrics"]
    names = [
        "auc",
        "sensitivity",
        "specificity",
        "ppv",
        "npv",
        "f1",
        "balanced_accuracy",
        "ece",
        "brier",
    ]
    for name in names:
        figure = metrics[name]
        assert figure.keys() >= {"estimate", "low", "high", "method", "n"}
        assert figure["low"] <= figure["estimate"] <= figure["high"]
        assert figure["method"]
        assert figure["n"] > 0


def test_the_audit_trail_tells_the_story_in_order(walked):
    actions = [event.action for event in installation.audit_show(home=walked.home)]
    assert actions[:6] == [
        "study.ingested",
        "training.started",
        "package.packed",
        "validation.started",
        "test.unsealed",
        "validation.finished",
    ]
    assert installation.audit_verify(home=walked.home).size == len(actions)


def test_training_again_gives_the_same_package(walked, tmp_path):
    again = shutil.copytree(
        walked.folder, tmp_path / "again", ignore=shutil.ignore_patterns("home")
    )
    shutil.rmtree(again / "study")
    shutil.copytree(walked.home, tmp_path / "home")
    trained = api.train(again / "study.yaml", home=tmp_path / "home")
    assert trained.package.digest == Package.load(walked.package).digest


def test_a_package_is_released_only_after_a_validation(walked, home, tmp_path):
    released = api.release(walked.package, home=home, note="test")
    assert released.package == Package.load(walked.package).digest
    done = next(api.read(walked.package, walked.images()[:1], home=home))
    assert done.opinion.released
    with pytest.raises(api.MisuseError, match="never validated"):
        api.release(walked.package, home=tmp_path / "elsewhere")


def test_a_package_from_elsewhere_is_validated_and_released_here(walked, tmp_path):
    home = tmp_path / "validator"
    api.validate(walked.package, data=walked.test_table, out=tmp_path / "report", home=home)
    api.release(walked.package, home=home)
    lineage = installation.open_home(home, "tester").lineage()
    digest = Package.load(walked.package).digest
    assert lineage.package_of("demo-phantoms", alias="released") == digest


def test_another_order_of_labels_is_another_training(walked, tmp_path):
    again = shutil.copytree(walked.folder, tmp_path / "again")
    config = load_yaml(again / "study.yaml", StudyConfig)
    labels = tuple(reversed(config.data.labels))
    save_yaml(
        again / "study.yaml",
        config.model_copy(update={"data": config.data.model_copy(update={"labels": labels})}),
    )
    trained = api.train(again / "study.yaml", home=again / "home")
    assert trained.learned.fitted is not None
    assert trained.learned.fitted.resumed_from == 0


def test_images_that_were_learned_from_are_left_out_of_a_validation(walked, home, tmp_path):
    done = api.validate(
        walked.package, data=walked.folder / "dicom" / "labels.csv", out=tmp_path, home=home
    )
    flow = done.evaluation.flow
    assert flow.given == 120
    assert flow.excluded == 120 - len(walked.images())
    assert set(flow.reasons["excluded"]) == {"picture_seen_in_training"}


def test_the_test_table_names_patients_as_the_training_did(walked):
    manifest = Manifest.load(walked.folder / "study")
    keys = {row.patient_key for row in read_labels(walked.test_table).rows}
    assert keys
    assert keys <= set(manifest.column("patient"))


def test_an_opinion_becomes_a_structured_report(walked, home, tmp_path, medclf):
    image, out = answered(walked, home), tmp_path / "sr.dcm"
    code, text, _ = medclf("read", walked.package, image, "--sr", out, "--home", home, "--json")
    assert code == 0
    opinion = json.loads(text)
    report = pydicom.dcmread(out)
    source = open_instance(image)
    assert report.StudyInstanceUID == source.study_uid
    assert report.SOPClassUID == "1.2.840.10008.5.1.4.1.1.88.34"
    texts = [str(element.value) for element in report.iterall()]
    assert any(opinion["package"] in text for text in texts)
    assert any(repr(opinion["findings"][0]["probability"]) in text for text in texts)


@pytest.mark.peer
def test_the_structured_report_passes_dciodvfy(walked, home, tmp_path, medclf, program):
    import subprocess

    out = tmp_path / "sr.dcm"
    medclf("read", walked.package, walked.images()[0], "--sr", out, "--home", home)
    found = subprocess.run(
        [program("dciodvfy"), "-new", str(out)], capture_output=True, text=True, check=False
    )
    assert "Error" not in found.stdout + found.stderr


def test_mlflow_holds_the_run_with_its_lineage(walked):
    place = installation.open_home(walked.home, "tester")
    digest = Package.load(walked.package).digest
    assert place.lineage().package_of("demo-phantoms", alias="candidate") == digest


def test_the_package_holds_no_path_time_or_name(walked):
    content = b"".join(path.read_bytes() for path in walked.package.iterdir())
    for trace in (str(walked.folder), "tester", "PHANTOM-", "Made-up Hospital"):
        assert trace.encode() not in content


def test_probabilities_do_not_depend_on_the_company_an_image_keeps(walked, home):
    classifier = load_classifier(walked.package, installation.open_home(home, "tester"))
    instances = [open_instance(path) for path in walked.images()[:5]]
    forwards = [classifier.read(instance) for instance in instances]
    backwards = [classifier.read(instance) for instance in reversed(instances)]
    assert forwards == backwards[::-1]
