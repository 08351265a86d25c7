import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medclf.cohort.labels import read_labels
from medclf.demonstration.phantoms import COMMENT
from medclf.demonstration.pictures import write_pictures
from medclf.errors import StudyMisuse


def write(folder: Path, count: int = 6) -> Path:
    generator = np.random.default_rng(7)
    return write_pictures(folder, count=count, generator=generator, progress=lambda *_: None)


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Path:
    return write(tmp_path_factory.mktemp("made") / "films")


def test_the_table_names_every_picture_in_the_folder_of_its_label(table):
    rows = list(csv.DictReader(table.open()))
    assert {row["path"] for row in rows} == {
        str(path.relative_to(table.parent)) for path in table.parent.glob("*/*.png")
    }
    assert all(row["path"].startswith(row["label"] + "/") for row in rows)
    assert all(row["patient_id"] in row["path"] for row in rows)
    assert len(read_labels(table).rows) == 6


def test_pictures_are_grey_show_something_and_say_that_nobody_is_on_them(table):
    for path in table.parent.glob("*/*.png"):
        with Image.open(path) as picture:
            assert picture.mode == "L"
            assert picture.info["Comment"] == COMMENT
            assert np.asarray(picture).std() > 20


def test_the_same_seed_gives_the_same_films(table, tmp_path):
    again = write(tmp_path / "again")
    assert again.read_bytes() == table.read_bytes()
    path = next(table.parent.glob("*/*.png")).relative_to(table.parent)
    assert (again.parent / path).read_bytes() == (table.parent / path).read_bytes()


def test_an_earlier_folder_is_replaced_and_a_strangers_is_not(tmp_path):
    write(tmp_path / "films", count=3)
    write(tmp_path / "films", count=2)
    assert len(list((tmp_path / "films").glob("*/*.png"))) == 2
    (tmp_path / "films" / "opacity").mkdir(exist_ok=True)
    (tmp_path / "films" / "opacity" / "mine.png").write_bytes(b"mine")
    with pytest.raises(StudyMisuse, match="other things"):
        write(tmp_path / "films", count=2)
    assert (tmp_path / "films" / "opacity" / "mine.png").read_bytes() == b"mine"


@pytest.mark.parametrize("count", [0, 10_000])
def test_a_count_out_of_range_is_refused(count, tmp_path):
    with pytest.raises(StudyMisuse, match="1 to 9999"):
        write(tmp_path / "films", count=count)
