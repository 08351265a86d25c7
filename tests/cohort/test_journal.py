from pathlib import Path

import numpy as np
import pytest

from medclf.cohort.case import Case, Refusal
from medclf.cohort.examine import Examined
from medclf.cohort.journal import Journal, Stamp, stamp_of
from medclf.cohort.sources import Files, from_folder
from medclf.reasons import Reason

COUNT = 2500  # two whole segments and a part of one


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    for number in range(COUNT):
        (folder / f"{number:05d}.png").write_bytes(b"x" * (number % 7))
    return folder


def outcome(number: int, path: str) -> Examined:
    if number % 10 == 0:
        return Examined(Refusal(path, Reason.BLANK, f"number {number}"), f"1.{number % 30}")
    return Examined(
        Case(path=path, digest=f"d{number}", picture="p", label="x", findings=(number % 2, -2)),
        f"1.{number}",
    )


def resume(journal: Journal, files: Files, base: Path, secret: bytes = b"s", identity=b"i") -> int:
    return journal.resume(files, base=base, secret=secret, identity=identity)


def note(journal: Journal, folder: Path, start: int, stop: int) -> None:
    for number in range(start, stop):
        path = f"{number:05d}.png"
        journal.add(path, stamp_of(str(folder / path)), outcome(number, path))


def fill(place: Path, folder: Path) -> Files:
    """Write a journal of all files but the last few, as a killed run leaves it."""
    files = from_folder(folder).files
    journal = Journal(place)
    assert resume(journal, files, folder) == 0
    note(journal, folder, 0, COUNT - 10)
    return files


def test_whatever_was_noted_comes_back_in_order(tmp_path: Path, folder: Path) -> None:
    collected = []
    for place in (None, tmp_path / "j"):
        journal = Journal(place)
        resume(journal, from_folder(folder).files, folder)
        note(journal, folder, 0, COUNT)
        collected.append(journal.collect())
    in_memory, on_disk = collected
    assert in_memory.cases.equals(on_disk.cases)
    assert on_disk.cases.column("path").to_pylist() == [
        f"{n:05d}.png" for n in range(COUNT) if n % 10
    ]
    assert on_disk.cases.column("findings")[0].as_py() == [1, -2]
    assert on_disk.cases.column("path").num_chunks <= 2
    assert in_memory.refused == on_disk.refused
    assert on_disk.refused[1] == Refusal("00010.png", Reason.BLANK, "number 10")
    assert len(on_disk.uids) == COUNT


def test_a_killed_run_loses_less_than_a_segment(tmp_path: Path, folder: Path) -> None:
    files = fill(tmp_path / "j", folder)
    journal = Journal(tmp_path / "j")
    assert resume(journal, files, folder) == journal.resumed == 2048
    note(journal, folder, 2048, COUNT)
    whole = Journal()
    resume(whole, files, folder)
    note(whole, folder, 0, COUNT)
    assert journal.collect().cases.equals(whole.collect().cases)


@pytest.mark.parametrize("changed", [{"secret": b"other"}, {"identity": b"other"}])
def test_another_secret_or_configuration_starts_anew(
    tmp_path: Path, folder: Path, changed: dict[str, bytes]
) -> None:
    files = fill(tmp_path / "j", folder)
    assert resume(Journal(tmp_path / "j"), files, folder, **changed) == 0
    assert list((tmp_path / "j").iterdir()) == []


def test_another_purpose_starts_anew(tmp_path: Path, folder: Path) -> None:
    files = fill(tmp_path / "j", folder)
    assert resume(Journal(tmp_path / "j", purpose="another check"), files, folder) == 0


@pytest.mark.parametrize("number", [0, 1023, 1024, 2047])
def test_a_touched_file_is_looked_at_again_and_what_follows_it(
    tmp_path: Path, folder: Path, number: int
) -> None:
    files = fill(tmp_path / "j", folder)
    path = folder / f"{number:05d}.png"
    path.write_bytes(path.read_bytes())  # the same size, another time
    assert resume(Journal(tmp_path / "j"), files, folder) == number // 1024 * 1024


def test_a_file_more_or_less_starts_anew_from_there(tmp_path: Path, folder: Path) -> None:
    files = fill(tmp_path / "j", folder)
    more = Files(files.paths[:1500], files.places[:1500], files.rows)
    assert resume(Journal(tmp_path / "j"), more, folder) == 1024


@pytest.mark.parametrize("place", [0, 40, -1])
def test_a_damaged_or_foreign_segment_is_not_believed(
    tmp_path: Path, folder: Path, place: int
) -> None:
    files = fill(tmp_path / "j", folder)
    segments = sorted((tmp_path / "j").iterdir())
    data = bytearray(segments[1].read_bytes())
    data[place] ^= 1
    segments[1].write_bytes(data)
    assert resume(Journal(tmp_path / "j"), files, folder) == 1024
    segments[0].replace(segments[1])  # whole, and of this key, but in another place
    assert resume(Journal(tmp_path / "j"), files, folder) == 0


def test_large_files_close_a_segment_early(tmp_path: Path, folder: Path) -> None:
    journal = Journal(tmp_path / "j")
    resume(journal, from_folder(folder).files, folder)
    for number in range(4):
        path = f"{number:05d}.png"
        journal.add(path, Stamp(100 << 20, 0, 0), outcome(number, path))
    assert len(list((tmp_path / "j").iterdir())) == 1


def test_the_stamp_of_no_file_is_like_none_of_a_file(tmp_path: Path) -> None:
    assert stamp_of(str(tmp_path / "none")) == Stamp(-1, -1, -1)
    (tmp_path / "a").touch()
    assert stamp_of(str(tmp_path / "a")).size == 0


def test_names_that_are_not_utf8_survive(tmp_path: Path) -> None:
    files = Files(np.array([]), np.array([]), from_folder(Path(__file__).parent).files.rows)
    journal = Journal(tmp_path / "j")
    assert resume(journal, files, tmp_path) == 0
    refused = Examined(Refusal("caf\udce9.png", Reason.MALFORMED, "name"))
    journal.add("caf\udce9.png", Stamp(1, 2, 3), refused)
    assert journal.collect().refused == [refused.outcome]


def test_removing_leaves_nothing(tmp_path: Path, folder: Path) -> None:
    fill(tmp_path / "j", folder)
    Journal(tmp_path / "j").remove()
    assert not (tmp_path / "j").exists()
