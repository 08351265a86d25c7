import numpy as np
import pytest

from medclf.model.epoch import Epoch, best_epoch
from medclf.model.fit_config import Selection
from medclf.model.tune_error import TuneError


def of_area(cases):
    return TuneError(Selection.AUC, ((cases // 2, cases // 2),)).at


@pytest.mark.parametrize("seed", range(20))
def test_the_best_epoch_stays_until_a_later_one_takes_over(seed):
    # What was best when its weights were kept must be what is reported at the end.
    generator = np.random.default_rng(seed)
    history, kept = [], 0
    for number in range(1, 15):
        figure, loss = generator.uniform(-0.2, 1), generator.uniform(0.1, 0.5)
        history.append(Epoch(number, 1, figure, loss, 1))
        if best_epoch(history, of_area(60)) == number:
            kept = number
    assert best_epoch(history, of_area(60)) == kept


def test_epochs_within_one_standard_error_are_told_apart_by_loss():
    history = [Epoch(1, 1, 0.990, 0.50, 1), Epoch(2, 1, 0.985, 0.20, 1), Epoch(3, 1, 0.6, 0.1, 1)]
    assert best_epoch(history, of_area(40)) == 2
    assert best_epoch(history, of_area(1_000_000)) == 1
    assert best_epoch([], of_area(40)) == 0


def test_a_figure_below_nought_is_overtaken():
    assert best_epoch([Epoch(1, 1, -0.1, 0.5, 1), Epoch(2, 1, 0.4, 0.6, 1)], of_area(40)) == 2


def test_small_steps_down_do_not_add_up():
    # Each within one standard error (0.023) of the one before, the last far below the highest.
    figures, losses = (0.90, 0.88, 0.86, 0.84, 0.815), (0.50, 0.49, 0.48, 0.47, 0.46)
    history = [
        Epoch(number, 1, figure, loss, 1)
        for number, (figure, loss) in enumerate(zip(figures, losses, strict=True), start=1)
    ]
    assert best_epoch(history, of_area(200)) == 2
