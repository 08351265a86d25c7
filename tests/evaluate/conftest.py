"""Cases for every test of the room, and the oracle values."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medclf.evaluate.cases import Cases
from medclf.evaluate.protocol import Protocol, Task
from medclf.opinion import Status
from medclf.reasons import Reason

REFERENCE = Path(__file__).resolve().parents[2] / "validation" / "reference"


@pytest.fixture(scope="session")
def reference() -> Callable[[str], Any]:
    """Read oracle values by name."""
    return lambda name: json.loads((REFERENCE / f"{name}.json").read_text())


@pytest.fixture(scope="session")
def make_cases() -> Callable[..., Cases]:
    """Build cases from truth and probabilities; single fields may be replaced."""

    def build(truth: Any, probabilities: Any, /, *, threshold: float = 0.5, **other: Any) -> Cases:
        truth = np.asarray(truth, dtype=np.int64)
        table = np.asarray(probabilities, dtype=np.float64)
        if table.ndim == 1:
            table = np.stack([1 - table, table], axis=1)
        n, k = table.shape
        unanswered = frozenset(other.pop("unanswered", ()))
        table[list(unanswered)] = np.nan
        fields: dict[str, Any] = {
            "case_ids": tuple(f"case-{i:05d}" for i in range(n)),
            "labels": ("normal", "finding") if k == 2 else tuple("abcdef"[:k]),
            "positive": "finding" if k == 2 else None,
            "truth": truth,
            "probabilities": table,
            "decisions": table >= threshold,
            "statuses": tuple(Status.ABSTAINED if i in unanswered else Status.OK for i in range(n)),
            "reasons": tuple(
                (Reason.UNLIKE_TRAINING,) if i in unanswered else () for i in range(n)
            ),
            "clusters": ("",) * n,
            "subgroups": {},
        }
        return Cases(**fields | other)

    return build


@pytest.fixture(scope="session")
def make_protocol() -> Callable[..., Protocol]:
    """Build a protocol with few resamples; single fields may be replaced."""

    def build(**other: Any) -> Protocol:
        fields: dict[str, Any] = {
            "id": "test-1",
            "title": "Test",
            "intended_use": "Testing.",
            "population": "None.",
            "reference_standard": "Known.",
            "task": Task.BINARY,
            "resamples": 300,
            "seed": 7,
        }
        return Protocol.model_validate(fields | other)

    return build


@pytest.fixture(scope="session")
def overlapping() -> tuple[np.ndarray, np.ndarray]:
    """Truth (240,) and probabilities (240,) of two classes that overlap."""
    generator = np.random.default_rng(11)
    truth = (generator.random(240) < 0.3).astype(np.int64)
    return truth, 1 / (1 + np.exp(-(generator.normal(size=240) + 2 * truth - 1)))
