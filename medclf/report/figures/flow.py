"""The flow of participants, drawn after STARD 2015 (Cohen, BMJ Open 2016;6:e012799)."""

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from medclf.report.figures.canvas import drawing, element

WIDTH = 400.0
_MAIN = (0.0, 188.0)  # left edge and width of the boxes that go on
_SIDE = (212.0, 188.0)  # and of those that leave
_LINE = 17.0  # between two lines of text
_PAD = 10.0
_GAP = 26.0  # between two stages, room for the arrow
_LETTERS = 22  # that fit a box in a wide face such as DejaVu Sans


@dataclass(frozen=True)
class Stage:
    """One row of the diagram.

    Attributes:
        title: what the main box holds; some 21 letters fit.
        count: how many cases reached it.
        lines: further lines of the main box.
        leaving: title of the side box; empty where none left.
        left: how many left here.
        reasons: coded reason and count, largest first.
    """

    title: str
    count: int
    lines: tuple[str, ...] = ()
    leaving: str = ""
    left: int = 0
    reasons: tuple[tuple[str, int], ...] = ()


def _wrapped(texts: Iterable[str]) -> list[str]:
    """Return lines that fit a box; what continues a line is indented."""
    return [
        ("\u2003" if index else "") + line
        for text in texts
        for index, line in enumerate(textwrap.wrap(text, _LETTERS))
    ]


def _box(
    place: tuple[float, float], top: float, title: str, lines: Sequence[str], *, class_: str
) -> list[Markup]:
    left, width = place
    height = _height(len(lines))
    parts = [
        element(
            "rect", x=left + 1, y=top, width=width - 2, height=height, rx=5, class_=f"box {class_}"
        ),
        element("text", title, x=left + 12, y=top + _PAD + 11, class_="label strong"),
    ]
    parts += [
        element("text", line, x=left + 12, y=top + _PAD + 11 + _LINE * (index + 1), class_="label")
        for index, line in enumerate(lines)
    ]
    return parts


def _height(lines: int) -> float:
    return 2 * _PAD + _LINE * (lines + 1) - 4


def _arrow(x1: float, y1: float, x2: float, y2: float) -> list[Markup]:
    across = y1 == y2
    tip = (
        f"{x2:g},{y2:g} {x2 - 7:g},{y2 - 4:g} {x2 - 7:g},{y2 + 4:g}"
        if across
        else f"{x2:g},{y2:g} {x2 - 4:g},{y2 - 7:g} {x2 + 4:g},{y2 - 7:g}"
    )
    return [
        element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_="arrow"),
        element("polygon", points=tip, class_="tip"),
    ]


def flow(stages: Sequence[Stage], *, ends: Sequence[Stage] = ()) -> Markup:
    """Draw the stages downwards, those who leave to the right, and the ends side by side.

    Args:
        stages: at least one.
        ends: at most two boxes below the last stage, such as test positive and negative.
    """
    parts: list[Markup] = []
    top = 1.0
    bottom = top
    axis = _MAIN[0] + _MAIN[1] / 2
    for index, stage in enumerate(stages):
        if index:
            parts += _arrow(axis, bottom, axis, top)
        main = _wrapped([f"n = {stage.count:,}", *stage.lines])
        parts += _box(_MAIN, top, stage.title, main, class_="main")
        bottom = top + _height(len(main))
        reach = bottom
        if stage.leaving:
            told = [f"{count:,} × {code.replace('_', ' ')}" for code, count in stage.reasons]
            side = _wrapped([f"n = {stage.left:,}", *told])
            middle = top + _height(len(main)) / 2
            parts += _arrow(_MAIN[0] + _MAIN[1], middle, _SIDE[0], middle)
            parts += _box(_SIDE, top, stage.leaving, side, class_="side")
            reach = max(bottom, top + _height(len(side)))
        top = reach + _GAP
    if ends:
        boxes = [_wrapped([f"n = {end.count:,}", *end.lines]) for end in ends]
        fork = top - _GAP / 2
        for end, lines, place in zip(ends, boxes, (_MAIN, _SIDE), strict=False):
            centre = place[0] + place[1] / 2
            parts.append(
                element("path", d=f"M{axis:g} {bottom:g}V{fork:g}H{centre:g}", class_="arrow")
            )
            parts += _arrow(centre, fork, centre, top)
            parts += _box(place, top, end.title, lines, class_="end")
        top += max(_height(len(lines)) for lines in boxes) + _GAP
    summary = "; ".join(
        f"{stage.title} {stage.count}"
        + (f", {stage.leaving.lower()} {stage.left}" if stage.leaving else "")
        for stage in (*stages, *ends)
    )
    return drawing(
        parts, width=WIDTH, height=top - _GAP + 1, label=f"Flow of participants: {summary}."
    )
