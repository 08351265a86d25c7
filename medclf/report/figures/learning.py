"""How a network learned: the losses above, the figure that chose the epoch below."""

from collections.abc import Sequence

from markupsafe import Markup

from medclf.report.figures.axes import HEIGHT, WIDTH, Frame, axes, nice_ticks
from medclf.report.figures.canvas import drawing, element, marker, path

_PANEL = 112.0


def learning(
    train_loss: Sequence[float],
    tune_loss: Sequence[float],
    tune_auc: Sequence[float],
    *,
    kept: int,
    label: str,
) -> Markup:
    """Draw losses and the tune AUC over epochs, with a line at the epoch that was kept.

    Args:
        train_loss: of each epoch, as it was minimised.
        tune_loss: as many, on the tune part.
        tune_auc: as many.
        kept: number of the epoch whose weights were kept, from 1.
        label: the text alternative.
    """
    count = len(train_loss)
    epochs = range(1, count + 1)
    span = (1.0, float(max(count, 2)))
    x_ticks = [tick or 1 for tick in nice_ticks(count) if (tick or 1) <= span[1]]
    loss_ticks = _loss_ticks(max(*train_loss, *tune_loss))
    low = _low(min(tune_auc))
    losses = Frame(
        left=58.0, width=306.0, top=24.0, height=_PANEL, x_range=span, y_range=(0.0, loss_ticks[-1])
    )
    figure = Frame(
        left=58.0, width=306.0, top=174.0, height=_PANEL, x_range=span, y_range=(low, 1.0)
    )
    parts = [
        axes(losses, x_name="", y_name="Loss", x_ticks=x_ticks, y_ticks=loss_ticks),
        axes(
            figure,
            x_name="Epoch",
            y_name="Tune AUC",
            x_ticks=x_ticks,
            y_ticks=[round(low + step * (1 - low) / 2, 3) for step in range(3)],
        ),
    ]
    for frame in (losses, figure):
        x = frame.x(kept)
        parts.append(
            element("line", x1=x, x2=x, y1=frame.top, y2=frame.top + frame.height, class_="goal")
        )
    for frame, tone, values in (
        (losses, 0, train_loss),
        (losses, 1, tune_loss),
        (figure, 1, tune_auc),
    ):
        look, at = f"tone-{tone}", (frame.x(kept), frame.y(values[kept - 1]))
        parts.append(path(frame.points(epochs, values), class_=f"curve {look} dash-{tone}"))
        parts.append(marker(*at, shape=tone, class_=f"point {look}"))
    parts += _key(losses)
    return drawing(parts, width=WIDTH, height=HEIGHT, label=label)


def _key(frame: Frame) -> list[Markup]:
    """Return the key above the upper panel: line, then name, three times."""
    y = frame.top - 11
    entries = (("train", "curve tone-0 dash-0"), ("tune", "curve tone-1 dash-1"), ("kept", "goal"))
    parts = []
    for index, (name, look) in enumerate(entries):
        x = frame.left + 96.0 * index
        parts.append(path([(x, y), (x + 32, y)], class_=look))
        parts.append(element("text", name, x=x + 38, y=y + 4, class_="hint"))
    return parts


def _loss_ticks(top: float) -> list[float]:
    """Return ticks from 0 to at least `top`, whose size may be anything above 0."""
    unit = 1.0
    while top / unit < 2 and unit > 1e-6:
        unit /= 10
    return [tick * unit for tick in nice_ticks(top / unit)]


def _low(least: float) -> float:
    """Return where the axis of the figure begins: a round number at or below the least."""
    return next((low for low in (0.9, 0.8, 0.5, 0.0) if low <= least), -1.0)
