import os
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from medclf.cohort.shard import index_of
from medclf.cohort.store import PictureStore, shards_in
from medclf.errors import StudyMisuse
from medclf.study.cache import prune
from medclf.study.home import Home

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Two ways of preparing, one picture each, last used 10 and 40 days ago."""
    home = Home(folder=tmp_path / "home", actor="tester", clock=lambda: NOW)
    for days in (10, 40):
        store = PictureStore(home.cache_folder, {"shape": [8, 8], "dtype": "uint8", "days": days})
        with store.writer(make_room=lambda: None) as write:
            write(b"a" * 32, np.zeros((8, 8), np.uint8))
        used = NOW.timestamp() - days * 86400
        os.utime(index_of(shards_in(store.folder)[0]), (used, used))
    return home


def test_age_is_counted_by_the_clock_of_the_home(home: Home) -> None:
    assert len(prune(home, older_than_days=50).gone) == 0
    assert len(prune(home, older_than_days=30).gone) == 1
    assert len(prune(home, older_than_days=5).gone) == 2


def test_rules_add_up(home: Home) -> None:
    (old,) = prune(home, older_than_days=30).gone
    name = old.path.parent.name
    assert len(prune(home, older_than_days=5, transforms=[name]).gone) == 1
    assert len(prune(home, older_than_days=5, to_bytes="150").gone) == 1
    assert len(prune(home, older_than_days=30, to_bytes="0").gone) == 1
    assert len(prune(home, everything=True).gone) == 2


def test_without_a_rule_nothing_goes(home: Home) -> None:
    with pytest.raises(StudyMisuse, match="Nothing says"):
        prune(home, really=True)


def test_the_cache_lies_in_the_home_unless_another_place_is_named(tmp_path: Path) -> None:
    here = Home(folder=tmp_path, actor="tester", clock=lambda: NOW)
    there = Home(folder=tmp_path, actor="tester", clock=lambda: NOW, cache=Path("/elsewhere"))
    assert here.cache_folder == tmp_path / "cache"
    assert there.cache_folder == Path("/elsewhere")
