import pytest

from medclf.errors import ServiceMisuse
from medclf.service.failure import Failure, failed, failure_of, family_of, status_of


@pytest.mark.parametrize("failure", Failure)
def test_every_failure_has_a_status_a_family_and_advice(failure):
    error = failed(failure, "Found this; expected that.")
    assert failure_of(error) is failure
    assert type(error) is family_of(failure)
    assert status_of(failure).name != "OK"
    assert error.advice


def test_an_error_without_a_code_is_internal():
    assert failure_of(ServiceMisuse("Something else.")) is Failure.INTERNAL
