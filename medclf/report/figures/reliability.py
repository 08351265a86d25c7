"""The reliability diagram: how often the finding was there when the model said p."""

from collections.abc import Sequence

from markupsafe import Markup

from medclf.evaluate.evaluation import ReliabilityBin
from medclf.report.figures.axes import HEIGHT, WIDTH, Frame, axes
from medclf.report.figures.canvas import drawing, element, marker, path


def reliability(bins: Sequence[ReliabilityBin], *, label: str) -> Markup:
    """Draw observed against predicted, with whiskers, and the number of cases below.

    Args:
        bins: those that hold cases, by rising probability; may be empty.
        label: the text alternative.
    """
    frame = Frame(height=206.0)
    base = HEIGHT - 1.0
    parts = [
        axes(frame, x_name="Predicted probability", y_name="Observed frequency"),
        path(frame.points((0, 1), (0, 1)), class_="chance"),
    ]
    most = max((item.count for item in bins), default=1)
    for item in bins:
        x = frame.x(item.mean_probability)
        height = 30.0 * item.count / most
        parts.append(
            element(
                "rect", x=x - 5, y=base - height, width=10, height=max(height, 0.8), class_="bar"
            )
        )
        low, high = frame.y(item.low), frame.y(item.high)
        parts.append(element("line", x1=x, x2=x, y1=low, y2=high, class_="whisker"))
        parts += [
            element("line", x1=x - 4, x2=x + 4, y1=end, y2=end, class_="whisker")
            for end in (low, high)
        ]
    line = frame.points([item.mean_probability for item in bins], [item.observed for item in bins])
    if line:
        parts.append(path(line, class_="curve tone-0 thin"))
    parts += [marker(x, y, class_="point tone-0") for x, y in line]
    right = frame.left + frame.width
    parts.append(element("line", x1=frame.left, x2=right, y1=base, y2=base, class_="axis"))
    bars = f"cases (tallest bar {most:,})"
    middle = (frame.left + right) / 2
    parts.append(element("text", bars, x=middle, y=HEIGHT - 36, class_="hint middle"))
    return drawing(parts, width=WIDTH, height=HEIGHT, label=label)
