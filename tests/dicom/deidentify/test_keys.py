"""One secret, one answer; another secret, another."""

from hypothesis import given
from hypothesis import strategies as st

from medclf.dicom.create import uid_from
from medclf.dicom.deidentify.keys import Keys, is_registered
from medclf.dicom.instance import parse_instance, patient_key
from medclf.dicom.uid import is_valid_uid

ONE, OTHER = Keys(b"1" * 32), Keys(b"2" * 32)
UIDS = st.from_regex(r"1\.2\.826(\.[1-9][0-9]{0,8}){1,4}", fullmatch=True)


@given(UIDS, UIDS)
def test_uids_are_valid_keyed_and_as_distinct_as_before(first, second):
    assert is_valid_uid(ONE.uid(first))
    assert ONE.uid(first) == ONE.uid(first) != OTHER.uid(first)
    assert (ONE.uid(first) == ONE.uid(second)) == (first == second)


def test_registered_uids_stay():
    for uid in ("1.2.840.10008.5.1.4.1.1.1", "1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2"):
        assert is_registered(uid)
        assert ONE.uid(uid) == uid
    for uid in ("1.2.840.10008.19570312", "1.2.840.10008.5.1.4.1.1.19570312", "1.2.840.10009"):
        assert not is_registered(uid)


def test_the_pseudonym_is_that_of_a_manifest(write_dicom, tmp_path):
    path = write_dicom(tmp_path / "a.dcm", PatientID="4711", IssuerOfPatientID="North")
    expected = patient_key(parse_instance(path.read_bytes()), secret=ONE.secret)
    assert ONE.patient("4711", "North") == expected != ONE.patient("4711")


@given(st.text(max_size=40))
def test_dates_move_back_between_one_and_ten_years(pseudonym):
    assert -3650 <= ONE.shift_days(pseudonym) <= -365


def test_answers_for_different_uses_have_nothing_in_common():
    text = uid_from("a")
    told = {ONE.stranger(text)[:16], ONE.identifier(text), ONE.name(text), ONE.patient(text)[:16]}
    assert len(told) == 4


def test_the_secret_is_not_shown():
    assert "1111" not in repr(ONE)
