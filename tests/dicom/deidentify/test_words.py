"""Only words of a list stay."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medclf.dicom.deidentify.profile import lines_of
from medclf.dicom.deidentify.words import cleaned, code_strings, is_harmless

KNOWN = {word for line in lines_of("words.txt") for word in line.split()}
SERIES_DESCRIPTION, MANUFACTURER = 0x0008103E, 0x00080070


@given(st.text(max_size=60))
def test_whatever_is_left_is_on_the_list(text):
    assert all(word.lower() in KNOWN for word in cleaned(text).split())


@given(st.binary(max_size=60))
def test_bytes_of_any_charset_leave_only_known_words(raw):
    assert all(word.lower() in KNOWN for word in cleaned(raw.decode("latin-1")).split())


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("CHEST PA", "CHEST PA"),
        ("Thorax ap, Hr. Müller 12.03.1957", "Thorax ap"),
        ("T2w axial_4711^Smith", "T2w axial"),
        ("Brustkorb", ""),
        ("chestmüller", ""),
        ("chest\u00e9", ""),
        ("\x1b$B chest pa", ""),
        ("71", ""),
    ],
)
def test_examples(text, left):
    assert cleaned(text) == left


def test_a_text_stays_whole_only_when_all_of_it_is_known():
    assert is_harmless("CHEST PA", SERIES_DESCRIPTION)
    assert not is_harmless("CHEST PA 3", SERIES_DESCRIPTION)
    assert not is_harmless("", SERIES_DESCRIPTION)


def test_a_maker_is_known_as_a_maker_only():
    assert is_harmless("Philips Medical Systems", MANUFACTURER)
    assert not is_harmless("Philips", SERIES_DESCRIPTION)
    assert not is_harmless("Klinikum Nord", MANUFACTURER)


def test_codes_in_texts():
    assert is_harmless("HU", 0x00281054)
    assert not is_harmless("Smith", 0x00281054)
    assert is_harmless("SLIDE_CORNER", 0x00201040)
    assert not is_harmless("CORNER_SMITH", 0x00201040)
    assert is_harmless("1", 0x00209056)
    assert not is_harmless("4711", 0x00209056)


# Common family and given names of several countries, in capitals as code strings have them.
NAMES = re.findall(
    r"\w+",
    """
SMITH JONES BROWN MILLER DAVIS WILSON TAYLOR WHITE BLACK GREEN YOUNG KING LONG MUELLER SCHMIDT
SCHNEIDER FISCHER WEBER MARTIN BERNARD DUBOIS ROSSI FERRARI GARCIA LOPEZ SILVA NGUYEN TRAN LEE
KIM PARK WANG LI ZHANG CHEN MA HE WU SINGH KUMAR RAO SHAH KHAN ALI IVANOV PETROV MARY JOHN ANNA
EVE PETER PAUL MAX ROSE GRACE MARK JACK DIXON POST HENSCHKE
""",
)


def test_hardly_a_name_is_on_a_list():
    assert {name for name in NAMES if name.lower() in KNOWN} == {"POST"}
    assert {name for name in NAMES if name in code_strings()} == {
        *("POST", "GREEN"),
        *("MA", "RAO", "DIXON"),  # a modality, a view and a technique
    }
