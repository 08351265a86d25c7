import math

from medclf.cli.comparison import show_comparison
from medclf.evaluate.compare import Difference
from medclf.evaluate.evaluation import Estimate
from medclf.evaluate.readers import Compared
from medclf.study.baselines import Comparison


def comparison():
    network = Estimate(0.91, 0.85, 0.95, "DeLong 95 %", 120)
    weak = Estimate(0.7, 0.61, 0.78, "DeLong 95 %", 120)
    ahead = Difference(0.21, 0.12, 0.3, 1e-5, "paired DeLong, 95 %", 120)
    close = Difference(-0.01, -0.05, 0.03, math.nan, "joined", 120)
    return Comparison(
        "calibrate",
        120,
        (
            Compared("network", "auc", "", network, None),
            Compared("trivial", "auc", "", weak, ahead),
            Compared("svm", "auc", "", network, close),
            Compared("svm", "auc", "one label", network, close),
        ),
    )


def test_each_reader_has_a_line_with_figure_lead_and_p(capsys):
    show_comparison(comparison())
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0][-6:] == ["120", "cases", "(calibrate", "part),", "paired", "tests"]
    assert ["network", "0.910", "(0.850", "to", "0.950)"] in lines
    trivial = next(line for line in lines if line[:2] == ["intensity", "statistics"])
    assert trivial[-6:] == ["+0.210", "(+0.120", "to", "+0.300)", "<", "0.001"]
    assert lines[-1][-1] == "–"
    assert len(lines) == 5


def test_the_table_fits_a_terminal_of_eighty_columns(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    show_comparison(comparison())
    assert all(len(line.rstrip()) <= 80 for line in capsys.readouterr().out.splitlines())


def test_what_was_not_compared_says_why(capsys):
    show_comparison(Comparison("calibrate", 0, note="No baseline was fitted."))
    assert capsys.readouterr().out == "No baseline was fitted.\n"
