"""A dummy is valid for its VR and the same for everybody, but for UIDs."""

from medclf.dicom.deidentify.dates import is_time, shifted_date, shifted_datetime
from medclf.dicom.deidentify.dummy import dummy_for
from medclf.dicom.deidentify.keys import Keys
from medclf.dicom.uid import is_valid_uid

KEYS = Keys(b"k" * 32)


def dummy(vr: str, old: str = "Smith") -> str:
    return dummy_for(tag=0x00181030, vr=vr, keys=KEYS, old=old).decode()


def test_dummies_are_valid():
    assert shifted_date(dummy("DA"), 0)
    assert shifted_datetime(dummy("DT"), 0)
    assert is_time(dummy("TM"))
    assert is_valid_uid(dummy("UI"))
    assert dummy("PN") == dummy("LO") == "REMOVED"
    assert len(dummy("FD")) == 8


def test_only_uids_differ():
    assert dummy("UI") != dummy("UI", "Jones")
    assert dummy("LO") == dummy("LO", "Jones")
