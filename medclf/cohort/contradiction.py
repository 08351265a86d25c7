"""When copies of one picture contradict each other: other labels, or a finding told both ways.

Then at least one of them is wrong. A finding that is uncertain or not told of contradicts
nothing: whoever told the other may have been sure, or may have looked.
"""

from collections.abc import Iterable, Sequence


def contradicting_findings(
    told: Iterable[tuple[int, ...]], names: Sequence[str] = ()
) -> tuple[str, ...]:
    """Name the findings that are present by one copy and absent by another.

    Args:
        told: the findings of each copy, as in `medclf.cohort.case.Case`.
        names: of the findings; without them they are counted from 1.

    >>> contradicting_findings([(1, 0, -1), (1, 1, 0)], ("edema", "mass", "effusion"))
    ('mass',)
    """
    return tuple(
        names[place] if names else f"finding {place + 1}"
        for place, values in enumerate(zip(*told, strict=True))
        if {0, 1} <= set(values)
    )


def in_short(labels: Iterable[str], findings: Sequence[str]) -> str:
    """Say what copies carry: their labels, or the findings that contradict each other.

    >>> in_short(["a", "b", "a"], ())
    'a / b'
    """
    if findings:
        return f"{', '.join(findings)}: present / absent"
    return " / ".join(dict.fromkeys(labels))
