"""The validation protocol: what is measured and what must be reached, fixed before any result.

A protocol is a YAML file. Its digest stands in the report and in the audit trail, so that
nobody can move a bound after having seen the figures.
"""

from enum import StrEnum
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from medclf.config import Config, load_yaml
from medclf.digest import digest_json
from medclf.errors import ConfigError, ProtocolRefused


class Task(StrEnum):
    """How the labels relate."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    ORDINAL = "ordinal"  # grades, from the lowest to the highest
    FINDINGS = "findings"  # several at once, each present or absent by itself


class Direction(StrEnum):
    """On which side of its bound a figure has to lie."""

    ABOVE = "above"
    BELOW = "below"


# One figure the reader may bind an endpoint to. Costs (ece, brier) want `below`.
Metric = Literal[
    "auc",
    "sensitivity",
    "specificity",
    "ppv",
    "npv",
    "f1",
    "balanced_accuracy",
    "ece",
    "brier",
    "mcc",
    "accuracy",
    "coverage",
    "sensitivity_answered",
    "specificity_answered",
    "sensitivity_worst_case",
    "specificity_worst_case",
    "quadratic_kappa",
    "average_precision",
]
_PER_LABEL = frozenset({"auc", "sensitivity", "specificity", "ppv", "npv", "f1"})
_OF_FINDINGS = frozenset({*_PER_LABEL, "average_precision", "ece", "brier"})
_MEAN_OF_FINDINGS = frozenset(
    {"auc", "average_precision", "sensitivity", "specificity", "coverage"}
)


class Bound(Config):
    """The limit of an endpoint: exactly one of `above` and `below`."""

    above: float | None = Field(default=None, ge=-1.0, le=1.0)
    below: float | None = Field(default=None, ge=0.0, le=2.0)

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.above is None) == (self.below is None):
            raise ValueError("give exactly one of `above` and `below`")
        return self

    @property
    def direction(self) -> Direction:
        """On which side the figure has to lie."""
        return Direction.BELOW if self.above is None else Direction.ABOVE

    @property
    def value(self) -> float:
        """The limit itself."""
        if self.above is not None:
            return self.above
        return float(self.below or 0.0)


class Endpoint(Config):
    """One figure with the bound it must clear.

    Attributes:
        metric: a key of `Evaluation.metrics`.
        label: takes the figure of this label against the others; None = over all labels.
        bound: `{above: 0.85}` or `{below: 0.05}`.
        confidence: of the two-sided interval that is held against the bound.
    """

    metric: Metric
    label: str | None = None
    bound: Bound
    confidence: float = Field(default=0.95, ge=0.5, le=0.9999)

    @model_validator(mode="after")
    def _label_has_the_metric(self) -> Self:
        if self.label is not None and self.metric not in _OF_FINDINGS:
            raise ValueError(f"{self.metric} exists only over all labels: leave out `label`")
        return self


class Protocol(Config):
    """A validation protocol.

    Attributes:
        id: short name, for example `xray-pneumonia-1`.
        title: one line for the report.
        intended_use: who uses the classifier, for what decision.
        population: whose images.
        reference_standard: how the truth was found.
        task: binary, multiclass, ordinal or findings.
        endpoints: what must be reached; may be empty (a description, not a test).
        operating_point: name of the frozen operating point whose decisions count.
        confidence: of all intervals in the report.
        unanswered: whether abstentions and rejections are left out of the decision figures
            or count as wrong decisions. Both ways are always reported.
        clustering: `auto` resamples whole clusters (patients) as soon as one holds two
            cases; `none` takes all cases as independent.
        seen_patients: whether images under a patient number that also occurs in training are
            left out, or judged and reported as a limitation. Numbers that restart in every
            data set make strangers look alike; then `report` is right.
        subgroups: names of the columns to divide by.
        minimum_subgroup: fewer cases than this get no figures.
        resamples: of the bootstrap.
        seed: of the bootstrap.
    """

    id: str = Field(min_length=1, max_length=80, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    title: str = Field(min_length=1, max_length=200)
    intended_use: str = Field(min_length=1, max_length=2000)
    population: str = Field(min_length=1, max_length=2000)
    reference_standard: str = Field(min_length=1, max_length=2000)
    task: Task
    endpoints: tuple[Endpoint, ...] = ()
    operating_point: str = Field(default="youden", min_length=1, max_length=80)
    confidence: float = Field(default=0.95, ge=0.5, le=0.9999)
    unanswered: Literal["exclude", "count_as_wrong"] = "exclude"
    clustering: Literal["auto", "none"] = "auto"
    seen_patients: Literal["exclude", "report"] = "report"
    subgroups: tuple[str, ...] = ()
    minimum_subgroup: int = Field(default=20, ge=5, le=100_000)
    resamples: int = Field(default=2000, ge=200, le=100_000)
    seed: int = Field(ge=0, le=2**32 - 1)

    @model_validator(mode="after")
    def _endpoints_suit_the_task(self) -> Self:
        for endpoint in self.endpoints:
            metric, whole = endpoint.metric, endpoint.label is None
            if self.task is Task.FINDINGS:
                if metric not in (_MEAN_OF_FINDINGS if whole else _OF_FINDINGS):
                    raise ValueError(
                        f"{metric} of several findings: name one with `label`, or one "
                        f"of {', '.join(sorted(_MEAN_OF_FINDINGS))}"
                    )
                continue
            if metric == "average_precision" or (not whole and metric not in _PER_LABEL):
                raise ValueError(f"{metric} of a label exists only for `task: findings`")
            if metric == "quadratic_kappa" and self.task is not Task.ORDINAL:
                raise ValueError("quadratic_kappa is for grades: `task: ordinal`")
        return self

    @property
    def digest(self) -> str:
        """Name of the protocol by its content (SHA-256 of its canonical JSON)."""
        return digest_json(self.model_dump(mode="json"))

    @classmethod
    def default_for(
        cls, labels: tuple[str, ...], positive: str | None, *, task: Task | None = None
    ) -> "Protocol":
        """Return a protocol without endpoints, for when the user gives none.

        Args:
            labels: the label space.
            positive: the positive label of a binary task, None for several classes.
            task: told by `positive` when None.
        """
        told = Task.MULTICLASS if positive is None else Task.BINARY
        finding = positive if positive is not None else ", ".join(labels)
        return cls(
            id="descriptive-1",
            title=f"Descriptive evaluation: {finding}",
            intended_use="Not stated: no protocol was given, so nothing is being claimed.",
            population="The cases given.",
            reference_standard="The labels given.",
            task=task or told,
            subgroups=("age_band", "sex", "site", "device", "view"),
            seed=0,
        )


def load_protocol(path: Path) -> Protocol:
    """Read a protocol from its YAML file.

    Raises:
        ProtocolRefused: the file is missing, is not YAML, or breaks a rule; the message
            names each offending key.
    """
    try:
        return load_yaml(path, Protocol)
    except ConfigError as error:
        raise ProtocolRefused(error.message, advice=error.advice, **error.facts) from error
