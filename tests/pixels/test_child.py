import contextlib
import gc
import itertools
import os
import resource

import pytest

from medclf.errors import DecodingUnavailable
from medclf.pixels.child import Child


def open_descriptors() -> set[int]:
    found = set()
    for number in range(1024):
        with contextlib.suppress(OSError):
            os.fstat(number)
            found.add(number)
    return found


@pytest.mark.parametrize("free", range(8))
def test_a_start_that_fails_for_want_of_descriptors_leaves_none_open(free):
    gc.collect()
    before = open_descriptors()
    unused = (number for number in itertools.count() if number not in before)
    bound = next(itertools.islice(unused, free, None))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (bound, hard))
    try:
        with pytest.raises(DecodingUnavailable):
            Child.start("medclf.pixels.decode:decode", memory_bytes=1 << 30)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    gc.collect()
    assert open_descriptors() == before
