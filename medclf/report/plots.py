"""Which figures a report shows for an evaluation, with their captions and text alternatives."""

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from markupsafe import Markup

from medclf.durable import write_text
from medclf.errors import ReportMisuse
from medclf.evaluate.evaluation import Curves, Estimate, Evaluation, OperatingResult
from medclf.evaluate.protocol import Task
from medclf.report.figures.alone import stand_alone
from medclf.report.figures.curves import Curve, legend, precision_recall, roc
from medclf.report.figures.flow import Stage, flow
from medclf.report.figures.reliability import reliability
from medclf.report.figures.scores import scores
from medclf.report.figures.strip import common_scale
from medclf.report.words import COSTS, KEY_METRICS, interval, metric_name, three

_TOGETHER = 4  # lines in one figure that stay distinguishable in greyscale


@dataclass(frozen=True)
class Plot:
    """One figure of the page.

    Attributes:
        title: heads the figure.
        drawing: SVG.
        caption: what to see, with the numbers.
        key: the legend, where there are several lines.
        lines: their names, in order.
    """

    title: str
    drawing: Markup
    caption: str
    key: str = ""
    lines: tuple[str, ...] = ()

    def as_svg(self) -> str:
        """Return the figure as the text of an SVG file, with title, caption and key."""
        return stand_alone(self.drawing, title=self.title, caption=self.caption, lines=self.lines)

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the figure as an SVG file.

        Raises:
            ReportMisuse: the name does not end in `.svg`.
            OSError: it cannot be written.
        """
        target = Path(path)
        if target.suffix.lower() != ".svg":
            raise ReportMisuse(
                f"{target.name} does not end in .svg, and figures are written as SVG.",
                advice="Name it so; browsers, office programs and LaTeX (svg package) take SVG.",
            )
        write_text(target, self.as_svg())
        return target

    def _repr_svg_(self) -> str:
        """Show the figure in a notebook."""
        return self.as_svg()


FigureGroup = tuple[str, list[tuple[str, Estimate]], tuple[float, float]]


def key_figures(evaluation: Evaluation) -> list[FigureGroup]:
    """Return groups of (title, rows, scale): one scale never serves two kinds of figure."""
    found = {key: evaluation.metrics[key] for key in KEY_METRICS if key in evaluation.metrics}
    gains = [(metric_name(key), figure) for key, figure in found.items() if key not in COSTS]
    costs = [(metric_name(key), figure) for key, figure in found.items() if key in COSTS]
    high = max((figure.high for _, figure in costs if figure.defined), default=1.0)
    top = next((end for end in (0.1, 0.2, 0.5, 1.0) if high <= end), 2.0)
    lows = [figure.low for _, figure in gains if figure.defined]
    groups = [
        ("Discrimination and decisions: higher is better", gains, common_scale(lows)),
        ("Calibration: lower is better", costs, (0.0, top)),
    ]
    return [group for group in groups if group[1]]


def curve_plots(evaluation: Evaluation) -> list[Plot]:
    """Return ROC and precision-recall figures, up to four labels in each."""
    usable = [curves for curves in evaluation.curves if len(curves.roc.fpr) > 1]
    plots = []
    for start in range(0, len(usable), _TOGETHER):
        part = usable[start : start + _TOGETHER]
        plots += [_roc(part, evaluation), _precision_recall(part, evaluation)]
    return plots


def calibration_plots(evaluation: Evaluation, temperature: float) -> list[Plot]:
    """Return the reliability diagram, and the one before calibration where it is known.

    Of several findings one each.
    """
    plots = _reliability_of_findings(evaluation) if evaluation.task is Task.FINDINGS else []
    of = "positive label" if evaluation.positive is not None else "most probable label"
    for bins, key, title in (
        (evaluation.reliability, "ece", f"After calibration (temperature {three(temperature)})"),
        (evaluation.reliability_uncalibrated, "ece_uncalibrated", "Before calibration"),
    ):
        if not bins:
            continue
        told = _told("ECE", evaluation.metrics.get(key))
        plots.append(
            Plot(
                title=title,
                drawing=reliability(bins, label=f"Reliability diagram, {title.lower()}. {told}."),
                caption=f"Probability of the {of}; 95 % Wilson bars; "
                f"dotted: perfect calibration. {told}.",
            )
        )
    return plots


def _reliability_of_findings(evaluation: Evaluation) -> list[Plot]:
    plots = []
    for curves in evaluation.curves:
        told = _told("ECE", evaluation.per_label[curves.label].get("ece"))
        plots.append(
            Plot(
                title=f"After calibration: {curves.label}",
                drawing=reliability(
                    curves.reliability, label=f"Reliability diagram of {curves.label}. {told}."
                ),
                caption=f"Probability of {curves.label}, on the cases that tell of it; 95 % Wilson "
                f"bars; dotted: perfect calibration. {told}.",
            )
        )
    return plots


def score_plots(evaluation: Evaluation) -> list[Plot]:
    """Return for each decided label how probabilities spread by truth."""
    plots = []
    for curves in evaluation.curves:
        counts = curves.histogram.counts
        bins = len(curves.histogram.edges) - 1
        if bins < 1 or not counts:
            continue
        others = [label for label in counts if label != curves.label]
        without = [sum(counts[label][index] for label in others) for index in range(bins)]
        with_it = list(counts.get(curves.label, (0,) * bins))
        result = _result(evaluation.operating_points, curves.label)
        threshold = result.threshold if result else None
        name = others[0] if len(others) == 1 else f"not {curves.label}"
        plots.append(
            Plot(
                title=f"Probability of {curves.label}",
                drawing=scores(
                    curves.histogram.edges,
                    (without, with_it),
                    names=(
                        f"Truth: {name} (n = {sum(without):,})",
                        f"Truth: {curves.label} (n = {sum(with_it):,})",
                    ),
                    threshold=threshold,
                    label=f"Histograms of the probability of {curves.label} by truth, "
                    f"threshold {three(threshold)}.",
                ),
                caption="Dashed line: the frozen threshold. Scales differ between the two rows.",
            )
        )
    return plots


def flow_drawing(evaluation: Evaluation) -> Markup:
    """Return the flow of participants down to the 2×2 table."""
    way = evaluation.flow
    acceptable = way.given - way.refused
    offered = acceptable - way.excluded
    stages = [
        _stage(evaluation, "Images given", way.given, "refused", "Refused files", way.refused)
    ]
    if way.excluded:
        title = "Acceptable images"
        left = ("excluded", "Excluded beforehand", way.excluded)
        stages.append(_stage(evaluation, title, acceptable, *left))
    if way.rejected:
        left = ("rejected", "Rejected by model", way.rejected)
        stages.append(_stage(evaluation, "Sent to the model", offered, *left))
    stages.append(
        _stage(
            evaluation,
            "Accepted by model",
            offered - way.rejected,
            "abstained",
            "Abstained",
            way.abstained,
        )
    )
    stages.append(Stage(title="Cases with an opinion", count=way.read))
    return flow(stages, ends=_ends(evaluation) if way.read else ())


def subgroup_scale(evaluation: Evaluation) -> tuple[float, float]:
    """Return the scale of the subgroup strips."""
    found = [row.auc for row in evaluation.subgroups if row.auc is not None]
    return common_scale([estimate.low for estimate in found])


def _stage(
    evaluation: Evaluation, title: str, count: int, key: str, leaving: str, left: int
) -> Stage:
    reasons = sorted(
        evaluation.flow.reasons.get(key, {}).items(), key=lambda item: (-item[1], item[0])
    )
    return Stage(
        title=title, count=count, leaving=leaving, left=left, reasons=tuple(reasons) if left else ()
    )


def _ends(evaluation: Evaluation) -> tuple[Stage, ...]:
    if evaluation.positive is not None and evaluation.operating_points:
        result = evaluation.operating_points[0]
        return (
            Stage(
                title="Called positive",
                count=result.true_positives + result.false_positives,
                lines=(
                    f"{result.true_positives:,} truly positive",
                    f"{result.false_positives:,} falsely positive",
                ),
            ),
            Stage(
                title="Called negative",
                count=result.true_negatives + result.false_negatives,
                lines=(
                    f"{result.true_negatives:,} truly negative",
                    f"{result.false_negatives:,} falsely negative",
                ),
            ),
        )
    if not evaluation.confusion:
        return ()
    right = sum(row[index] for index, row in enumerate(evaluation.confusion))
    total = sum(sum(row) for row in evaluation.confusion)
    return (
        Stage(title="Agree with truth", count=right),
        Stage(title="Disagree with truth", count=total - right),
    )


def _roc(part: Sequence[Curves], evaluation: Evaluation) -> Plot:
    lines, told = [], []
    for curves in part:
        result = _result(evaluation.operating_points, curves.label)
        point = None
        if result and result.sensitivity.defined and result.specificity.defined:
            point = (1.0 - result.specificity.estimate, result.sensitivity.estimate)
        lines.append(Curve(curves.label, curves.roc.fpr, curves.roc.tpr, point))
        auc = evaluation.per_label.get(curves.label, {}).get("auc")
        told.append(f"{curves.label}: {_told('AUC', auc)}")
    text = "; ".join(told)
    return Plot(
        title="ROC curve" + _of(part, evaluation),
        drawing=roc(lines, label=f"ROC curve. {text}."),
        caption=f"{text}. The mark is the frozen operating point.",
        key=legend([curves.label for curves in part]) if len(part) > 1 else "",
        lines=tuple(curves.label for curves in part) if len(part) > 1 else (),
    )


def _precision_recall(part: Sequence[Curves], evaluation: Evaluation) -> Plot:
    lines = []
    for curves in part:
        result = _result(evaluation.operating_points, curves.label)
        point = None
        if result and result.true_positives + result.false_positives:
            called = result.true_positives + result.false_positives
            point = (result.sensitivity.estimate, result.true_positives / called)
            point = point if result.sensitivity.defined else None
        line = curves.precision_recall
        lines.append(Curve(curves.label, line.recall, line.precision, point))
    prevalence = None
    if len(part) == 1:
        found = evaluation.per_label.get(part[0].label, {}).get("prevalence")
        prevalence = found.estimate if found and found.defined else None
    return Plot(
        title="Precision-recall curve" + _of(part, evaluation),
        drawing=precision_recall(
            lines,
            prevalence=prevalence,
            label="Precision-recall curve of " + ", ".join(curves.label for curves in part) + ".",
        ),
        caption="Depends on prevalence: it holds for these cases only.",
        key=legend([curves.label for curves in part]) if len(part) > 1 else "",
        lines=tuple(curves.label for curves in part) if len(part) > 1 else (),
    )


def _of(part: Sequence[Curves], evaluation: Evaluation) -> str:
    if len(part) == 1 or len(part) == len(evaluation.curves):
        return f": {part[0].label}" if len(part) == 1 else ""
    return f": {part[0].label} to {part[-1].label}"


def _result(results: Sequence[OperatingResult], label: str) -> OperatingResult | None:
    return next((result for result in results if result.label == label), None)


def _told(name: str, estimate: Estimate | None) -> str:
    if estimate is None or not estimate.defined:
        return f"{name} not estimable"
    between = f"95 % interval {interval(estimate)}"
    return f"{name} {three(estimate.estimate)} ({between}, n = {estimate.n:,})"
