"""The report a person reads: one self-contained page, and the same as JSON beside it."""

from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from medclf.durable import write_text
from medclf.errors import ReportMisuse
from medclf.evaluate.evaluation import Estimate, Evaluation, Outcome
from medclf.evaluate.proportion import percent
from medclf.report import plots, words
from medclf.report.context import STANDING_LIMITATIONS, ReportContext
from medclf.report.document import FORMAT, report_text, report_values
from medclf.report.figures.strip import common_scale, strip, strip_scale

_SECTIONS = (
    ("use", "Intended use and protocol"),
    ("flow", "Participant flow"),
    ("decisions", "Decisions"),
    ("figures", "All figures with their methods"),
    ("discrimination", "Discrimination"),
    ("calibration", "Calibration"),
    ("subgroups", "Subgroups"),
    ("data", "Data, leakage, baselines"),
    ("lineage", "Model and lineage"),
    ("deviations", "Deviations"),
    ("limitations", "Limitations"),
    ("notes", "Notes"),
)


def write_report(evaluation: Evaluation, context: ReportContext, folder: Path) -> tuple[Path, Path]:
    """Write report.html and report.json; each appears whole or not at all.

    The JSON holds no time of writing: the same inputs give the same bytes.

    Returns:
        The paths of the page and of the JSON.

    Raises:
        ReportMisuse: the package and the evaluation have different label spaces.
        OSError: the folder cannot be written.
    """
    if set(context.package.labels) != set(evaluation.labels):
        raise ReportMisuse(
            "The package and the evaluation have different labels: "
            f"{sorted(context.package.labels)} and {sorted(evaluation.labels)}.",
            advice="Report an evaluation with the package that gave its opinions.",
        )
    text = report_text(report_values(evaluation, context))
    page = render_page(evaluation, context)
    html_path, json_path = folder / "report.html", folder / "report.json"
    write_text(json_path, text)
    write_text(html_path, page)
    return html_path, json_path


def render_page(evaluation: Evaluation, context: ReportContext) -> str:
    """Return the page: one HTML text that loads nothing and runs nothing."""
    headline, colour = words.headline(evaluation.verdicts)
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            evaluation=evaluation,
            protocol=evaluation.protocol,
            context=context,
            format=FORMAT,
            headline=headline,
            colour=colour,
            sections=_SECTIONS,
            key_figures=plots.key_figures(evaluation),
            baseline_scale=common_scale([figure.low for figure in context.baselines.values()]),
            label_metrics=_label_metrics(evaluation),
            negative=next(
                (label for label in evaluation.labels if label != evaluation.positive), ""
            ),
            reasons=[
                (where, reason, number)
                for where, found in evaluation.flow.reasons.items()
                for reason, number in sorted(found.items(), key=lambda item: (-item[1], item[0]))
            ],
            flow=plots.flow_drawing(evaluation),
            curve_plots=plots.curve_plots(evaluation),
            score_plots=plots.score_plots(evaluation),
            calibration_plots=plots.calibration_plots(evaluation, context.package.temperature),
            subgroups=_subgroups(evaluation),
            subgroup_scale=plots.subgroup_scale(evaluation),
            overall=_overall_auc(evaluation),
            model_facts=_model_facts(context),
            digests=_digests(evaluation, context),
            limitations=(*context.limitations, *STANDING_LIMITATIONS),
        )
    )


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("medclf.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        three=words.three,
        interval=words.interval,
        percent=percent,
        metric_name=words.metric_name,
        short_digest=words.short_digest,
        goal=words.goal,
        symbol=_symbol,
        slug=_slug,
        count=_count,
        strip=_strip,
        strip_scale=strip_scale,
    )
    return environment


def _symbol(outcome: Outcome) -> str:
    return words.SYMBOLS[outcome]


def _slug(text: str) -> str:
    return text.replace(" ", "-")


def _count(value: int | None) -> str:
    return words.ABSENT if value is None else f"{value:,}"


def _strip(estimate: Estimate, scale: tuple[float, float], mark: float | None = None) -> Markup:
    return strip(estimate.estimate, estimate.low, estimate.high, scale=scale, mark=mark)


def _label_metrics(evaluation: Evaluation) -> list[str]:
    keys: dict[str, None] = {}
    for figures in evaluation.per_label.values():
        keys.update(dict.fromkeys(figures))
    return list(keys)


def _subgroups(evaluation: Evaluation) -> dict[str, list[Any]]:
    groups: dict[str, list[Any]] = {}
    for row in evaluation.subgroups:
        groups.setdefault(row.name, []).append(row)
    return groups


def _overall_auc(evaluation: Evaluation) -> float | None:
    auc = evaluation.metrics.get("auc")
    return auc.estimate if auc is not None and auc.defined else None


def _model_facts(context: ReportContext) -> dict[str, str]:
    package = context.package
    points = "; ".join(
        f"{point.name} for {point.label}: {words.three(point.threshold)} ({point.rule})"
        for point in package.operating_points
    )
    return {
        "Name": package.name,
        "Kind of image": package.kind,
        "Backbone": package.backbone,
        "First weights": package.weights_source,
        "Labels": ", ".join(package.labels),
        "Temperature": package.calibration,
        "Operating points": points,
        "Abstention limit": package.novelty_threshold,
        "Training data": ", ".join(
            f"{name} {number:,}" for name, number in package.training_parts.items()
        ),
        **package.training,
    }


def _digests(evaluation: Evaluation, context: ReportContext) -> dict[str, str]:
    return {
        "Package": context.package_digest,
        "Protocol": evaluation.protocol_digest,
        "Manifest": context.data.manifest_digest,
        "First weights": context.package.weights_digest,
        **context.lineage,
    }
