"""Intervals of a proportion: k successes among n independent cases."""

import math

from scipy import stats

from medclf.errors import EvaluationError
from medclf.evaluate.evaluation import Estimate


def wilson(successes: int, trials: int, *, confidence: float = 0.95) -> Estimate:
    """Return a proportion with its Wilson score interval, without continuity correction.

    Source: Wilson 1927, JASA 22:209; recommended by Brown, Cai & DasGupta 2001,
    Statistical Science 16:101. Without trials the figure is undefined (NaN in [0, 1]).

    Raises:
        EvaluationError: successes outside 0 to trials, or confidence outside (0, 1).

    >>> interval = wilson(81, 263)
    >>> f"{interval.estimate:.4f} {interval.low:.4f} {interval.high:.4f}"
    '0.3080 0.2553 0.3662'
    """
    _check(successes, trials, confidence)
    method = f"Wilson {percent(confidence)}"
    if trials == 0:
        return Estimate(math.nan, 0.0, 1.0, f"{method}, undefined without cases", 0)
    share = successes / trials
    z = normal_quantile(confidence)
    spread = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    centre = share + z * z / (2 * trials)
    width = 1 + z * z / trials
    # At 0 and at n the formula's end is the share itself; rounding must not move past it.
    low = 0.0 if successes == 0 else min(share, max(0.0, (centre - spread) / width))
    high = 1.0 if successes == trials else max(share, min(1.0, (centre + spread) / width))
    return Estimate(share, low, high, method, trials)


def clopper_pearson(successes: int, trials: int, *, confidence: float = 0.95) -> Estimate:
    """Return a proportion with its exact interval, which never covers too rarely.

    Source: Clopper & Pearson 1934, Biometrika 26:404.

    Raises:
        EvaluationError: successes outside 0 to trials, or confidence outside (0, 1).

    >>> interval = clopper_pearson(81, 263)
    >>> f"{interval.low:.4f} {interval.high:.4f}"
    '0.2527 0.3676'
    """
    _check(successes, trials, confidence)
    method = f"Clopper-Pearson {percent(confidence)}"
    if trials == 0:
        return Estimate(math.nan, 0.0, 1.0, f"{method}, undefined without cases", 0)
    tail = (1 - confidence) / 2
    low, high = 0.0, 1.0
    if successes > 0:
        low = float(stats.beta.ppf(tail, successes, trials - successes + 1))
    if successes < trials:
        high = float(stats.beta.ppf(1 - tail, successes + 1, trials - successes))
    return Estimate(successes / trials, low, high, method, trials)


def lowest_plausible(trials: int, *, confidence: float) -> float:
    """Return the exact lower bound of a share after `trials` successes without one failure.

    It is the lower end of the Clopper-Pearson interval at k = n, (alpha / 2) ** (1 / n).
    """
    return float(((1 - confidence) / 2) ** (1 / max(1, trials)))


def normal_quantile(confidence: float) -> float:
    """Return z so that a standard normal lies within ± z with this probability."""
    return float(stats.norm.ppf(0.5 + confidence / 2))


def percent(confidence: float) -> str:
    """Return a confidence level as text.

    >>> percent(0.95)
    '95 %'
    """
    return f"{100 * confidence:.4g} %"


def _check(successes: int, trials: int, confidence: float) -> None:
    if not 0 <= successes <= trials:
        raise EvaluationError(
            f"{successes} successes in {trials} trials cannot be.",
            advice="Count successes among the trials.",
            successes=successes,
            trials=trials,
        )
    if not 0 < confidence < 1:
        raise EvaluationError(
            f"A confidence of {confidence:g} was asked for; it lies between 0 and 1.",
            advice="Write 95 % as 0.95.",
            confidence=confidence,
        )
