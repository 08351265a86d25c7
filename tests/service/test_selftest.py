from dataclasses import replace
from itertools import combinations
from types import SimpleNamespace

import pytest

from medclf.dicom.instance import FileFormat, Kind, parse_instance
from medclf.dicom.limits import Limits
from medclf.errors import ServerUnavailable
from medclf.opinion import Status
from medclf.reasons import Reason
from medclf.service.selftest import picture, self_test


@pytest.mark.parametrize("kind", Kind)
def test_the_picture_of_each_kind_is_a_sound_instance(kind):
    instance = parse_instance(picture(kind))
    assert instance.format is FileFormat.PNG
    assert (instance.acquisition.rows, instance.acquisition.columns) == (512, 512)
    assert instance.acquisition.samples == (1 if kind is Kind.XRAY else 3)


def test_the_pictures_are_always_the_same_and_differ_by_kind():
    assert all(picture(kind) == picture(kind) for kind in Kind)
    assert all(picture(a) != picture(b) for a, b in combinations(Kind, 2))


def test_a_model_that_rejects_its_own_kind_of_picture_fails_the_start(reader):
    def read(instance):
        rejected = {"status": Status.REJECTED, "reasons": (Reason.BLANK,), "findings": ()}
        return replace(reader.read(instance), **rejected)

    with pytest.raises(ServerUnavailable, match="blank"):
        self_test(SimpleNamespace(model=reader.model, read=read), limits=Limits())


def test_a_model_that_abstains_may_start(reader):
    def read(instance):
        abstained = {"status": Status.ABSTAINED, "reasons": (Reason.TOO_SMALL,), "findings": ()}
        return replace(reader.read(instance), **abstained)

    model = SimpleNamespace(model=reader.model, read=read)
    assert self_test(model, limits=Limits()).status is Status.ABSTAINED
