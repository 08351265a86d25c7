"""One interval as a small dot-and-whisker strip that fits in a table cell.

A column of strips on one scale is a forest plot whose words are table cells:
readable by a screen reader, by a phone and on paper.
"""

import math

from markupsafe import Markup

from medclf.report.figures.canvas import drawing, element

WIDTH = 230.0
HEIGHT = 26.0
_MARGIN = 9.0


def _x(value: float, scale: tuple[float, float]) -> float:
    low, high = scale
    inside = min(max(value, low), high)
    return _MARGIN + (inside - low) / (high - low) * (WIDTH - 2 * _MARGIN)


def _ticks(scale: tuple[float, float]) -> tuple[float, float, float]:
    low, high = scale
    return low, (low + high) / 2, high


def strip(
    estimate: float,
    low: float,
    high: float,
    *,
    scale: tuple[float, float],
    mark: float | None = None,
) -> Markup:
    """Draw an estimate with its interval; where there is no estimate, say so.

    Args:
        estimate: the dot; NaN where these cases cannot give it.
        low: lower end of the interval; cut at the scale.
        high: upper end of the interval; cut at the scale.
        scale: values at the left and right edge, shared by a column.
        mark: drawn as a dashed upright line where given.
    """
    middle = HEIGHT / 2
    parts = [
        element("line", x1=_x(tick, scale), x2=_x(tick, scale), y1=0, y2=HEIGHT, class_="grid")
        for tick in _ticks(scale)
    ]
    if mark is not None:
        x = _x(mark, scale)
        parts.append(element("line", x1=x, x2=x, y1=0, y2=HEIGHT, class_="goal"))
    if math.isfinite(estimate):
        left, right = _x(low, scale), _x(high, scale)
        parts.append(element("line", x1=left, x2=right, y1=middle, y2=middle, class_="whisker"))
        parts += [
            element("line", x1=end, x2=end, y1=middle - 4, y2=middle + 4, class_="whisker")
            for end in (left, right)
        ]
        parts.append(element("circle", cx=_x(estimate, scale), cy=middle, r=4, class_="dot"))
        label = f"{estimate:.3f}, interval {low:.3f} to {high:.3f}"
    else:
        label = "not estimable"
        parts.append(element("text", label, x=WIDTH / 2, y=middle + 4, class_="hint middle"))
    if mark is not None:
        label += f", dashed line at {mark:.3f}"
    return drawing(parts, width=WIDTH, height=HEIGHT, label=label)


def strip_scale(scale: tuple[float, float]) -> Markup:
    """Draw the tick labels that head a column of strips."""
    parts = [
        element(
            "text",
            f"{tick:g}",
            x=_x(tick, scale),
            y=13,
            class_="tick " + ("start", "middle", "end")[index],
            dx=(-4.0, 0.0, 4.0)[index],
        )
        for index, tick in enumerate(_ticks(scale))
    ]
    low, high = scale
    return drawing(parts, width=WIDTH, height=18, label=f"scale from {low:g} to {high:g}")


def common_scale(lows: list[float]) -> tuple[float, float]:
    """Return the widest of a few fixed scales that shows every finite lower end.

    >>> common_scale([0.93, 0.71])
    (0.5, 1.0)
    """
    lowest = min((low for low in lows if math.isfinite(low)), default=0.0)
    for start in (0.8, 0.5):
        if lowest >= start:
            return start, 1.0
    return 0.0, 1.0
