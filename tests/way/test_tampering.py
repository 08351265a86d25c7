"""One changed byte anywhere that matters is refused, and the place is named."""

import json
import re
import shutil
import sqlite3

import pytest


@pytest.fixture
def place(walked, tmp_path):
    """A copy of everything, free to be damaged."""
    return shutil.copytree(walked.folder, tmp_path / "place")


def flip(path, offset: int) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)


def test_a_changed_audit_record_is_named_by_its_number(place, medclf):
    database = place / "home" / "audit" / "trail.db"
    connection = sqlite3.connect(database)
    for trigger in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
        connection.execute(f"DROP TRIGGER {trigger[0]}")
    body = connection.execute("SELECT body FROM events WHERE sequence = 3").fetchone()[0]
    changed = body.replace("package.packed", "package.backed")
    connection.execute("UPDATE events SET body = ? WHERE sequence = 3", (changed,))
    connection.commit()
    connection.close()
    code, _, err = medclf("audit", "verify", "--home", place / "home")
    assert code == 4
    assert re.search(r"\b3\b", err)


def test_a_flipped_byte_in_the_audit_database_is_found(place, medclf):
    database = place / "home" / "audit" / "trail.db"
    sqlite3.connect(database).execute("PRAGMA wal_checkpoint(TRUNCATE)").connection.close()
    flip(database, database.read_bytes().index(b"study.ingested"))
    code, _, err = medclf("audit", "verify", "--home", place / "home")
    assert code == 4
    assert re.search(r"\b1\b", err)


@pytest.mark.parametrize(
    "name", ["weights.safetensors", "model.json", "novelty.safetensors", "data.json"]
)
def test_a_changed_package_file_is_named(place, walked, medclf, name):
    package = place / "packages" / walked.package.name
    if not package.exists():
        package = place / walked.package.relative_to(walked.folder)
    flip(package / name, (package / name).stat().st_size // 2)
    code, out, err = medclf("read", package, walked.images()[0], "--home", place / "home")
    assert (code, out) == (4, "")
    assert name in err


def test_a_package_with_a_file_too_many_is_refused(place, walked, medclf):
    package = place / walked.package.relative_to(walked.folder)
    (package / "extra.json").write_text("{}")
    code, _, err = medclf("read", package, walked.images()[0], "--home", place / "home")
    assert code == 4
    assert "extra.json" in err


@pytest.mark.parametrize("name", ["manifest.parquet", "manifest.json", "manifest.rows"])
def test_a_changed_manifest_is_named(place, medclf, name):
    path = place / "study" / name
    flip(path, path.stat().st_size // 2)
    code, _, err = medclf("train", place / "study.yaml", "--home", place / "home")
    assert code == 4
    assert "manifest" in err


def test_an_image_that_changed_after_ingest_is_refused(place, medclf):
    shutil.rmtree(place / "home" / "cache")
    location = place / "study" / "location.json"
    location.write_text(json.dumps({"base": str(place / "dicom")}))
    image = next(iter(sorted((place / "dicom").glob("*/*.dcm"))))
    flip(image, image.stat().st_size - 100)
    code, _, err = medclf("train", place / "study.yaml", "--home", place / "home")
    assert code == 4
    assert "row 1" in err


def test_a_changed_release_record_is_refused(place, walked, medclf):
    package = place / walked.package.relative_to(walked.folder)
    assert medclf("release", package, "--home", place / "home")[0] == 0
    record = next((place / "home" / "releases").glob("*.json"))
    record.write_text(record.read_text().replace("released", "relea5ed").replace("actor", "actro"))
    code, _, err = medclf("read", package, walked.images()[0], "--home", place / "home")
    assert code == 4
    assert "release" in err.lower()


def test_a_labels_table_that_changed_after_ingest_stops_the_training(place, medclf):
    table = place / "dicom" / "labels.csv"
    text = table.read_text()
    table.write_text(text.replace(",opacity,", ",no_opacity,", 1))
    code, _, err = medclf("train", place / "study.yaml", "--home", place / "home", "--json")
    assert code == 2
    assert "has changed since it was ingested" in err
    assert json.loads((place / "study" / "manifest.json").read_text())
