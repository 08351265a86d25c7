import pytest
import torch

from medclf.model.checkpoint import load_checkpoint, save_checkpoint

STATE = {"weights": {"a": torch.arange(5000).float()}, "history": [{"loss": 0.5, "number": 1}]}


def test_a_state_comes_back_as_it_was(tmp_path):
    save_checkpoint(tmp_path / "c.pt", "run", STATE)
    found = load_checkpoint(tmp_path / "c.pt", "run")
    assert torch.equal(found["weights"]["a"], STATE["weights"]["a"])
    assert found["history"] == STATE["history"]


def test_another_run_finds_none(tmp_path):
    save_checkpoint(tmp_path / "c.pt", "run", STATE)
    assert load_checkpoint(tmp_path / "c.pt", "other") is None
    assert load_checkpoint(tmp_path / "absent.pt", "run") is None


@pytest.mark.parametrize("place", [0, 40, 10_000, -1])
def test_one_changed_byte_anywhere_is_seen(tmp_path, place):
    save_checkpoint(tmp_path / "c.pt", "run", STATE)
    content = bytearray((tmp_path / "c.pt").read_bytes())
    content[place] ^= 1
    (tmp_path / "c.pt").write_bytes(content)
    assert load_checkpoint(tmp_path / "c.pt", "run") is None


@pytest.mark.parametrize("length", [0, 10, 32, 5000])
def test_a_file_cut_short_counts_as_none(tmp_path, length):
    save_checkpoint(tmp_path / "c.pt", "run", STATE)
    content = (tmp_path / "c.pt").read_bytes()
    (tmp_path / "c.pt").write_bytes(content[:length])
    assert load_checkpoint(tmp_path / "c.pt", "run") is None


def test_what_a_killed_run_left_half_written_is_cleared_away(tmp_path):
    save_checkpoint(tmp_path / "c.pt", "run", STATE)
    (tmp_path / ".c.pt.x1.part").write_bytes(b"half")
    (tmp_path / ".d.pt.x1.part").write_bytes(b"another run's")
    assert load_checkpoint(tmp_path / "c.pt", "run") is not None
    assert [path.name for path in tmp_path.glob(".*.part")] == [".d.pt.x1.part"]
