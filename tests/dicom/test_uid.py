"""UIDs: the rule of PS3.5 section 9.1, and our own repeatable ones."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medclf.dicom.uid import is_valid_uid, uid_from


@given(st.text())
def test_every_uid_from_a_seed_is_valid_and_repeatable(seed):
    assert is_valid_uid(uid_from(seed))
    assert uid_from(seed) == uid_from(seed)


def test_a_made_uid_holds_a_uuid_of_version_8():
    made = uuid.UUID(int=int(uid_from("any").removeprefix("2.25.")))
    assert made.version == 8
    assert made.variant == uuid.RFC_4122


def test_different_seeds_give_different_uids():
    assert len({uid_from(str(number)) for number in range(1000)}) == 1000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "1.",
        ".1",
        "1..2",
        "1.02",
        "1.2/3",
        "../1.2",
        "1.2\n",
        "1.2 ",
        "1.٣",
        "1." + "2" * 63,
    ],
)
def test_what_breaks_the_rule_is_no_uid(text):
    assert not is_valid_uid(text)


@pytest.mark.parametrize("text", ["1.2.840.10008.1.2", "2.25.0", "1." + "2" * 62])
def test_what_keeps_the_rule_is_a_uid(text):
    assert is_valid_uid(text)
