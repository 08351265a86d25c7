"""Objects that probably show words are refused unless somebody answers for them."""

import pytest

from medclf.dicom.deidentify.risk import require_acceptable
from medclf.dicom.instance import open_instance
from medclf.errors import InstanceRefused

IMAGES = "1.2.840.10008.5.1.4.1.1."


@pytest.mark.parametrize(
    ("elements", "reason"),
    [
        ({"BurnedInAnnotation": "YES"}, "burned_in_text"),
        ({"SOPClassUID": IMAGES + "7"}, "secondary_capture"),
        ({"SOPClassUID": IMAGES + "7.4"}, "secondary_capture"),
        ({"ConversionType": "SD"}, "secondary_capture"),
        ({"SOPClassUID": IMAGES + "6.1"}, "burned_in_text"),
        ({"SOPClassUID": IMAGES + "77.1.1.1"}, "burned_in_text"),
    ],
)
def test_refused_unless_accepted(write_dicom, tmp_path, elements, reason):
    instance = open_instance(write_dicom(tmp_path / "a.dcm", **elements))
    with pytest.raises(InstanceRefused) as refusal:
        require_acceptable(instance, accept_pixel_text=False)
    assert refusal.value.reason.value == reason
    assert require_acceptable(instance, accept_pixel_text=True) is instance.dataset


def test_an_ordinary_film_is_taken(write_dicom, tmp_path):
    instance = open_instance(write_dicom(tmp_path / "a.dcm", BurnedInAnnotation="NO"))
    assert require_acceptable(instance, accept_pixel_text=False) is instance.dataset


def test_a_private_sop_class_is_refused_always(write_dicom, tmp_path):
    instance = open_instance(write_dicom(tmp_path / "a.dcm", SOPClassUID="1.3.46.670589.11.0"))
    with pytest.raises(InstanceRefused) as refusal:
        require_acceptable(instance, accept_pixel_text=True)
    assert refusal.value.reason.value == "uid_invalid"
