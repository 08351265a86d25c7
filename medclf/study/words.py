"""What a training and a validation came to, in the few lines that a notebook shows."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from medclf.evaluate.evaluation import Estimate
from medclf.report.words import interval, metric_name, short_digest, three
from medclf.study.task_heads import probe_in_words

if TYPE_CHECKING:
    from medclf.study.ingest import Ingested
    from medclf.study.leakage import Leakage
    from medclf.study.train import Trained
    from medclf.study.validate import Validated

_SHOWN = ("auc", "accuracy", "balanced_accuracy", "sensitivity", "specificity", "ece")


def ingested_in_words(ingested: "Ingested") -> str:
    """Return how many images there are of each label, and how many were refused for what."""
    manifest, refused = ingested.manifest, ingested.manifest.refused
    reasons = Counter(refusal.reason for refusal in refused)
    lines = [
        f"ingested {len(manifest):,} of {len(manifest) + len(refused):,} images",
        *(f"{label}: {count:,}" for label, count in manifest.label_counts().items()),
        *(
            f"refused {count:,}, {reason.value}: {reason.advice}"
            for reason, count in reasons.items()
        ),
    ]
    return "\n  ".join([*lines, f"manifest and refused.csv in {ingested.folder}"])


def leakage_in_words(found: "Leakage") -> str:
    """Return what a person should know of a cohort, and where the pairs are shown."""
    lines = [f"looked at {found.images:,} images", *(found.warnings or ("nothing to warn of",))]
    return "\n  ".join([*lines, f"page: {found.page}"])


def trained_in_words(trained: "Trained") -> str:
    """Return what was packed, how it was fitted, how it was calibrated, what is left to test."""
    return "\n  ".join(_of_training(trained))


def validated_in_words(validated: "Validated") -> str:
    """Return where the images went, the figures with their intervals, and the report's place."""
    evaluation = validated.evaluation
    way = evaluation.flow
    lines = [
        f"validated on {way.given:,} images: {way.read:,} with an opinion, "
        f"{way.abstained:,} abstained, {way.rejected + way.refused:,} rejected or refused"
    ]
    lines += [
        _told(name, evaluation.metrics[name]) for name in _SHOWN if name in evaluation.metrics
    ]
    lines += [
        f"{verdict.endpoint} {verdict.direction} {verdict.bound:g}: {verdict.verdict}"
        for verdict in evaluation.verdicts
    ]
    lines.append(f"report: {validated.page}")
    return "\n  ".join(lines)


def _of_training(trained: "Trained") -> Iterator[str]:
    learned, calibrated = trained.learned, trained.calibrated
    yield f"trained package {short_digest(trained.package.digest)} in {trained.package.path}"
    if learned.probe is not None:
        yield f"probe: {probe_in_words(learned.probe)}"
    if learned.fitted is not None and learned.fitted.history:
        best = learned.fitted.history[learned.fitted.best - 1]
        of = f"epoch {best.number} of {len(learned.fitted.history)}"
        yield f"fine-tuned: tune {learned.chosen_by} {three(best.tune_figure)} at {of}"
    yield f"temperature {three(calibrated.temperature.value)}"
    yield from (
        f"{point.label}: positive from {three(point.threshold)} ({point.name})"
        for point in calibrated.points
    )
    yield from (
        f"calibrate part, too good for a claim: {_told(name, figure)}"
        for name, figure in calibrated.performance.items()
        if name in {"auc", "accuracy"}
    )
    left = "none" if trained.test_table is None else str(trained.test_table)
    yield f"sealed test part: {left}"


def _told(name: str, figure: Estimate) -> str:
    if not figure.defined:
        return f"{metric_name(name)}: not estimable"
    return (
        f"{metric_name(name)} {three(figure.estimate)} "
        f"(95 % interval {interval(figure)}, n = {figure.n:,})"
    )
