import numpy as np
import pytest

from medclf.model.doubt import doubt_correction
from medclf.model.part import UNKNOWN


def test_counting_doubt_as_present_is_taken_back():
    sure = np.array([[1]] * 10 + [[0]] * 40 + [[UNKNOWN]] * 30)
    ruled = np.where(sure == UNKNOWN, 1, sure)
    learned = np.log(40 / 40)
    assert learned + doubt_correction(sure, ruled)[0] == pytest.approx(np.log(10 / 40))


def test_leaving_doubt_out_takes_nothing_back():
    sure = np.array([[1, 0], [0, UNKNOWN], [UNKNOWN, 1]])
    assert doubt_correction(sure, sure).tolist() == [0.0, 0.0]
