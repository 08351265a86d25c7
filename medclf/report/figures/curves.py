"""ROC and precision-recall curves with the operating point marked on them.

Lines differ by dash and marks by shape as well as by colour, so that a greyscale
print and a colour-blind reader see the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from medclf.report.figures.axes import HEIGHT, WIDTH, Frame, axes
from medclf.report.figures.canvas import drawing, element, group, marker, path

_MOST_POINTS = 600  # a line of more points looks the same at this size and only weighs


@dataclass(frozen=True)
class Curve:
    """One line of a figure.

    Attributes:
        label: the class it belongs to.
        xs: values on the x axis, in drawing order.
        ys: values on the y axis, as many.
        point: the operating point on these axes; None where there is none.
    """

    label: str
    xs: Sequence[float]
    ys: Sequence[float]
    point: tuple[float, float] | None = None


def thin(curve: Curve) -> Curve:
    """Return the curve with at most some 600 points, ends kept."""
    count = len(curve.xs)
    if count <= _MOST_POINTS:
        return curve
    step = -(-count // _MOST_POINTS)
    keep = [*range(0, count - 1, step), count - 1]
    xs, ys = [curve.xs[index] for index in keep], [curve.ys[index] for index in keep]
    return Curve(curve.label, xs, ys, curve.point)


def _lines(curves: Sequence[Curve], frame: Frame) -> list[Markup]:
    parts = []
    for index, curve in enumerate(curves):
        short = thin(curve)
        points = frame.points(short.xs, short.ys)
        parts.append(path(points, class_=f"curve tone-{index % 4} dash-{index % 4}"))
    for index, curve in enumerate(curves):
        if curve.point is not None:
            x, y = frame.x(curve.point[0]), frame.y(curve.point[1])
            parts.append(marker(x, y, shape=index, size=5.5, class_=f"point tone-{index % 4}"))
    return parts


def roc(curves: Sequence[Curve], *, label: str) -> Markup:
    """Draw ROC curves: x is 1 - specificity, y sensitivity, with the line of chance.

    Args:
        curves: one to four; xs are false positive rates, ys true positive rates.
        label: the text alternative.
    """
    frame = Frame()
    chance = [
        path(frame.points((0, 1), (0, 1)), class_="chance"),
        element(
            "text",
            "chance",
            x=frame.x(0.62),
            y=frame.y(0.53),
            class_="hint",
        ),
    ]
    scales = axes(frame, x_name="1 − specificity", y_name="Sensitivity")
    parts = [scales, group(chance), *_lines(curves, frame)]
    return drawing(parts, width=WIDTH, height=HEIGHT, label=label)


def precision_recall(curves: Sequence[Curve], *, prevalence: float | None, label: str) -> Markup:
    """Draw precision-recall curves: x is sensitivity (recall), y PPV (precision).

    Args:
        curves: one to four.
        prevalence: of the one class drawn: the PPV of chance; None for several classes.
        label: the text alternative.
    """
    frame = Frame()
    parts = [axes(frame, x_name="Sensitivity (recall)", y_name="PPV (precision)")]
    if prevalence is not None:
        level = (prevalence, prevalence)
        parts.append(path(frame.points((0, 1), level), class_="chance"))
        parts.append(
            element(
                "text",
                f"chance = prevalence {prevalence:.3f}",
                x=frame.x(0.02),
                y=frame.y(prevalence) - 5.0,
                class_="hint",
            )
        )
    parts += _lines(curves, frame)
    return drawing(parts, width=WIDTH, height=HEIGHT, label=label)


def legend(labels: Sequence[str]) -> Markup:
    """Return the key to the lines, as HTML that wraps; each entry shows its line and mark."""
    entries = []
    for index, label in enumerate(labels):
        sample = drawing(
            [
                path([(1, 7), (33, 7)], class_=f"curve tone-{index % 4} dash-{index % 4}"),
                marker(17, 7, shape=index, size=4.5, class_=f"point tone-{index % 4}"),
            ],
            width=34,
            height=14,
            label="line",
        )
        entries.append(element("li", sample + " " + label))
    return element("ul", Markup("").join(entries), class_="legend")
