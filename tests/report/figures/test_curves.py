"""Curves stay light, keep their ends and differ in greyscale."""

import re

from medclf.report.figures.curves import Curve, legend, precision_recall, roc, thin


def line(label: str, count: int = 3) -> Curve:
    steps = [index / (count - 1) for index in range(count)]
    return Curve(label, steps, steps, point=(0.1, 0.8))


def test_a_long_curve_is_thinned_but_keeps_its_ends():
    short = thin(line("a", 50_000))
    assert len(short.xs) <= 602
    assert (short.xs[0], short.xs[-1]) == (0.0, 1.0)
    assert thin(line("a", 600)).xs == line("a", 600).xs


def test_four_lines_differ_by_dash_and_by_mark():
    svg = roc([line(name) for name in "abcd"], label="four")
    assert set(re.findall(r"dash-\d", svg)) == {"dash-0", "dash-1", "dash-2", "dash-3"}
    assert svg.count("<circle") == 1
    assert svg.count("<polygon") == 2


def test_legend_escapes_labels():
    assert "a &lt; b" in legend(["a < b"])


def test_chance_of_precision_is_drawn_only_for_one_class():
    assert "prevalence 0.300" in precision_recall([line("a")], prevalence=0.3, label="one")
    assert "prevalence" not in precision_recall([line("a")], prevalence=None, label="several")
