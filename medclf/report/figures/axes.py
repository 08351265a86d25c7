"""The frame of a plot: values to coordinates, ticks, grid and axis names."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from medclf.report.figures.canvas import element, group

WIDTH = 380.0  # a phone's content width, so that text keeps its size there
HEIGHT = 330.0
UNIT_TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True)
class Frame:
    """A rectangle in viewBox units and the ranges of values it spans.

    Attributes:
        left: distance to the left edge, room for the tick labels of y.
        top: distance to the upper edge.
        width: of the plotting area.
        height: of the plotting area.
        x_range: value at the left and at the right edge.
        y_range: value at the bottom and at the top edge.
    """

    left: float = 50.0
    top: float = 14.0
    width: float = 314.0
    height: float = 268.0
    x_range: tuple[float, float] = (0.0, 1.0)
    y_range: tuple[float, float] = (0.0, 1.0)

    def x(self, value: float) -> float:
        """Return the coordinate of a value on the x axis."""
        low, high = self.x_range
        return self.left + (value - low) / (high - low) * self.width

    def y(self, value: float) -> float:
        """Return the coordinate of a value on the y axis, which points up."""
        low, high = self.y_range
        return self.top + (1.0 - (value - low) / (high - low)) * self.height

    def points(self, xs: Iterable[float], ys: Iterable[float]) -> list[tuple[float, float]]:
        """Return the coordinates of a curve."""
        return [(self.x(x), self.y(y)) for x, y in zip(xs, ys, strict=True)]


def axes(
    frame: Frame,
    *,
    x_name: str,
    y_name: str,
    x_ticks: Sequence[float] = UNIT_TICKS,
    y_ticks: Sequence[float] = UNIT_TICKS,
) -> Markup:
    """Return grid, tick labels and axis names of a frame."""
    right, bottom = frame.left + frame.width, frame.top + frame.height
    parts = []
    for tick in x_ticks:
        x = frame.x(tick)
        parts.append(element("line", x1=x, x2=x, y1=frame.top, y2=bottom, class_="grid"))
        parts.append(element("text", f"{tick:g}", x=x, y=bottom + 16, class_="tick middle"))
    for tick in y_ticks:
        y = frame.y(tick)
        parts.append(element("line", x1=frame.left, x2=right, y1=y, y2=y, class_="grid"))
        parts.append(element("text", f"{tick:g}", x=frame.left - 7, y=y + 4, class_="tick end"))
    parts.append(
        element(
            "path",
            d=f"M{frame.left:g} {frame.top:g}V{bottom:g}H{right:g}",
            class_="axis",
        )
    )
    middle = frame.left + frame.width / 2
    parts.append(element("text", x_name, x=middle, y=bottom + 36, class_="name middle"))
    height = frame.top + frame.height / 2
    parts.append(
        element(
            "text",
            y_name,
            x=13,
            y=height,
            transform=f"rotate(-90 13 {height:g})",
            class_="name middle",
        )
    )
    return group(parts)


def nice_ticks(top: float) -> tuple[float, ...]:
    """Return three to six round ticks from zero to at least `top`.

    >>> nice_ticks(83)
    (0.0, 20.0, 40.0, 60.0, 80.0, 100.0)
    """
    step = 1.0
    while top / step > 5:
        for factor in (2.0, 2.5, 2.0):
            step *= factor
            if top / step <= 5:
                break
    count = max(1, -int(-top // step))
    return tuple(step * index for index in range(count + 1))
