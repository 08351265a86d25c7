"""Sharing out the one held-out part of others between the two that medclf needs.

Public collections come in train, val and test. medclf chooses the epoch by `tune` and fits
temperature and threshold on `calibrate`; one part cannot serve both without flattering
itself. What must never be parted (`medclf.cohort.units`) stays together, and nothing is
drawn: the same images fall the same way in every order.
"""

import hashlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from medclf.cohort.units import LINKS, connect
from medclf.cohort.values import HELD_OUT


def share_held_out(cases: pa.Table) -> pa.Table:
    """Return the cases with `val` turned into `tune` or `calibrate`, about half each.

    Args:
        cases: columns as in `medclf.cohort.case.Case`.
    """
    held = pc.equal(cases.column("part"), HELD_OUT).to_numpy()
    if not held.any():
        return cases
    parts = np.array(cases.column("part").to_pylist(), dtype=object)
    shared = cases.select(LINKS).filter(pa.array(held))
    units = connect([column.to_pylist() for column in shared.columns], shared.num_rows).tolist()
    smallest: dict[int, str] = {}
    for unit, picture in zip(units, shared.column("picture").to_pylist(), strict=True):
        smallest[unit] = min(smallest.get(unit, picture), picture)
    halves = {unit: _half_of(picture) for unit, picture in smallest.items()}
    parts[held] = [halves[unit] for unit in units]
    place = cases.schema.get_field_index("part")
    return cases.set_column(place, cases.schema.field(place), pa.array(parts, pa.string()))


def _half_of(picture: str) -> str:
    return ("tune", "calibrate")[hashlib.sha256(picture.encode()).digest()[0] % 2]
