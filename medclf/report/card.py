"""The model card: one page of markdown that travels inside a package.

Headings follow the applied model card of the Coalition for Health AI (CHAI): overview,
intended use, training data, performance, limits, maintenance. It holds no time and no
digest of the package it lies in, so that packing the same inputs gives the same bytes.
"""

from collections.abc import Iterable, Mapping, Sequence

from medclf.evaluate.evaluation import Estimate
from medclf.report.context import STANDING_LIMITATIONS, CardContext
from medclf.report.words import (
    ABSENT,
    interval,
    metric_name,
    p_value,
    reader_name,
    signed,
    three,
)

_NO_CONTACT = "Not stated: name whom to tell of a wrong opinion before this package is released."


def model_card(context: CardContext) -> str:
    """Return the model card of a package as markdown, the same for the same facts."""
    package = context.package
    sections = [
        f"# Model card: {_text(package.name)}",
        "**The training data are made up. Not for use on patients.**" if context.made_up else "",
        "## Overview",
        _pairs(
            {
                "Kind of image": package.kind,
                "Labels": ", ".join(package.labels),
                "Backbone": package.backbone,
                "First weights": package.weights_source,
                "Digest of first weights": package.weights_digest,
                "Preprocessing": "; ".join(
                    f"{name} {value}" for name, value in package.preprocessing.items()
                ),
                "Calibration": f"temperature {package.calibration}",
                "Abstains when": package.novelty_threshold,
                "Software": ", ".join(
                    f"{name} {version}" for name, version in package.software.items()
                ),
            }
        ),
        "## Intended use",
        _text(context.intended_use),
        "The classifier gives a calibrated second opinion, or abstains. A person decides.",
        "## Training data",
        _text(context.population),
        _pairs({"Reference standard": context.reference_standard, **package.training}),
        _table(
            ("Part", "Cases"),
            [(name, f"{count:,}") for name, count in package.training_parts.items()],
        ),
        "## Performance",
        f"On the {_text(context.performance_part)}. "
        "This is no independent validation: see the validation report.",
        _performance(context.performance) if context.performance else "",
        _by_label(context.per_label) if context.per_label else "",
        *_beside(context),
        _table(
            ("Operating point", "Label", "Threshold", "Rule"),
            [
                (point.name, point.label, three(point.threshold), point.rule)
                for point in package.operating_points
            ],
        ),
        "## Limits",
        "\n".join(f"- {_text(text)}" for text in _limits(context)),
        "## Maintenance",
        _text(context.maintenance or _NO_CONTACT),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _limits(context: CardContext) -> Sequence[str]:
    standing = (
        text.replace("This report", "This card").replace("“Data”", "“Training data”")
        for text in STANDING_LIMITATIONS
    )
    return (*context.limitations, *standing)


def _performance(figures: Mapping[str, Estimate]) -> str:
    return _table(
        ("Figure", "Estimate", "Interval", "Method", "n"),
        [
            (
                metric_name(name),
                three(figure.estimate),
                interval(figure),
                figure.method,
                f"{figure.n:,}",
            )
            for name, figure in figures.items()
        ],
    )


def _by_label(figures: Mapping[str, Mapping[str, Estimate]]) -> str:
    metrics = list(next(iter(figures.values())))
    return _table(
        ("Finding", *(metric_name(name) for name in metrics), "n"),
        [
            (
                label,
                *(f"{three(own[name].estimate)} ({interval(own[name])})" for name in metrics),
                f"{own['auc'].n:,}",
            )
            for label, own in figures.items()
        ],
    )


def _beside(context: CardContext) -> Sequence[str]:
    """Return the table of simpler readers with what to think of it; nothing without either."""
    if not context.beside:
        return context.beside_notes
    rows = [
        (
            reader_name(one.reader),
            metric_name(one.metric),
            three(one.figure.estimate),
            interval(one.figure),
            "" if one.ahead is None else signed(one.ahead.estimate),
            "" if one.ahead is None else f"{signed(one.ahead.low)} to {signed(one.ahead.high)}",
            "" if one.ahead is None else p_value(one.ahead.p),
        )
        for one in context.beside
    ]
    heads = ("Reader", "Figure", "Estimate", "Interval", "Network ahead by", "Interval", "p")
    told = "Beside it, on the same cases, with paired tests:"
    warnings = [f"**{_text(note)}**" for note in context.beside_notes]
    return (told, _table(heads, rows), *warnings)


def _text(value: str) -> str:
    """Return one line without characters that markdown would take for a tag or a cell."""
    plain = " ".join(value.split())
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")


def _pairs(rows: Mapping[str, str]) -> str:
    return "\n".join(
        f"- **{_text(name)}:** {_text(value) or ABSENT}" for name, value in rows.items()
    )


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [_row(row) for row in rows]
    if not lines:
        return "None."
    return "\n".join([_row(heads), "|" + " --- |" * len(heads), *lines])


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_text(cell) for cell in cells) + " |"
