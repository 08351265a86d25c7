from pathlib import Path

import pytest

from medclf.cohort.paths import PathFinder, plain_path, relative_to


@pytest.fixture
def base(tmp_path: Path) -> Path:
    for name in ("set/a.png", "set/sub/b.png", "set/images/c.png", r"set/d\e.png", "set/d/e.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path / "set"


def test_a_plain_path_is_taken_as_it_stands_even_when_it_is_missing(base: Path) -> None:
    assert PathFinder(base).find("none/../a.png") == str(base / "a.png")
    assert PathFinder(base).find("gone.png") == str(base / "gone.png")
    assert PathFinder(base).find("/far/x.png") == "/far/x.png"


def test_backslashes_mean_folders_only_where_no_such_name_exists(base: Path) -> None:
    assert PathFinder(base).find(r"sub\b.png") == str(base / "sub" / "b.png")
    assert PathFinder(base).find(r"d\e.png") == str(base / r"d\e.png")
    assert PathFinder(base).find(r"no\f.png") == str(base / r"no\f.png")


def test_an_id_becomes_a_file_in_the_folder_of_images(base: Path) -> None:
    finder = PathFinder(base, base / "images", ".png")
    assert finder.find("c") == finder.find("c.PNG".lower()) == str(base / "images" / "c.png")
    assert finder.find("a") == str(base / "a.png")
    assert finder.find("gone") == str(base / "gone.png")


def test_a_path_from_the_folder_above_is_understood(base: Path) -> None:
    assert PathFinder(base).find("set/sub/b.png") == str(base / "sub" / "b.png")


def test_paths_are_plain_and_seen_from_the_base() -> None:
    assert plain_path(Path("/a/./b/../c")) == Path("/a/c")
    assert relative_to("/a/b/c.png", Path("/a")) == "b/c.png"
    assert relative_to("/ab/c.png", Path("/a")) == "/ab/c.png"
