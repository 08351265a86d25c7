import re

import pytest

from medclf.report.figures.learning import learning


@pytest.mark.parametrize("epochs", [1, 2, 7, 200])
def test_every_epoch_is_a_point_of_three_lines_inside_the_drawing(epochs):
    falling = [1 / (epoch + 1) for epoch in range(epochs)]
    drawn = learning(falling, falling, [1 - loss / 2 for loss in falling], kept=1, label="l")
    lines = re.findall(r'<path d="([^"]+)" class="curve tone-\d dash-\d"', drawn)
    curves = [line for line in lines if line.count("L") == epochs - 1]
    assert len(curves) >= 3
    assert all(0 <= float(n) <= 380 for line in curves for n in re.findall(r"[\d.]+", line))


@pytest.mark.parametrize("top", [1e-5, 0.03, 0.7, 1.0, 12.0])
def test_the_axis_of_the_loss_fits_what_was_lost(top):
    drawn = learning([top, top / 2], [top, top / 3], [0.6, 0.7], kept=2, label="l")
    assert "NaN" not in drawn
    assert f"{0:g}" in re.findall(r'class="tick end">([^<]+)<', drawn)


def test_an_auc_below_chance_stays_on_the_axis():
    drawn = learning([1.0, 1.0], [1.0, 1.0], [0.3, 0.2], kept=1, label="l")
    assert ">0<" in drawn


def test_train_and_tune_differ_without_colour():
    drawn = learning([1.0, 0.5], [1.0, 0.7], [0.6, 0.7], kept=2, label="l")
    assert "curve tone-0 dash-0" in drawn
    assert "curve tone-1 dash-1" in drawn
