"""What a long step tells of the time it will still take."""

import re

from medclf.cli import door


def test_a_stage_that_begins_anew_is_timed_anew(capsys, monkeypatch):
    clock = iter([0.0, 100.0, 200.0, 1000.0, 1040.0, 1080.0])
    monkeypatch.setattr(door.time, "monotonic", lambda: next(clock))
    with door.shown_progress() as show:
        for done in (0, 5, 10):
            show("fine-tune", done, 10, "fold 1/2")
        for done in (0, 1, 2):
            show("fine-tune", done, 10, "fold 2/2")
    lines = capsys.readouterr().err.splitlines()
    left = [re.search(r"\((.*) left\)", line) for line in lines]
    assert [found and found[1] for found in left] == [None, "2 min", None, None, "6 min", "6 min"]
