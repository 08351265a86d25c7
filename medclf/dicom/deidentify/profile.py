"""The two tables that decide about an attribute: PS3.15 Table E.1-1 and the Types of PS3.3.

`profile.tsv` says what the Basic Profile and its options do with an attribute, `types.tsv`
what an image object needs of it. `validation/reference/confidentiality_profile.py` makes both.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_STORAGE = "1.2.840.10008.5.1.4.1.1."


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of PS3.15 Table E.1-1.

    Attributes:
        basic: actions of the Basic Profile, for example `{"X", "Z"}` for X/Z.
        options: `K` (keep) or `C` (clean) by the name of the option.
    """

    basic: frozenset[str]
    options: Mapping[str, str]


def rule_for(tag: int) -> Rule | None:
    """Return what Table E.1-1 says of an attribute; None when it does not list it."""
    return _profile().get(tag)


def type_of(tag: int, *, parent: int, sop_class: str) -> str:
    """Return the Type of an attribute (PS3.5 section 7.4) in an image object.

    Args:
        tag: of the attribute.
        parent: tag of the sequence whose item holds it; 0 at the top.
        sop_class: SOP Class UID of the object.

    Returns:
        `1`, `1C`, `2`, `2C` or `3`; empty when it is not known. Type 3 is told only where
        the answer matters to a rule.
    """
    by_class = _types().get((parent, tag), {})
    return by_class.get(sop_class.removeprefix(_STORAGE)) or by_class.get("*", "")


def lines_of(name: str) -> Iterator[str]:
    """Give the lines of a table of this package, without its comments."""
    text = files("medclf.dicom.deidentify").joinpath(name).read_text("utf-8")
    return (line for line in text.splitlines() if line and not line.startswith("#"))


@cache
def _profile() -> Mapping[int, Rule]:
    found = {}
    for line in lines_of("profile.tsv"):
        tag, basic, options, _ = line.split("\t")
        chosen = dict(option.split("=", 1) for option in options.split())
        found[int(tag, 16)] = Rule(frozenset(basic.split("/")), chosen)
    return found


@cache
def _types() -> Mapping[tuple[int, int], Mapping[str, str]]:
    found: dict[tuple[int, int], dict[str, str]] = {}
    for line in lines_of("types.tsv"):
        parent, tag, kind, classes = line.split("\t")
        key = 0 if parent == "-" else int(parent, 16), int(tag, 16)
        found.setdefault(key, {}).update(dict.fromkeys(classes.split(), kind))
    return found
