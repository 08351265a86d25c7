"""Grades and several findings through every door: from a table to a report and an answer."""

import csv
import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
import yaml

from medclf import api, installation
from medclf.opinion import Status
from medclf.registry.package import Package
from medclf.service.background import running
from medclf.service.client import OpinionClient
from medclf.service.config import ServiceConfig
from medclf.service.served import ServedClassifier
from medclf.study.read import load_classifier
from validation.findings_reference import draw_marks

NAMES = ("edema", "mass", "nodule")


def write_cohort(folder, heads, rows, pictures):
    folder.mkdir()
    with (folder / "labels.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["path", "patient_id", *heads])
        for number, (row, picture) in enumerate(zip(rows, pictures, strict=True)):
            cv2.imwrite(str(folder / f"{number:04d}.png"), picture)
            table.writerow([f"{number:04d}.png", f"p{number // 2}", *row])


def walk(folder, **data):
    """Write a study with `init`, make it small, and walk it to a report."""
    study = api.init(
        "xray",
        folder / "labels.csv",
        weights="random",
        backbone="medclf/lenet5",
        size=64,
        out=folder / "study.yaml",
    )
    settings = yaml.safe_load(study.read_text())
    settings["data"] |= data
    settings["split"] |= {"train": 0.5, "tune": 0.1, "calibrate": 0.2, "test": 0.2}
    settings["fit"] |= {"epochs": 6, "batch": 16, "learning_rate": 0.003}
    settings["baselines"] = False
    study.write_text(yaml.safe_dump(settings))
    home = folder / "home"
    trained = api.train(study, home=home, actor="tester")
    validated = api.validate(
        trained.package.path,
        data=trained.test_table,
        out=folder / "report",
        home=home,
        actor="tester",
    )
    return trained, validated


@pytest.fixture(scope="module")
def findings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tasks") / "findings"
    pictures, truth = draw_marks(280, seed=3)
    told = truth[:, 8:11].astype(object)
    generator = np.random.default_rng(0)
    told[generator.random(told.shape) < 0.25] = ""
    told[generator.random(told.shape) < 0.05] = -1
    write_cohort(folder, NAMES, told, pictures)
    return folder, *walk(folder)


@pytest.fixture(scope="module")
def grades(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tasks") / "grades"
    generator = np.random.default_rng(1)
    grade = generator.integers(0, 4, 240)
    pictures = generator.normal(70, 18, (240, 64, 64))
    pictures[:, 20:44, 20:44] += (25 * grade + generator.normal(0, 8, 240))[:, None, None]
    write_cohort(folder, ("label",), grade[:, None], pictures.clip(0, 255).astype(np.uint8))
    return folder, *walk(folder, ordered=True)


def test_init_on_a_findings_table_writes_a_study_that_learns_each(findings):
    _, trained, validated = findings
    found = validated.evaluation
    assert (found.task, found.labels) == ("findings", NAMES)
    assert found.metrics["auc"].estimate > 0.8
    assert {p.label for p in trained.calibrated.points} == set(NAMES)
    assert len(trained.calibrated.temperatures) == 3


def test_the_opinion_that_is_read_is_the_one_that_is_served(findings):
    folder, trained, _ = findings
    images = [folder / f"{n:04d}.png" for n in range(6)]
    place = installation.open_home(folder / "home", "tester")
    classifier = load_classifier(trained.package.path, place)
    with (
        place.open_trail() as trail,
        running(
            ServedClassifier(classifier), trail.append, config=ServiceConfig(listen="127.0.0.1:0")
        ) as address,
        OpinionClient(address) as client,
    ):
        asked = [client.ask(image) for image in images]
        assert client.model.labels == NAMES
    read = [done.opinion for done in api.read(trained.package.path, images, home=folder / "home")]
    answered = [opinion for opinion in read if opinion.status is Status.OK]
    assert answered
    assert all(tuple(f.label for f in o.findings) == NAMES for o in answered)
    assert [replace(o, decoder="", audit_sequence=None, novelty=None) for o in asked] == [
        replace(o, decoder="", audit_sequence=None, novelty=None) for o in read
    ]


def test_the_report_judges_each_finding_on_what_the_table_tells_for_sure(findings):
    folder, trained, _ = findings
    report = json.loads((folder / "report" / "report.json").read_text())
    with trained.test_table.open() as file:
        rows = list(csv.DictReader(file))
    read = report["flow"]["read"]
    for name in NAMES:
        told = sum(row[name] in {"0", "1"} for row in rows)
        n = report["per_label"][name]["auc"]["n"]
        assert told - (len(rows) - read) <= n <= told < len(rows)
    page = (folder / "report" / "report.html").read_text()
    assert "By finding, each on the cases that tell of it" in page
    assert all(f"After calibration: {name}" in page for name in NAMES)


def test_the_package_says_what_it_was_asked_and_its_card_tells_each_finding(findings):
    _, trained, _ = findings
    package = Package.load(trained.package.path)
    model = package.json("model.json")
    assert model["architecture"]["task"] == "findings"
    assert len(model["temperatures"]) == 3
    card = package.read("card.md").decode()
    assert all(f"| {name} | " in card for name in NAMES)


def test_grades_are_read_in_their_order_and_judged_by_quadratic_kappa(grades):
    folder, trained, validated = grades
    found = validated.evaluation
    assert found.task == "ordinal"
    kappa = found.metrics["quadratic_kappa"]
    assert kappa.low < kappa.estimate <= kappa.high
    assert kappa.estimate > 0.6
    assert "Quadratic kappa" in (folder / "report" / "report.html").read_text()
    assert "Quadratic kappa" in Package.load(trained.package.path).read("card.md").decode()
    images = [folder / f"{n:04d}.png" for n in range(4)]
    for done in api.read(trained.package.path, images, home=folder / "home"):
        if done.opinion.status is Status.OK:
            told = [f.label for f in done.opinion.findings]
            assert told == ["0", "1", "2", "3"]
            assert sum(f.probability for f in done.opinion.findings) == pytest.approx(1)
