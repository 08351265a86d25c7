import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from medclf.cohort.assign import assign, deal_order

FRACTIONS = np.array([0.6, 0.1, 0.1, 0.2])


def one_case_units(*per_label: int) -> np.ndarray:
    labels = np.repeat(np.arange(len(per_label)), per_label)
    return np.eye(len(per_label), dtype=np.int64)[labels]


def held(counts: np.ndarray, parts: np.ndarray) -> np.ndarray:
    return np.array([counts[parts == part].sum(axis=0) for part in range(4)])


@given(st.integers(10, 400), st.integers(10, 400))
def test_single_cases_are_shared_out_to_within_one(a: int, b: int) -> None:
    counts = one_case_units(a, b)
    parts = assign(counts, range(len(counts)), FRACTIONS, minimum=1)
    wanted = FRACTIONS[:, None] * np.array([[a, b]])
    assert np.abs(held(counts, parts) - np.maximum(wanted, 1)).max() <= 1.5


def test_a_rare_label_still_reaches_every_part() -> None:
    counts = one_case_units(100, 8)
    parts = assign(counts, range(108), FRACTIONS, minimum=2)
    assert held(counts, parts)[:, 1].tolist() == [2, 2, 2, 2]


def test_one_patient_with_half_of_the_images_goes_to_the_largest_part() -> None:
    counts = np.vstack([[[50, 50]], one_case_units(50, 50)])
    order = deal_order([str(u) for u in range(101)], counts.sum(axis=1), seed=0)
    parts = assign(counts, order, FRACTIONS, minimum=2)
    assert parts[0] == 0
    assert (held(counts, parts)[1:] >= 5).all()


def test_large_units_are_dealt_first_and_the_draw_depends_on_the_seed_alone() -> None:
    names = [f"unit-{number}" for number in range(50)]
    sizes = np.array([1] * 49 + [9])
    order = deal_order(names, sizes, seed=0)
    assert order[0] == 49
    assert order == deal_order(names, sizes, seed=0)
    assert order != deal_order(names, sizes, seed=1)
    backwards = deal_order(names[::-1], sizes[::-1], seed=0)
    assert [names[unit] for unit in order] == [names[::-1][unit] for unit in backwards]
