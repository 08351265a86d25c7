"""How the probabilities of cases with and without the finding spread around the threshold."""

from collections.abc import Sequence

from markupsafe import Markup

from medclf.report.figures.axes import HEIGHT, WIDTH, Frame, axes, nice_ticks
from medclf.report.figures.canvas import drawing, element


def scores(
    edges: Sequence[float],
    counts: tuple[Sequence[int], Sequence[int]],
    *,
    names: tuple[str, str],
    threshold: float | None,
    label: str,
) -> Markup:
    """Draw two histograms, one above the other, on one scale of probability.

    Args:
        edges: (b + 1,) edges of the bins, from 0 to 1.
        counts: (b,) cases without the finding, then (b,) cases with it.
        names: what to call the two groups.
        threshold: of the operating point; None where there is none.
        label: the text alternative.
    """
    height = 106.0
    frames = []
    for index, part in enumerate(counts):
        ticks = nice_ticks(max([*part, 1]))
        frames.append(
            (
                Frame(top=20.0 + index * (height + 44.0), height=height, y_range=(0.0, ticks[-1])),
                ticks,
            )
        )
    parts = []
    for index, (frame, ticks) in enumerate(frames):
        last = index == len(frames) - 1
        parts.append(
            axes(
                frame,
                x_name="Predicted probability" if last else "",
                y_name="Cases",
                y_ticks=ticks,
            )
        )
        for left, right, count in zip(edges[:-1], edges[1:], counts[index], strict=True):
            if count:
                x, y = frame.x(left), frame.y(count)
                parts.append(
                    element(
                        "rect",
                        x=x + 0.5,
                        y=y,
                        width=max(frame.x(right) - x - 1, 1.0),
                        height=frame.y(0) - y,
                        class_=f"bar tone-{index}",
                    )
                )
        parts.append(
            element("text", names[index], x=frame.left, y=frame.top - 9, class_="label strong")
        )
    if threshold is not None:
        parts += _threshold(threshold, [frame for frame, _ in frames])
    return drawing(parts, width=WIDTH, height=HEIGHT, label=label)


def _threshold(threshold: float, frames: Sequence[Frame]) -> list[Markup]:
    """Return the dashed line in both plots, named in the upper where low scores leave room."""
    x = frames[0].x(threshold)
    parts = [
        element("line", x1=x, x2=x, y1=frame.top, y2=frame.top + frame.height, class_="goal")
        for frame in frames
    ]
    left = threshold > 0.6
    parts.append(
        element(
            "text",
            f"threshold {threshold:.3f}",
            x=x + (-6 if left else 6),
            y=frames[0].top + 13,
            class_="hint end" if left else "hint",
        )
    )
    return parts
