"""The command says what it did, and names nobody."""

import json

import pytest


@pytest.fixture
def films(write_dicom, tmp_path):
    for number in range(3):
        write_dicom(tmp_path / "Smith-John" / f"{number}.dcm", number, PatientID=f"P{number // 2}")
    (tmp_path / "Smith-John" / "letter.txt").write_text("Dear Mr Smith")
    return tmp_path / "Smith-John"


@pytest.fixture
def where(tmp_path):
    return (
        *("--out", tmp_path / "out"),
        *("--table", tmp_path / "key.csv"),
        *("--home", tmp_path / "home"),
    )


def test_counts_for_a_machine(medclf, films, where, tmp_path):
    code, out, err = medclf("deidentify", films, *where, "--json")
    assert code == 0
    told = json.loads(out)
    assert told["folder"] == str(tmp_path / "out")
    assert (told["written"], told["patients"], told["duplicates"]) == (3, 2, 0)
    assert told["refused"] == {"format_unknown": 1}
    assert "Smith" not in out + err


def test_words_for_a_person(medclf, films, where, tmp_path):
    code, out, err = medclf("deidentify", films, *where, "--modify-dates", "--clean-descriptors")
    assert code == 0
    assert f"wrote 3 objects of 2 patients to {tmp_path / 'out'}" in out
    assert "refused 1: format_unknown" in out
    assert "key.csv" in out
    assert "Smith" not in out + err
    told = json.loads((tmp_path / "out" / "deidentification.json").read_text())
    assert told["methods"] == ["113100", "113105", "113107"]


def test_a_wrong_call_is_2_and_a_folder_of_letters_3(medclf, films, where, tmp_path):
    code, _, err = medclf("deidentify", films / "Smith", *where)
    assert (code, "Smith" in err) == (2, False)
    code, _, err = medclf("deidentify", films / "letter.txt", *where)
    assert (code, "Smith" in err) == (3, False)
