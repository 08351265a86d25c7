"""How figures and metrics are worded on the page: three decimals, never more."""

import math

from medclf.evaluate.evaluation import Estimate, Outcome, Verdict
from medclf.evaluate.protocol import Direction

METRIC_NAMES = {
    "auc": "AUC (ROC)",
    "average_precision": "Average precision",
    "quadratic_kappa": "Quadratic kappa",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "ppv": "PPV",
    "npv": "NPV",
    "f1": "F1 score",
    "balanced_accuracy": "Balanced accuracy",
    "ece": "Calibration error (ECE)",
    "brier": "Brier score",
    "mcc": "Matthews correlation",
    "accuracy": "Accuracy",
    "coverage": "Coverage (share answered)",
    "prevalence": "Prevalence",
    "sensitivity_answered": "Sensitivity, answered cases",
    "specificity_answered": "Specificity, answered cases",
    "sensitivity_worst_case": "Sensitivity, unanswered = wrong",
    "specificity_worst_case": "Specificity, unanswered = wrong",
    "ece_adaptive": "ECE, slices of equal count",
    "ece_uncalibrated": "ECE before calibration",
    "brier_uncalibrated": "Brier score before calibration",
}
KEY_METRICS = (
    "quadratic_kappa",
    "auc",
    "average_precision",
    "sensitivity",
    "specificity",
    "ppv",
    "npv",
    "f1",
    "balanced_accuracy",
    "ece",
    "brier",
)
READER_NAMES = {
    "network": "network",
    "probe": "linear probe",
    "trivial": "intensity statistics",
    "svm": "classical, SVM",
    "forest": "classical, forest",
}
# Lower is better.
COSTS = frozenset({"ece", "brier", "ece_adaptive", "ece_uncalibrated", "brier_uncalibrated"})
SYMBOLS = {Outcome.MET: "✓", Outcome.NOT_MET: "✕", Outcome.INCONCLUSIVE: "?"}
ABSENT = "–"


def metric_name(key: str) -> str:
    """Return the words for a metric's key; an unknown key keeps its own.

    >>> metric_name("ppv"), metric_name("new_figure")
    ('PPV', 'New figure')
    """
    return METRIC_NAMES.get(key) or key.replace("_", " ").capitalize()


def reader_name(key: str) -> str:
    """Return the words for a reader of the same cases; an unknown key keeps its own.

    >>> reader_name("trivial"), reader_name("somebody")
    ('intensity statistics', 'somebody')
    """
    return READER_NAMES.get(key, key)


def three(value: float | None) -> str:
    """Return three decimals, or a dash where there is no figure.

    >>> three(0.98765), three(float("nan"))
    ('0.988', '–')
    """
    if value is None or not math.isfinite(value):
        return ABSENT
    return f"{value:.3f}".replace("-", "−")


def signed(value: float) -> str:
    """Return a difference with its sign, or a dash where there is none.

    >>> signed(0.0123), signed(-0.5), signed(float("nan"))
    ('+0.012', '−0.500', '–')
    """
    return ABSENT if math.isnan(value) else f"{value:+.3f}".replace("-", "−")


def p_value(p: float) -> str:
    """Return a p value; a very small one as less than what three decimals show.

    >>> p_value(0.0314), p_value(1e-9), p_value(float("nan"))
    ('0.031', '< 0.001', '–')
    """
    if math.isnan(p):
        return ABSENT
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def interval(estimate: Estimate) -> str:
    """Return `low to high`, or a dash where the figure does not exist."""
    if not estimate.defined:
        return ABSENT
    return f"{three(estimate.low)} to {three(estimate.high)}"


def goal(verdict: Verdict) -> str:
    """Return the bound of an endpoint in words."""
    sign = ">" if verdict.direction is Direction.ABOVE else "<"
    return f"{sign} {verdict.bound:g}"


def short_digest(digest: str) -> str:
    """Return the algorithm and the first twelve hex digits.

    >>> short_digest("sha256:0123456789abcdef0123")
    'sha256:0123456789ab…'
    """
    algorithm, _, digits = digest.partition(":")
    return f"{algorithm}:{digits[:12]}…" if len(digits) > 12 else digest


def headline(verdicts: tuple[Verdict, ...]) -> tuple[str, str]:
    """Return the sentence that heads the report, and the outcome that colours it."""
    if not verdicts:
        return "No endpoint was fixed beforehand: this report describes, it does not test", ""
    found = [verdict.verdict for verdict in verdicts]
    total = len(found)
    if all(outcome is Outcome.MET for outcome in found):
        which = "The endpoint was met" if total == 1 else f"All {total} endpoints were met"
        return which, Outcome.MET.value
    parts = [f"{found.count(outcome)} {outcome.value}" for outcome in Outcome if outcome in found]
    colour = Outcome.NOT_MET if Outcome.NOT_MET in found else Outcome.INCONCLUSIVE
    if total == 1:
        return f"The endpoint is {colour.value}", colour.value
    return f"{total} endpoints: " + ", ".join(parts), colour.value
