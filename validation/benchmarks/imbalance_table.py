"""Sets the figures of all methods side by side, and says whether the default may stay."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from medclf.model.fit_config import FitConfig
from validation.benchmarks.imbalance_figures import (
    FIGURES,
    LOWER_IS_BETTER,
    Interval,
    Read,
    interval,
    replicate,
)
from validation.benchmarks.imbalance_methods import METHODS

_SEED = 0
_HEADS = {
    "sensitivity": "sensitivity at 95 % specificity",
    "ece": "calibration error",
    "ece_unshifted": "the same, shift not undone",
    "auc": "AUC",
    "average_precision": "average precision",
}
_LEVELS = {"head": "A linear head on frozen features", "finetune": "Fine-tuning"}
_PARTS = {
    "tune": "on the tune part, by which a default may be chosen",
    "test": "on the test part, which chooses nothing",
}
DEFAULT = next(
    name
    for name, options in METHODS.items()
    if FitConfig() == FitConfig().model_copy(update=options)
)


@dataclass(frozen=True)
class Judged:
    """One method on one part.

    Attributes:
        figures: each a mean over the draws.
        behind: by how much the method is worse than the best one, paired.
    """

    figures: Mapping[str, Interval]
    behind: Mapping[str, Interval]

    def is_best_or_within(self, name: str) -> bool:
        """Whether the interval of the paired difference to the best method holds 0."""
        return self.behind[name].low <= 0


@dataclass(frozen=True)
class Level:
    """All scores of one level: part → method → one for each draw.

    Attributes:
        cases: of the first draw, by part.
        positives: among them.
    """

    name: str
    side: int
    epochs: int
    cases: Mapping[str, int]
    positives: Mapping[str, int]
    reads: Mapping[str, Mapping[str, list[Read]]]
    truth: Mapping[str, np.ndarray]
    patients: Mapping[str, tuple[str, ...]]

    @property
    def draws(self) -> int:
        """How many draws of training cases."""
        return len(self.reads["test"][DEFAULT])

    def judge(self, *, prevalence: float) -> dict[str, dict[str, Judged]]:
        """Return part → method → figures."""
        return {part: self._judge(part, prevalence) for part in self.reads}

    def _judge(self, part: str, prevalence: float) -> dict[str, Judged]:
        values = {
            method: replicate(
                reads,
                self.truth[part],
                self.patients[part],
                prevalence=prevalence,
                seed=_SEED,
            )
            for method, reads in self.reads[part].items()
        }
        best = {name: _best(values, name) for name in FIGURES}
        return {
            method: Judged(
                {name: interval(found[name]) for name in FIGURES},
                {
                    name: interval(_sign(name) * (values[best[name]][name] - found[name]))
                    for name in FIGURES
                },
            )
            for method, found in values.items()
        }


def _sign(name: str) -> int:
    return -1 if name in LOWER_IS_BETTER else 1


def _best(values: Mapping[str, Mapping[str, np.ndarray]], name: str) -> str:
    return max(values, key=lambda method: _sign(name) * values[method][name][0])


Results = list[tuple[Level, dict[str, dict[str, Judged]]]]


def document(results: Results, about: Mapping[str, object]) -> str:
    """Return everything as JSON."""
    levels = {
        level.name: {
            "draws": level.draws,
            "side": level.side,
            "epochs": level.epochs,
            "cases_of_draw_1": dict(level.cases),
            "positives_of_draw_1": dict(level.positives),
            "judged_on": {part: len(truth) for part, truth in level.truth.items()},
            "judged_positives": {p: int(truth.sum()) for p, truth in level.truth.items()},
            "parts": {
                part: {method: asdict(judged) for method, judged in methods.items()}
                for part, methods in parts.items()
            },
        }
        for level, parts in results
    }
    content = {"default": DEFAULT, "methods": METHODS, **about, "levels": levels}
    return json.dumps(content, indent=1) + "\n"


def markdown(results: Results) -> str:
    """Return the tables."""
    lines = ["# Learning a finding of 2 %: methods side by side", ""]
    for level, parts in results:
        for part, methods in parts.items():
            lines += _table(level, part, methods)
    return "\n".join(lines)


def _table(level: Level, part: str, methods: Mapping[str, Judged]) -> list[str]:
    truth = level.truth[part]
    lines = [
        f"## {_LEVELS[level.name]}, {_PARTS[part]}",
        "",
        f"{level.side} px, {level.epochs} epochs, {level.draws} draws of "
        f"{level.positives['train']} positives among {level.cases['train']} training pictures; "
        f"judged on {int(truth.sum())} positive and {int((~truth).sum())} negative pictures.",
        "",
        f"| method | {' | '.join(_HEADS[name] for name in FIGURES)} |",
        f"|---|{'---|' * len(FIGURES)}",
    ]
    for method, judged in methods.items():
        cells = []
        for name in FIGURES:
            best = judged.behind[name].estimate == 0
            cells.append(f"**{judged.figures[name]}**" if best else str(judged.figures[name]))
        mark = " (default)" if method == DEFAULT else ""
        lines.append(f"| {method}{mark} | {' | '.join(cells)} |")
    default = methods[DEFAULT]
    verdicts = [
        f"{_HEADS[name]}: behind the best by {default.behind[name]}, "
        + ("within its interval" if default.is_best_or_within(name) else "outside its interval")
        if default.behind[name].estimate
        else f"{_HEADS[name]}: the best"
        for name in ("sensitivity", "ece")
    ]
    return [*lines, "", f"The default, {DEFAULT}. {'; '.join(verdicts)}.", ""]
