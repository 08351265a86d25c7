import threading

import pytest

from medclf.errors import ServerUnavailable
from medclf.service.workers import Workers


def test_work_beyond_workers_and_queue_is_refused_until_a_place_is_free():
    workers = Workers(1, waiting=1)
    go = threading.Event()
    first = workers.submit(go.wait, 20)
    second = workers.submit(lambda: 2)
    with pytest.raises(ServerUnavailable, match="at most 2 may"):
        workers.submit(lambda: 3)
    go.set()
    assert (first.result(), second.result()) == (True, 2)
    workers.close()


def test_a_job_that_is_given_up_while_it_waits_frees_its_place():
    workers = Workers(1, waiting=1)
    go = threading.Event()
    workers.submit(go.wait, 20)
    assert workers.submit(lambda: 2).cancel()
    third = workers.submit(lambda: 3)
    go.set()
    assert third.result() == 3
    workers.close()
