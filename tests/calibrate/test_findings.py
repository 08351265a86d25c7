import numpy as np
import pytest
from scipy.special import expit

from medclf.calibrate.findings import (
    finding_probabilities,
    fit_finding_temperature,
    require_told,
)
from medclf.errors import CalibrationRefused


def test_the_temperature_that_overconfident_scores_were_made_with_is_found():
    generator = np.random.default_rng(0)
    honest = generator.normal(size=20_000)
    present = generator.random(len(honest)) < expit(honest)
    assert fit_finding_temperature(3 * honest, present).value == pytest.approx(3, abs=0.15)


def test_each_finding_has_its_own_temperature_and_no_share_in_the_others():
    scores = np.array([[2.0, 2.0], [2.0, -9.0]])
    found = finding_probabilities(scores, [1.0, 4.0])
    assert found[:, 0].tolist() == [expit(2.0)] * 2
    assert found[0, 1] == expit(0.5)


def test_findings_with_too_few_told_cases_are_all_named_with_their_counts():
    truth = np.array([[1, 1, 1]] * 5 + [[0, 0, -1]] * 4 + [[0, -1, -1]] * 3)
    require_told(truth[:, :1], ("edema",))
    with pytest.raises(CalibrationRefused) as caught:
        require_told(truth, ("edema", "mass", "hernia"))
    message = caught.value.message
    assert "mass (present 5, absent 4), hernia (present 5, absent 0)" in message
    assert "edema" not in message
    assert caught.value.advice
