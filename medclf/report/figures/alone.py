"""Lets a figure of the report stand alone: an SVG file with its own title, style and ground.

Colours and widths are those of the page's style in its light form, with every variable written
out: programs other than browsers do not know variables.
"""

import re
import textwrap
from functools import cache
from importlib.resources import files

from markupsafe import Markup

from medclf.report.figures.axes import WIDTH
from medclf.report.figures.canvas import element, marker, number, path

_TONES = ("blue", "orange", "teal", "plum")
_DRAWN = re.compile(
    r"svg text|(svg )?\.(grid|axis|chance|goal|curve|dash-\d|point|bar|whisker|dot|box|arrow|tip"
    r"|tick|hint|name|strong|middle|end|start)(\.(thin|side|end))?"
)
_TONE = re.compile(r"(stroke|fill): var\(--tone[^;]*;")  # set for each tone instead
_MARGIN, _TITLE, _ENTRY, _LINE = 10.0, 30.0, 20.0, 16.0  # in pixels at scale 1
_COLUMNS = 62  # characters of a caption's line in a figure's width


def stand_alone(inner: Markup, *, title: str, caption: str, lines: tuple[str, ...] = ()) -> str:
    """Return a whole SVG file.

    Args:
        inner: the drawing as the page has it.
        title: set above it.
        caption: set below it, wrapped.
        lines: names of the lines, in order, where there is a key to them.
    """
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', inner)
    drawn = (float(size[1]), float(size[2])) if size else (WIDTH, WIDTH)
    wrapped = textwrap.wrap(caption, _COLUMNS)
    key_top = _TITLE + drawn[1] + 14
    text_top = key_top + _ENTRY * len(lines) + 6
    width, height = drawn[0] + 2 * _MARGIN, text_top + _LINE * len(wrapped) + 4
    parts = [
        element("title", title),
        element("style", Markup(_style())),  # noqa: S704 - our own file
        element("rect", width=width, height=height, fill=_colours()["paper"]),
        element("text", title, x=_MARGIN, y=20, class_="strong"),
        Markup(str(inner).replace("<svg ", f'<svg x="{number(_MARGIN)}" y="{number(_TITLE)}" ', 1)),  # noqa: S704 - drawn and escaped before
    ]
    for index, name in enumerate(lines):
        y = key_top + _ENTRY * index
        parts.append(path([(60, y), (96, y)], class_=f"curve tone-{index % 4} dash-{index % 4}"))
        parts.append(marker(78, y, shape=index, class_=f"point tone-{index % 4}"))
        parts.append(element("text", name, x=104, y=y + 4))
    parts += [
        element("text", line, x=_MARGIN, y=text_top + _LINE * index, class_="hint")
        for index, line in enumerate(wrapped)
    ]
    return str(
        element(
            "svg",
            Markup("\n").join(parts),
            xmlns="http://www.w3.org/2000/svg",
            viewBox=f"0 0 {number(width)} {number(height)}",
            width=width,
            height=height,
            font_family="system-ui, Segoe UI, Roboto, Helvetica, Arial, sans-serif",
        )
    )


@cache
def _style() -> str:
    """Return the rules of the page's style that a drawing needs, without variables."""
    kept = [
        f"{selector.strip()} {{{_TONE.sub('', body)}}}"
        for selector, body in re.findall(r"([^{};]+)\{([^{}]*)\}", _page_style())
        if _DRAWN.fullmatch(selector.strip())
    ]
    colours = _colours()
    kept.append(f".bar {{ fill: {colours['axis']}; }}")
    for index, name in enumerate(_TONES):
        kept.append(f".curve.tone-{index} {{ stroke: {colours[name]}; }}")
        kept.append(f".point.tone-{index}, .bar.tone-{index} {{ fill: {colours[name]}; }}")
    return re.sub(r"var\(--([\w-]+)\)", lambda found: colours[found[1]], "\n".join(kept))


@cache
def _colours() -> dict[str, str]:
    light = _page_style().split("@media", maxsplit=1)[0]
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]+)", light))


@cache
def _page_style() -> str:
    return files("medclf.report").joinpath("templates", "style.css").read_text(encoding="utf-8")
