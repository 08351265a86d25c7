"""The whole path in one walk, on made-up X-rays: what `medclf demo` does.

Every step is the one that a real study takes; only the images and the key of the
patient pseudonyms are made up, the latter so that two walks give the same package.
"""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np

from medclf.audit.verification import verify_trail
from medclf.classifier import Classifier
from medclf.cohort.labels import read_labels
from medclf.config import parse, save_yaml
from medclf.demonstration.cast import NO_OPACITY, OPACITY
from medclf.demonstration.phantoms import write_phantoms
from medclf.digest import digest_bytes
from medclf.durable import write_bytes, write_text
from medclf.errors import StudyMisuse
from medclf.evaluate.evaluation import Estimate
from medclf.evaluate.protocol import Protocol
from medclf.opinion import Opinion
from medclf.pixels.isolation import DecodingPool
from medclf.registry.package import Package
from medclf.service.background import running
from medclf.service.client import OpinionClient
from medclf.service.config import ServiceConfig
from medclf.service.served import ServedClassifier
from medclf.study.config import StudyConfig
from medclf.study.home import Home
from medclf.study.ingest import ingest
from medclf.study.progress import Progress
from medclf.study.read import Read, load_classifier, read
from medclf.study.release import release
from medclf.study.structured_report import write_sr
from medclf.study.train import Trained, train
from medclf.study.validate import Validated, validate

SEED = 0
ASKED = 3  # images sent to the server at the end

_MARK = ".medclf-demo"  # only a folder that bears it is ever cleared
_PSEUDONYM_KEY = digest_bytes(b"medclf demo: nobody is protected by this key")[7:39].encode()


@dataclass(frozen=True)
class Told:
    """What the walk came to.

    Attributes:
        metrics: of the validation on the sealed test part.
        facts: (name, value) to show, in order.
        report: the validation's page.
        structured_report: the DICOM SR of one opinion.
        package: the model.
        opinions: as they came over gRPC.
        next_commands: what to type next, after the program's name.
    """

    metrics: Mapping[str, Estimate]
    facts: tuple[tuple[str, str], ...]
    report: Path
    structured_report: Path
    package: Package
    opinions: tuple[Opinion, ...]
    next_commands: tuple[str, ...]


def tell(
    out: Path, *, clock: Callable[[], datetime], actor: str, count: int, progress: Progress
) -> Told:
    """Walk from made-up DICOM files to an audited second opinion.

    Args:
        out: folder for all that is made; cleared when it holds an earlier walk.
        clock: gives the time in UTC.
        actor: who walks.
        count: X-rays to draw.
        progress: told about each stage.

    Raises:
        StudyMisuse: `out` holds something else.
        MedclfError: of the room where it failed.
    """
    _clear(out)
    home = Home(folder=out / "home", actor=actor, clock=clock)
    write_bytes(home.folder / "pseudonym.key", _PSEUDONYM_KEY, mode=0o600)
    study, protocol = out / "study.yaml", out / "protocol.yaml"
    write_phantoms(
        out / "dicom",
        count=count,
        generator=np.random.default_rng(SEED),
        progress=lambda done, total: progress("draw", done, total, "made-up X-rays"),
    )
    save_yaml(study, study_config())
    save_yaml(protocol, demo_protocol())

    ingest(study, home=home, progress=progress)
    trained = train(study, home=home, out=out / "packages", progress=progress)
    if trained.test_table is None:
        raise StudyMisuse("The demo's split has no test part.", advice="Report this.")
    path = trained.package.path
    validated = validate(
        path, data=trained.test_table, out=out, home=home, protocol=protocol, progress=progress
    )
    release(path, home=home, note="demonstration on made-up images")
    images = _some_of(trained.test_table)
    opinions = _ask(path, images, home, progress)
    first = next(read(path, images[:1], home=home))
    write_sr(first, path, out / "opinion-sr.dcm", now=clock())
    whole = verify_trail(home.audit_folder)
    summary = _facts(trained, validated, opinions, first, out, whole.size)
    write_text(out / "summary.json", json.dumps(dict(summary), indent=1) + "\n")
    return Told(
        metrics=validated.evaluation.metrics,
        facts=summary,
        report=validated.page,
        structured_report=out / "opinion-sr.dcm",
        package=trained.package,
        opinions=opinions,
        next_commands=(
            f"audit show --home {home.folder}",
            f"serve {path} --home {home.folder}",
            "init xray --data your/labels.csv --weights hub",
        ),
    )


def study_config() -> StudyConfig:
    """Return the demo's study: a small network from random weights, since no hub is asked."""
    return parse(
        {
            "name": "demo-phantoms",
            "seed": SEED,
            "workspace": "study",
            "made_up": True,
            "data": {
                "table": "dicom/labels.csv",
                "labels": [NO_OPACITY, OPACITY],
                "positive": OPACITY,
            },
            "split": {"train": 0.55, "tune": 0.1, "calibrate": 0.15, "test": 0.2},
            "preprocessing": {
                "kind": "xray",
                "size": 96,
                "channels": 1,
                "mean": [0.5],
                "std": [0.25],
            },
            "model": {"backbone": "medclf/spotnet", "weights": "random", "method": "finetune"},
            "fit": {
                "epochs": 50,
                "batch": 24,
                "learning_rate": 0.004,
                "weight_decay": 0.05,
                "warmup": 0.3,
                "averaging": 0.95,
                "patience": 50,
                "freeze_norms": False,
                "precision": "float32",
            },
        },
        StudyConfig,
        where="the demo's study",
    )


def demo_protocol() -> Protocol:
    """Return the demo's protocol, fixed in code before any film is drawn."""
    return parse(
        {
            "id": "demo-phantoms-1",
            "title": "Opacity on made-up chest X-rays",
            "intended_use": "None. It shows how a validation is done.",
            "population": "Simulated adults on two simulated machines at three made-up sites.",
            "reference_standard": "Known by construction: the opacity was drawn, or not.",
            "task": "binary",
            "endpoints": [
                {"metric": "auc", "bound": {"above": 0.8}},
                {"metric": "coverage", "bound": {"above": 0.9}},
            ],
            "operating_point": "youden",
            "subgroups": ["sex", "age_band", "site", "device"],
            "seed": SEED,
        },
        Protocol,
        where="the demo's protocol",
    )


def _clear(out: Path) -> None:
    if out.exists() and any(out.iterdir()):
        if not (out / _MARK).exists():
            raise StudyMisuse(
                f"{out} is not empty and was not made by the demo.",
                advice="Name an empty folder with --out.",
                path=str(out),
            )
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / _MARK, "This folder is cleared when the demo runs again.\n")


def _ask(package: Path, images: list[Path], home: Home, progress: Progress) -> tuple[Opinion, ...]:
    """Serve the package on this machine and ask it over gRPC."""
    classifier: Classifier = load_classifier(package, home)
    config = ServiceConfig(listen="127.0.0.1:0")
    with (
        DecodingPool(config.decoding) as pool,
        home.open_trail() as trail,
        running(
            ServedClassifier(replace(classifier, decode=pool.decode)), trail.append, config=config
        ) as address,
        OpinionClient(address) as client,
    ):
        opinions = []
        for image in images:
            opinions.append(client.ask(image))
            progress("ask", len(opinions), len(images), f"over gRPC from {address}")
    return tuple(opinions)


def _some_of(table: Path) -> list[Path]:
    """Return a few test films, the first of each label among them."""
    rows = read_labels(table).rows
    firsts = [next(row for row in rows if row.label == label) for label in (OPACITY, NO_OPACITY)]
    others = [row for row in rows if row not in firsts]
    return [Path(row.path) for row in (*firsts, *others)][:ASKED]


def _facts(
    trained: Trained,
    validated: Validated,
    opinions: tuple[Opinion, ...],
    first: Read,
    out: Path,
    records: int,
) -> tuple[tuple[str, str], ...]:
    flow = validated.evaluation.flow
    told = [
        f"{finding.label} {finding.probability:.3f} {finding.decision}"
        for opinion in opinions
        for finding in opinion.findings
    ]
    served = opinions[0]
    same = (first.opinion.status, first.opinion.findings) == (served.status, served.findings)
    uncalibrated = validated.evaluation.metrics["ece_uncalibrated"].estimate
    calibrated = validated.evaluation.metrics["ece"].estimate
    return (
        (
            "test films",
            f"{flow.given} given, {flow.read} with an opinion, "
            f"{flow.abstained} abstained, {flow.rejected} rejected",
        ),
        (
            "calibration",
            f"temperature {trained.calibrated.temperature.value:.3f}, "
            f"ECE {uncalibrated:.3f} before, {calibrated:.3f} after",
        ),
        (
            "verdicts",
            "; ".join(
                f"{v.endpoint} {v.direction} {v.bound:g}: {v.verdict}"
                for v in validated.evaluation.verdicts
            ),
        ),
        ("over gRPC", "; ".join(told) or "no finding"),
        ("without a server", "the same numbers" if same else "DIFFERENT NUMBERS"),
        ("DICOM SR", str(out / "opinion-sr.dcm")),
        ("audit trail", f"{records} records, whole"),
        ("package", trained.package.digest),
    )
