"""Operating points: the thresholds that turn probabilities into decisions, frozen beforehand.

A threshold lies in the middle of the gap between two neighbouring probabilities of the
calibration cases, never on one of them, so that the last digits of a probability decide nothing.
"""

import math
import re
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, ValidationError, model_validator

from medclf.config import Config
from medclf.errors import CalibrationRefused

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]

_TEXT = re.compile(r"\s*(sensitivity|specificity)\s*>=\s*([0-9.]+)\s*")


class OperatingRule(Config):
    """How a threshold is chosen; in YAML it is the text, for example `sensitivity>=0.95`.

    Attributes:
        kind: `youden` for the largest sensitivity + specificity; `sensitivity` for the best
            specificity at a sensitivity of at least `minimum`; `specificity` the other way.
        minimum: in (0, 1); only for `sensitivity` and `specificity`.
    """

    kind: Literal["youden", "sensitivity", "specificity"] = "youden"
    minimum: float | None = Field(default=None, gt=0.0, lt=1.0)

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if value.strip() == "youden":
            return {"kind": "youden"}
        match = _TEXT.fullmatch(value)
        if match is None:
            raise ValueError(
                "write `youden`, `sensitivity>=0.95` or `specificity>=0.90` (with your number)"
            )
        return {"kind": match[1], "minimum": match[2]}

    @model_validator(mode="after")
    def _minimum_belongs(self) -> Self:
        if (self.kind == "youden") != (self.minimum is None):
            raise ValueError("`minimum` belongs to sensitivity and specificity, not to youden")
        return self

    @property
    def text(self) -> str:
        """The rule as it is written in YAML.

        >>> OperatingRule(kind="sensitivity", minimum=0.95).text
        'sensitivity>=0.95'
        """
        return self.kind if self.minimum is None else f"{self.kind}>={self.minimum:g}"


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A frozen threshold and how it did on the calibration cases.

    Attributes:
        name: by which opinions and protocols refer to it.
        label: the label it decides on.
        threshold: in [0, 1]; positive means probability ≥ threshold.
        rule: how it was chosen, as text.
        sensitivity: on the calibration cases, in [0, 1].
        specificity: on the calibration cases, in [0, 1].
        n: calibration cases.
    """

    name: str
    label: str
    threshold: float
    rule: str
    sensitivity: float
    specificity: float
    n: int


def choose_operating_point(
    probabilities: FloatArray,
    truth: BoolArray,
    rule: OperatingRule | str,
    *,
    label: str = "",
    name: str = "",
) -> OperatingPoint:
    """Choose the threshold for one label by a rule.

    Where several thresholds do equally well, the middle of the widest stretch of them is
    taken: it is the one that small changes of probability disturb least.

    Args:
        probabilities: (n,) float64 in [0, 1], calibrated.
        truth: (n,) bool, True where the label is true.
        rule: or its text.
        label: kept in the result.
        name: kept in the result; the rule's text when empty.

    Raises:
        CalibrationRefused: the rule is unknown, a class is missing, a probability is NaN or
            outside [0, 1], or no threshold reaches the rule's minimum.

    >>> scores = np.array([0.1, 0.2, 0.6, 0.9])
    >>> choose_operating_point(scores, np.array([False, False, True, True]), "youden").threshold
    0.4
    """
    rule = _parse(rule)
    _check(probabilities, truth, label)
    # Candidate i calls positive all cases from the i-th distinct probability upwards; every
    # threshold in (edges[i], edges[i + 1]] does exactly that.
    levels, first = np.unique(np.sort(probabilities), return_index=True)
    order = np.argsort(probabilities, kind="stable")
    below = np.concatenate([[0], np.cumsum(truth[order])])
    starts = np.append(first, len(truth))
    positives = int(truth.sum())
    negatives = len(truth) - positives
    hits = (positives - below[starts]).astype(np.int64)
    rejects = (starts - below[starts]).astype(np.int64)
    edges = np.concatenate([[0.0], levels, [1.0]])
    # The highest probability may be 1: no threshold in [0, 1] lies above it.
    possible = np.diff(edges) > 0
    possible[0] = True
    best = possible & _best(hits, rejects, rule, possible=possible)
    if not best.any():
        raise CalibrationRefused(
            f"No threshold reaches {rule.text} on these {len(truth)} cases.",
            advice="Lower the minimum, or enlarge the calibrate part of the split.",
            rule=rule.text,
            cases=len(truth),
        )
    threshold = _middle_of_widest(best, edges)
    called = probabilities >= threshold
    return OperatingPoint(
        name=name or rule.text,
        label=label,
        threshold=threshold,
        rule=rule.text,
        sensitivity=int((called & truth).sum()) / positives,
        specificity=int((~called & ~truth).sum()) / negatives,
        n=len(truth),
    )


def _best(
    hits: IntArray, rejects: IntArray, rule: OperatingRule, *, possible: BoolArray
) -> BoolArray:
    """Mark the candidates that serve the rule best, in whole numbers so that ties are exact."""
    positives, negatives = int(hits.max()), int(rejects.max())
    if rule.minimum is None:
        value = hits * negatives + rejects * positives
    else:
        bound, free = (hits, rejects) if rule.kind == "sensitivity" else (rejects, hits)
        # 0.95 of 20 cases is 19, although 0.95 * 20 may come out a hair above.
        needed = math.ceil(rule.minimum * int(bound.max()) - 1e-9)
        value = free * (int(bound.max()) + 1) + bound
        possible = possible & (bound >= needed)
    if not possible.any():
        return possible
    return np.asarray(possible & (value == value[possible].max()), dtype=np.bool_)


def _middle_of_widest(best: BoolArray, edges: FloatArray) -> float:
    """Return the middle of the widest stretch of neighbouring candidates."""
    steps = np.diff(np.concatenate([[0], best.astype(np.int8), [0]]))
    starts, ends = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    widest = int(np.argmax(edges[ends] - edges[starts]))
    low, high = float(edges[starts[widest]]), float(edges[ends[widest]])
    middle = low + (high - low) / 2
    # Between two neighbouring floats there is no middle; the upper one decides the same.
    return middle if low < middle < high else high


def _parse(rule: OperatingRule | str) -> OperatingRule:
    if isinstance(rule, OperatingRule):
        return rule
    try:
        return OperatingRule.model_validate(rule)
    except ValidationError as error:
        raise CalibrationRefused(
            f"{rule!r} is not an operating rule.",
            advice="Write youden, sensitivity>=0.95 or specificity>=0.90 (with your number).",
            rule=rule,
        ) from error


def _check(probabilities: FloatArray, truth: BoolArray, label: str) -> None:
    where = f" of {label}" if label else ""
    if probabilities.shape != truth.shape or probabilities.ndim != 1:
        raise CalibrationRefused(
            f"Probabilities{where} {probabilities.shape} and truth {truth.shape} must be two "
            "columns of one length.",
            advice="Give one probability and one truth for each case.",
        )
    if not bool(((probabilities >= 0) & (probabilities <= 1)).all()):
        raise CalibrationRefused(
            f"Some probabilities{where} are NaN or outside [0, 1].",
            advice="Leave out cases without an opinion; calibrate the scores first.",
        )
    positives = int(truth.sum())
    if positives in (0, len(truth)):
        missing = "positive" if positives == 0 else "negative"
        raise CalibrationRefused(
            f"There is no {missing} case{where} among {len(truth)} calibration cases.",
            advice="Enlarge the calibrate part of the split.",
            missing=missing,
            label=label,
        )
