"""The figures of a training and of a validation, by the names that a notebook asks for."""

from medclf.report.figures.learning import learning
from medclf.report.plots import Plot, calibration_plots, curve_plots, score_plots
from medclf.report.words import three
from medclf.study.train import Trained
from medclf.study.validate import Validated


def plots_of(result: Trained | Validated) -> dict[str, Plot]:
    """Return figures by name.

    A training has `learning` (none when only a probe was fitted). A validation has `roc`,
    `precision_recall`, `scores` and `calibration`, and `before_calibration` where that is
    known; with several labels, `roc_2` and so on hold the next ones.
    """
    if isinstance(result, Trained):
        return _of_training(result)
    evaluation = result.evaluation
    curves = curve_plots(evaluation)  # ROC and precision-recall in turn
    after, *before = calibration_plots(evaluation, result.temperature)
    return {
        **_numbered("roc", curves[0::2]),
        **_numbered("precision_recall", curves[1::2]),
        **_numbered("scores", score_plots(evaluation)),
        "calibration": after,
        **_numbered("before_calibration", before),
    }


def _numbered(name: str, plots: list[Plot]) -> dict[str, Plot]:
    return {name if i == 1 else f"{name}_{i}": plot for i, plot in enumerate(plots, start=1)}


def _of_training(trained: Trained) -> dict[str, Plot]:
    fitted, chosen_by = trained.learned.fitted, trained.learned.chosen_by
    if fitted is None or not fitted.history:
        return {}
    epochs = fitted.history
    best = epochs[fitted.best - 1]
    told = f"Epoch {best.number} was kept: tune {chosen_by} {three(best.tune_figure)}"
    return {
        "learning": Plot(
            title="Learning curves",
            drawing=learning(
                [epoch.loss for epoch in epochs],
                [epoch.tune_loss for epoch in epochs],
                [epoch.tune_figure for epoch in epochs],
                kept=best.number,
                label=f"Learning curves over {len(epochs)} epochs. {told}.",
            ),
            caption=f"{told}, tune loss {three(best.tune_loss)}. The training loss is that of "
            "varied pictures with weighted classes, so the two losses need not meet.",
        )
    }
