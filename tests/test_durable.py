import os
import stat

import pytest

from medclf.durable import new_folder, write_bytes, write_once


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "deep" / "file"
    write_bytes(path, b"old")
    write_bytes(path, b"new", mode=0o600)
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["file"]


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_bytes(path, b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_folder_appears_only_when_it_is_complete(tmp_path):
    place = tmp_path / "package"
    with new_folder(place) as part:
        (part / "a").write_bytes(b"1")
        assert not place.exists()
    assert (place / "a").read_bytes() == b"1"


def interrupted(place):
    with new_folder(place) as part:
        (part / "a").write_bytes(b"new")
        raise KeyboardInterrupt


def test_a_failure_inside_leaves_the_old_folder_and_nothing_else(tmp_path):
    place = tmp_path / "package"
    with new_folder(place) as part:
        (part / "a").write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt):
        interrupted(place)
    assert (place / "a").read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["package"]


def test_an_existing_folder_is_replaced_whole(tmp_path):
    place = tmp_path / "package"
    for content in (b"old", b"new"):
        with new_folder(place) as part:
            (part / content.decode()).write_bytes(content)
    assert [p.name for p in place.iterdir()] == ["new"]
    assert [p.name for p in tmp_path.iterdir()] == ["package"]


def test_of_two_writers_at_once_one_is_first_for_both(tmp_path):
    path = tmp_path / "key"

    def meanwhile() -> bytes:  # another process is done before this one
        write_once(path, lambda: b"first", mode=0o600)
        return b"second"

    write_once(path, meanwhile, mode=0o600)
    assert path.read_bytes() == b"first"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [found.name for found in tmp_path.iterdir()] == ["key"]
