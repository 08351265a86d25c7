"""Two processes never work in one folder at the same time."""

import pytest

from medclf.errors import StudyMisuse
from medclf.study.alone import alone


def test_second_is_refused_while_the_first_works(tmp_path):
    with (
        alone(tmp_path, doing="training", study=tmp_path),
        pytest.raises(StudyMisuse, match="Another training"),
        alone(tmp_path, doing="training", study=tmp_path),
    ):
        pytest.fail("both were let in")


def test_hold_ends_with_the_work_even_when_it_fails(tmp_path):
    with pytest.raises(ZeroDivisionError), alone(tmp_path, doing="ingest", study=tmp_path):
        _ = 1 / 0
    with alone(tmp_path, doing="ingest", study=tmp_path):
        pass
