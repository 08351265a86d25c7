"""Sharing out the one held-out part of others between the two that medclf needs.

Public collections come in train, val and test. medclf chooses the epoch by `tune` and fits
temperature and threshold on `calibrate`; one part cannot serve both without flattering
itself. Whatever belongs to one patient, else to one group, else shows one picture, stays
together, and nothing is drawn: the same images fall the same way in every order.
"""

import hashlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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
    owners = (cases.column(name).filter(pa.array(held)) for name in ("patient", "group", "picture"))
    rows = zip(*(owner.to_pylist() for owner in owners), strict=True)
    parts[held] = [_half_of(patient or group or picture) for patient, group, picture in rows]
    place = cases.schema.get_field_index("part")
    return cases.set_column(place, cases.schema.field(place), pa.array(parts, pa.string()))


def _half_of(owner: str) -> str:
    return ("tune", "calibrate")[hashlib.sha256(owner.encode()).digest()[0] % 2]
