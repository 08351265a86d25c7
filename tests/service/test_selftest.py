from itertools import combinations

import pytest

from medclf.dicom.instance import FileFormat, Kind, parse_instance
from medclf.service.selftest import picture


@pytest.mark.parametrize("kind", Kind)
def test_the_picture_of_each_kind_is_a_sound_instance(kind):
    instance = parse_instance(picture(kind))
    assert instance.format is FileFormat.PNG
    assert (instance.acquisition.rows, instance.acquisition.columns) == (512, 512)
    assert instance.acquisition.samples == (1 if kind is Kind.XRAY else 3)


def test_the_pictures_are_always_the_same_and_differ_by_kind():
    assert all(picture(kind) == picture(kind) for kind in Kind)
    assert all(picture(a) != picture(b) for a, b in combinations(Kind, 2))
