import inspect

import pytest

from medclf import errors
from medclf.reasons import Reason

FAULTS = (errors.InputError, errors.MisuseError, errors.TamperingError, errors.UnavailableError)
RAISED = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, errors.MedclfError)
    and kind is not errors.MedclfError
    and not kind.__subclasses__()
]


@pytest.mark.parametrize("kind", RAISED)
def test_every_error_says_whose_fault_it_is(kind):
    assert sum(issubclass(kind, fault) for fault in FAULTS) == 1


def test_each_fault_has_its_own_exit_code():
    codes = {fault.exit_code for fault in FAULTS}
    assert codes == {2, 3, 4, 5}


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_advice(reason):
    assert reason.advice.endswith(".")
    assert reason.value == reason.name.lower()


def test_a_refusal_carries_its_code_and_advice():
    error = errors.InstanceRefused(Reason.TRUNCATED, "10 of 20 bytes.", found=10)
    assert error.reason is Reason.TRUNCATED
    assert error.facts == {"reason": "truncated", "found": 10}
    assert str(error) == f"10 of 20 bytes. {Reason.TRUNCATED.advice}"
