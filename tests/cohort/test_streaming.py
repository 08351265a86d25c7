import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medclf.cohort.streaming import in_order


@given(st.lists(st.integers(), max_size=40), st.integers(1, 4))
def test_results_come_in_the_order_of_the_items(items: list[int], threads: int) -> None:
    assert list(in_order(lambda item: item * 2, items, threads=threads)) == [i * 2 for i in items]


def test_only_a_few_items_are_in_flight() -> None:
    taken = 0

    def items():
        nonlocal taken
        for item in range(1000):
            taken += 1
            yield item

    results = in_order(lambda item: item, items(), threads=2)
    next(results)
    results.close()
    assert taken <= 8


def test_the_first_error_stops_the_rest() -> None:
    begun = []

    def work(item: int) -> int:
        begun.append(item)
        if item == 3:
            raise ValueError("three")
        return item

    with pytest.raises(ValueError, match="three"):
        list(in_order(work, range(1000), threads=2))
    assert len(begun) < 20
    assert not [t for t in threading.enumerate() if t.name.startswith("medclf-cohort")]
