"""The wording of figures and verdicts."""

import math
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from medclf.evaluate.evaluation import Outcome
from medclf.report.words import headline, three


@given(st.floats(-1, 1))
def test_a_figure_never_shows_more_than_three_decimals(value):
    text = three(value).replace("−", "-")
    assert len(text.split(".")[1]) == 3
    assert math.isclose(float(text), value, abs_tol=0.00051)


def test_headline_counts_every_verdict(binary):
    met, failed = binary.verdicts
    unsure = replace(met, verdict=Outcome.INCONCLUSIVE)
    assert headline((met,)) == ("The endpoint was met", "met")
    assert headline((met, met)) == ("All 2 endpoints were met", "met")
    assert headline((unsure,)) == ("The endpoint is inconclusive", "inconclusive")
    assert headline((met, unsure)) == ("2 endpoints: 1 met, 1 inconclusive", "inconclusive")
    assert headline((met, failed, unsure)) == (
        "3 endpoints: 1 met, 1 not met, 1 inconclusive",
        "not met",
    )


def test_headline_without_endpoints_claims_nothing():
    assert headline(())[1] == ""
