"""Nothing of the hostile set kills, exhausts or misleads medclf.

The set is thrown by `run.py` in a process of its own, whose death would be seen here. The whole
set, with 10,000 flips, is that program without options.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hostile.make import made_up, small_files

from medclf.dicom.instance import parse_instance
from medclf.errors import InstanceRefused

RUN = Path(__file__).parent / "run.py"
FAMILIES = {
    "paths", "nesting", "lengths", "bombs", "sizes", "preambles", "UIDs", "tables", "formats",
    "truncation", "byte flips",
}  # fmt: skip


@pytest.mark.slow
def test_the_hostile_set_is_refused_with_codes_and_the_next_file_is_served(tmp_path):
    figures = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, RUN, "--flips", "1000", "--cut", "3", "--json", figures],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    found = json.loads(figures.read_text())
    assert found["wrong"] == []
    assert set(found["families"]) == FAMILIES
    assert found["child_bytes"] <= 1 << 30
    assert sum(found["families"]["byte flips"]["outcomes"].values()) == 1000


def test_what_is_refused_unread_is_refused_for_the_right_reason():
    # Bombs and sizes are for the whole run: they take seconds, or a child.
    chosen = [h for h in made_up() if h.reasons and h.family not in ("bombs", "sizes")]
    outcomes = [(hostile, _reason_of(hostile.data)) for hostile in chosen]
    unread = [(hostile, reason) for hostile, reason in outcomes if reason is not None]
    assert [found for found in unread if found[1] not in found[0].reasons] == []
    assert len(unread) > 100


def _reason_of(data):
    try:
        parse_instance(data)
    except InstanceRefused as refusal:
        return refusal.reason
    return None  # for its decoder to refuse


def test_the_sound_files_beside_the_hostile_ones_are_sound():
    sound = [data for name, data in small_files() if name.startswith("sound")]
    assert [parse_instance(data).acquisition.rows for data in sound] == [4, 4, 4, 4]
