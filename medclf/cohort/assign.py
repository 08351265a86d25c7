"""Sharing out units among parts so that every part holds its fair share of every label.

A unit goes whole to one part. Units are dealt one by one, largest first, each to the
part that lacks its labels most. The order among equals is drawn from the seed and the
units' content, not from their place in a table or from a library's random stream: the
same images give the same parts on every machine and in every order.
"""

import hashlib
from collections.abc import Sequence

import numpy as np


def deal_order(names: Sequence[str], sizes: np.ndarray, *, seed: int) -> list[int]:
    """Return the order in which to deal units: by size, then drawn.

    Args:
        names: one for each unit, of its content.
        sizes: (units,) int, cases in each.
        seed: of the draw.
    """

    def draw(unit: int) -> bytes:
        return hashlib.sha256(f"{seed}\0{names[unit]}".encode()).digest()

    return sorted(range(len(names)), key=lambda unit: (-int(sizes[unit]), draw(unit)))


def assign(
    counts: np.ndarray, order: Sequence[int], fractions: np.ndarray, *, minimum: int
) -> np.ndarray:
    """Give each unit a part.

    A unit with c_k cases of label k goes where sum_k c_k (c_k + 2 a_pk) / t_pk is least,
    with a_pk the cases that part p has and t_pk those it should have. For units of one
    case this is the divisor method of Webster and Sainte-Laguë (Balinski & Young 1982),
    which is the proportional one without a bias for large or small parts.

    Args:
        counts: (units, labels) int, cases of each label in each unit.
        order: in which to deal the units.
        fractions: (parts,) float64, all positive, sum 1.
        minimum: cases of every label that every part should hold; units are moved to
            reach it as far as this takes no other part below it.

    Returns:
        (units,) int64, the part of each unit.
    """
    totals = counts.sum(axis=0)  # (labels,)
    wanted = np.maximum(fractions[:, None] * totals[None, :], max(minimum, 1))  # (parts, labels)
    held = np.zeros_like(wanted)
    parts = np.zeros(len(counts), dtype=np.int64)
    for unit in order:
        cost = _costs(counts[unit], held, wanted)
        parts[unit] = int(cost.argmin())
        held[parts[unit]] += counts[unit]
    _top_up(parts, counts, order, held, minimum)
    return parts


def _costs(unit: np.ndarray, held: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    costs: np.ndarray = (unit * (unit + 2 * held) / wanted).sum(axis=1)  # (parts,)
    return costs


def _top_up(
    parts: np.ndarray, counts: np.ndarray, order: Sequence[int], held: np.ndarray, minimum: int
) -> None:
    """Move units, small ones from rich parts first, to where a label is too rare."""
    smallest_first = np.array(order[::-1], dtype=np.int64)
    for part, label in np.argwhere(held < minimum):
        carriers = smallest_first[counts[smallest_first, label] > 0]
        while held[part, label] < minimum:
            movable = [
                unit
                for unit in carriers
                if parts[unit] != part and _can_give(held[parts[unit]], counts[unit], minimum)
            ]
            if not movable:
                break
            unit = max(movable, key=lambda unit: held[parts[unit], label])  # the first of equals
            held[parts[unit]] -= counts[unit]
            held[part] += counts[unit]
            parts[unit] = part


def _can_give(held: np.ndarray, unit: np.ndarray, minimum: int) -> bool:
    given = unit > 0
    return bool((held[given] - unit[given] >= minimum).all())
