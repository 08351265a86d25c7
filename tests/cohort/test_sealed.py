from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from medclf.cohort.sealed import digest_of, seal, unseal
from medclf.errors import LabelsRefused, ManifestTampered

TABLE = pa.table({"name": ["a", "b", "c"], "value": [1.5, None, 3.0]})
FACTS = {"format": "test/1", "rows": 3}
FILES = {"beside.csv": b"x,y\n1,2\n"}
NAMES = ("t.parquet", "t.rows", "t.json", "beside.csv")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    seal(tmp_path, "t", table=TABLE, facts=FACTS, files=FILES)
    return tmp_path


def read(folder: Path):
    return unseal(folder, "t", file_format="test/1", missing_advice="Make it.")


def test_what_was_sealed_comes_back(folder: Path) -> None:
    sealed = read(folder)
    assert sealed.table.equals(TABLE)
    assert (sealed.facts, sealed.files) == (FACTS, FILES)
    assert sealed.digest == digest_of(TABLE, FACTS, FILES)


def test_the_same_content_gives_the_same_bytes(folder: Path, tmp_path_factory) -> None:
    other = tmp_path_factory.mktemp("other")
    seal(other, "t", table=TABLE, facts=FACTS, files=FILES)
    assert all((folder / name).read_bytes() == (other / name).read_bytes() for name in NAMES)
    assert sorted(path.name for path in folder.iterdir()) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_any_changed_byte_is_refused_and_its_file_named(folder: Path, name: str) -> None:
    whole = (folder / name).read_bytes()
    step = max(1, len(whole) // 60)
    for place in [*range(0, len(whole), step), len(whole) - 1]:
        changed = bytearray(whole)
        changed[place] ^= 1
        (folder / name).write_bytes(changed)
        with pytest.raises(ManifestTampered) as caught:
            read(folder)
        assert name in str(caught.value)
        assert caught.value.exit_code == 4
    (folder / name).write_bytes(whole)
    read(folder)


@pytest.mark.parametrize("name", NAMES)
def test_a_shortened_or_missing_file_is_refused(folder: Path, name: str) -> None:
    path = folder / name
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ManifestTampered):
        read(folder)
    path.unlink()
    with pytest.raises((ManifestTampered, LabelsRefused)):
        read(folder)


def test_a_row_changed_by_a_parquet_tool_is_named(folder: Path) -> None:
    forged = TABLE.set_column(0, "name", pa.array(["a", "forged", "c"]))
    pq.write_table(forged, folder / "t.parquet")
    with pytest.raises(ManifestTampered, match=r"t\.parquet, row 2,") as caught:
        read(folder)
    assert caught.value.facts["row"] == 2


def test_a_removed_row_is_named(folder: Path) -> None:
    pq.write_table(TABLE.slice(0, 2), folder / "t.parquet")
    with pytest.raises(ManifestTampered, match="row 3"):
        read(folder)


def test_a_missing_table_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(LabelsRefused, match="Make it"):
        read(tmp_path)


def test_another_format_is_refused(folder: Path) -> None:
    with pytest.raises(LabelsRefused, match="'test/1'"):
        unseal(folder, "t", file_format="test/2", missing_advice="")


def test_a_failed_write_leaves_the_old_table_whole(folder: Path) -> None:
    with pytest.raises(OSError, match="too long"):
        seal(folder, "t", table=TABLE.slice(0, 1), facts=FACTS, files={"x" * 300: b""})
    assert read(folder).table.num_rows == 3
    assert not list(folder.glob(".*"))


def test_how_the_columns_are_cut_into_pieces_does_not_show(folder: Path, tmp_path_factory) -> None:
    other = tmp_path_factory.mktemp("other")
    pieces = pa.concat_tables([TABLE.slice(0, 1), TABLE.slice(1, 2)])
    seal(other, "t", table=pieces, facts=FACTS, files=FILES)
    assert all((folder / name).read_bytes() == (other / name).read_bytes() for name in NAMES)


def test_a_table_without_rows_survives(tmp_path: Path) -> None:
    seal(tmp_path, "t", table=TABLE.slice(0, 0), facts=FACTS, files={})
    assert read(tmp_path).table.num_rows == 0
