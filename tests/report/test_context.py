"""Facts that contradict themselves are refused when they are gathered."""

from dataclasses import replace
from datetime import datetime

import pytest

from medclf.errors import ReportMisuse


def test_a_row_needs_one_value_for_each_part(binary, context_for):
    with pytest.raises(ReportMisuse, match="2 parts"):
        replace(context_for(binary).data, rows={"Images": ("1",)})


def test_the_time_must_know_its_zone(binary, context_for):
    with pytest.raises(ReportMisuse, match="time zone"):
        context_for(binary, generated_at=datetime(2026, 1, 1))
