"""SVG elements as escaped text, so that every figure is deterministic and safe to inline.

Colours and fonts are not set here but by class names in `style.css`: one drawing
serves light, dark and print. No element carries an id, so that figures on one page
cannot collide.
"""

from collections.abc import Iterable, Sequence

from markupsafe import Markup


def number(value: float) -> str:
    """Return a coordinate with at most two decimals, the same on every machine.

    >>> number(12.0), number(0.125), number(-0.0001)
    ('12', '0.12', '0')
    """
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def element(tag: str, content: str = "", /, **attributes: str | float) -> Markup:
    """Return one SVG element; `content` is escaped unless it is Markup.

    Attribute names lose a trailing underscore and turn inner ones into hyphens.

    >>> element("text", "a < b", class_="tick", x=1.5)
    Markup('<text class="tick" x="1.5">a &lt; b</text>')
    """
    pairs = Markup("").join(
        Markup(' {}="{}"').format(
            name.rstrip("_").replace("_", "-"),
            value if isinstance(value, str) else number(value),
        )
        for name, value in attributes.items()
    )
    return Markup("<{}{}>{}</{}>").format(tag, pairs, content, tag)


def group(children: Iterable[str], **attributes: str | float) -> Markup:
    """Return a `<g>` around some elements."""
    return element("g", Markup("").join(children), **attributes)


def drawing(children: Iterable[str], *, width: float, height: float, label: str) -> Markup:
    """Return a whole `<svg>` that scales with its box and says to a screen reader what it shows.

    Args:
        children: elements, drawn in this order.
        width: of the viewBox, in units that are pixels at scale 1.
        height: of the viewBox.
        label: the text alternative; a sentence with the figures that matter.
    """
    return element(
        "svg",
        Markup("").join(children),
        viewBox=f"0 0 {number(width)} {number(height)}",
        width=width,
        height=height,
        role="img",
        aria_label=label,
    )


def path(points: Sequence[tuple[float, float]], **attributes: str | float) -> Markup:
    """Return an open polyline through points that lie in viewBox units."""
    steps = " ".join(
        f"{'L' if index else 'M'}{number(x)} {number(y)}" for index, (x, y) in enumerate(points)
    )
    return element("path", d=steps, **attributes)


def marker(x: float, y: float, *, shape: int = 0, size: float = 4.5, class_: str) -> Markup:
    """Return a point mark; `shape` counts circle, square, diamond, triangle, and round again."""
    kind = shape % 4
    if kind == 0:
        return element("circle", cx=x, cy=y, r=size, class_=class_)
    if kind == 1:
        side = 1.8 * size
        return element(
            "rect", x=x - side / 2, y=y - side / 2, width=side, height=side, class_=class_
        )
    corners = (
        [(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)]
        if kind == 2
        else [(0.0, -1.2), (1.2, 0.95), (-1.2, 0.95)]
    )
    steps = " ".join(f"{number(x + dx * size)},{number(y + dy * size)}" for dx, dy in corners)
    return element("polygon", points=steps, class_=class_)
