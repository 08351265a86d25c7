"""Evaluations of simulated cases, and the facts around them, for all tests of the report."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from medclf.evaluate.assess import evaluate
from medclf.evaluate.cases import Cases
from medclf.evaluate.evaluation import Estimate, Evaluation
from medclf.evaluate.protocol import Bound, Endpoint, Protocol, Task
from medclf.opinion import Status
from medclf.reasons import Reason
from medclf.report.context import (
    CardContext,
    DataDescription,
    OperatingPointFacts,
    PackageFacts,
    ReportContext,
)

DIGEST = "sha256:" + "0123456789abcdef" * 4
THREE = ("adenocarcinoma", "benign", "squamous")
TWELVE = tuple(f"finding_{index}" for index in range(12))


def simulate(labels: tuple[str, ...], *, positive: str | None, n: int, abstained: int) -> Cases:
    """Cases whose scores part the classes well but not fully; the last ones abstain."""
    generator = np.random.default_rng(7)
    truth = generator.integers(0, len(labels), n)
    logits = generator.normal(0.0, 1.2, (n, len(labels)))
    logits[np.arange(n), truth] += 2.2
    weights = np.exp(logits)
    probabilities = weights / weights.sum(axis=1, keepdims=True)
    thresholds = {label: 0.4 for label in labels if positive in (None, label)}
    decisions = probabilities >= 0.4
    read = n - abstained
    return Cases(
        case_ids=tuple(f"case-{index:04d}" for index in range(n)),
        labels=labels,
        positive=positive,
        truth=truth.astype(np.int64),
        probabilities=probabilities,
        decisions=decisions,
        statuses=(Status.OK,) * read + (Status.ABSTAINED,) * abstained,
        reasons=((),) * read + ((Reason.UNLIKE_TRAINING,),) * abstained,
        clusters=("",) * n,
        subgroups={
            "sex": tuple("FM"[index % 2] for index in range(n)),
            "device": tuple("small unit" if index < 9 else "CR A" for index in range(n)),
        },
        logits_uncalibrated=2.0 * logits,
        thresholds=thresholds,
        refused={"truncated": 4, "transfer_syntax_unsupported": 2},
        excluded={"label_missing": 3},
    )


def protocol_for(positive: str | None) -> Protocol:
    return Protocol(
        id="simulated-1",
        title="Simulated protocol",
        intended_use="A second opinion for tests <of> the report.",
        population="Simulated cases.",
        reference_standard="The simulation.",
        task=Task.MULTICLASS if positive is None else Task.BINARY,
        endpoints=(
            Endpoint(metric="auc", bound=Bound(above=0.8)),
            Endpoint(metric="ece", bound=Bound(below=0.001), confidence=0.9),
        ),
        subgroups=("sex", "device"),
        resamples=200,
        seed=0,
    )


@pytest.fixture(scope="session")
def binary() -> Evaluation:
    cases = simulate(("normal", "pneumonia"), positive="pneumonia", n=320, abstained=5)
    return evaluate(cases, protocol_for("pneumonia"))


@pytest.fixture(scope="session")
def three_classes() -> Evaluation:
    return evaluate(simulate(THREE, positive=None, n=300, abstained=0), protocol_for(None))


@pytest.fixture(scope="session")
def twelve_classes() -> Evaluation:
    return evaluate(simulate(TWELVE, positive=None, n=480, abstained=8), protocol_for(None))


@pytest.fixture(scope="session")
def package() -> PackageFacts:
    return PackageFacts(
        name="simulated-xray",
        kind="xray",
        backbone="mobilenet_v2, 224 px",
        weights_source="local file, Apache-2.0",
        weights_digest=DIGEST,
        labels=("normal", "pneumonia"),
        preprocessing={"resize": "area, 224 × 224"},
        temperature=1.25,
        operating_points=(OperatingPointFacts("youden", "pneumonia", 0.4, "largest J"),),
        novelty_threshold="beyond the 99th percentile",
        training_parts={"train": 1200, "calibrate": 300},
        software={"medclf": "0.1.0"},
        training={"Seed": "0"},
    )


@pytest.fixture
def context_for(package: PackageFacts) -> Callable[..., ReportContext]:
    """Make the facts for an evaluation; keywords change single ones."""

    def make(evaluation: Evaluation, **changes: object) -> ReportContext:
        known = ReportContext(
            title="Simulated validation",
            package_digest=DIGEST,
            package=replace(package, labels=evaluation.labels),
            data=DataDescription(
                source="simulated cases",
                parts=("train", "test"),
                rows={"Images": ("1,200", "320")},
                leakage={"Patients in two parts": "none"},
                manifest_digest=DIGEST,
            ),
            generated_at=datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC),
            baselines={"AUC, intensity alone": Estimate(0.7, 0.65, 0.75, "DeLong 95 %", 315)},
            limitations=("One simulated centre.",),
            lineage={"Audit root": DIGEST},
        )
        return replace(known, **changes)

    return make


@pytest.fixture
def card(package: PackageFacts) -> CardContext:
    return CardContext(
        package=package,
        intended_use="A second opinion.",
        population="Simulated cases.",
        reference_standard="The simulation.",
        performance={"auc": Estimate(0.91234, 0.88, 0.94, "DeLong 95 %", 300)},
        performance_part="calibration part",
        limitations=("One | centre, <b>few</b> devices.",),
    )
