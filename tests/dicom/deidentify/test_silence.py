"""Within the block pydicom says nothing, after it as much as before."""

import logging
import warnings

from pydicom.misc import warn_and_log

from medclf.dicom.deidentify.silence import silent_parser


def test_nothing_is_said_and_all_is_put_back(recwarn, caplog):
    level = logging.getLogger("pydicom").level
    with silent_parser():
        warn_and_log("Invalid value Smith^John")
    assert not recwarn.list
    assert "Smith" not in caplog.text
    assert logging.getLogger("pydicom").level == level
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        warnings.warn("after", UserWarning, stacklevel=1)
    assert len(told) == 1
