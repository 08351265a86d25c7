import json
import shutil

import numpy as np
import pytest

from medclf.cohort.store import shards_in


@pytest.fixture
def home(walked, tmp_path):
    """The home of a study that was trained, free to be changed."""
    return shutil.copytree(walked.home, tmp_path / "home")


def test_the_list_tells_people_and_machines_the_same(home, medclf):
    code, out, _ = medclf("cache", "list", "--home", home)
    assert code == 0
    code, line, _ = medclf("cache", "list", "--home", home, "--json")
    assert code == 0
    (held,) = map(json.loads, line.splitlines())
    assert held["transform"][:12] in out
    assert f"{held['pictures']:,}" in out
    assert held["facts"]["preprocessing"]["kind"] == "xray"
    assert held["damaged"] is None
    assert held["bytes"] == sum(
        file.stat().st_size
        for file in (home / "cache" / held["transform"]).iterdir()
        if file.suffix in {".rows", ".index"}
    )


def test_verifying_tells_damaged_pictures(home, medclf):
    folder = next((home / "cache").iterdir())
    assert (
        json.loads(medclf("cache", "list", "--verify", "--json", "--home", home)[1])["damaged"] == 0
    )
    np.memmap(shards_in(folder)[0], np.uint8, "r+")[100] ^= 1
    code, out, _ = medclf("cache", "list", "--verify", "--home", home)
    assert code == 0
    assert "damaged" in out
    assert "made again" in out


def test_pruning_deletes_only_when_told_so(home, medclf):
    before = sorted((home / "cache").rglob("*"))
    code, out, _ = medclf("cache", "prune", "--all", "--home", home)
    assert code == 0
    assert "would delete" in out
    assert "--yes" in out
    assert sorted((home / "cache").rglob("*")) == before
    code, line, _ = medclf("cache", "prune", "--all", "--yes", "--home", home, "--json")
    told = json.loads(line)
    assert told["deleted"] is True
    assert told["pictures"] > 0
    assert told["left"] == 0
    assert not list((home / "cache").iterdir())
    code, out, _ = medclf("cache", "list", "--home", home)
    assert (code, out) == (0, "the cache is empty.\n")


@pytest.mark.parametrize(
    "rule", [("--older-than", 1), ("--to-bytes", "1GB"), ("--transform", "no-such")]
)
def test_rules_that_spare_everything_delete_nothing(home, medclf, rule):
    code, line, _ = medclf("cache", "prune", *rule, "--yes", "--json", "--home", home)
    assert code == 0
    assert json.loads(line)["pictures"] == 0


def test_a_prune_without_a_rule_or_with_a_wrong_one_is_a_wrong_call(home, medclf):
    code, _, err = medclf("cache", "prune", "--yes", "--home", home)
    assert code == 2
    assert "--all" in err
    code, _, err = medclf("cache", "prune", "--to-bytes", "much", "--home", home)
    assert code == 2
    assert "not a number of bytes" in err


def test_the_environment_may_place_and_bound_the_cache(walked, tmp_path, medclf, monkeypatch):
    monkeypatch.setenv("MEDCLF_CACHE", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("MEDCLF_CACHE_BYTES", "1kB")
    place = shutil.copytree(walked.folder, tmp_path / "place")
    code, _, err = medclf("train", place / "study.yaml", "--home", place / "home")
    assert code == 5
    assert "may hold 1.0 kB" in err
    assert "MEDCLF_CACHE_BYTES" in err
    monkeypatch.setenv("MEDCLF_CACHE_BYTES", "much")
    code, _, err = medclf("train", place / "study.yaml", "--home", place / "home")
    assert code == 2
    assert "MEDCLF_CACHE_BYTES" in err
