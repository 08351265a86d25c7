import json
from datetime import UTC, datetime

import pytest

from medclf.demonstration.story import tell
from medclf.errors import StudyMisuse
from medclf.opinion import Status


def clock():
    return datetime.now(UTC)


@pytest.mark.slow
def test_the_story_ends_with_all_that_it_promises(tmp_path):
    out = tmp_path / "demo"
    told = tell(out, clock=clock, actor="tester", count=200, progress=lambda *_: None)
    assert told.report == out / "report.html"
    assert "made up" in told.report.read_text()
    assert told.structured_report.stat().st_size > 1000
    assert {opinion.status for opinion in told.opinions} <= {Status.OK, Status.ABSTAINED}
    assert dict(told.facts)["without a server"] == "the same numbers"
    assert json.loads((out / "summary.json").read_text())["package"] == told.package.digest


def test_a_folder_with_other_things_in_it_is_not_cleared(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(StudyMisuse, match="not empty"):
        tell(tmp_path, clock=clock, actor="tester", count=200, progress=lambda *_: None)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
