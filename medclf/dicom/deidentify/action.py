"""From a row of the profile to one thing to do, chosen so that the object stays valid."""

from collections.abc import Iterable
from enum import StrEnum

from medclf.dicom.deidentify.options import Deidentification
from medclf.dicom.deidentify.profile import rule_for, type_of


class Action(StrEnum):
    """What is done with one attribute."""

    REMOVE = "X"
    EMPTY = "Z"
    DUMMY = "D"
    UID = "U"
    KEEP = "K"
    CLEAN = "C"
    SCREEN = "S"
    """Not listed in the profile: kept when its value is recognisably harmless."""


_ORDER = ("X", "Z", "D")
# Maker, model, software and coils are not in Table E.1-1, because they name no single device.
# Their text could be anything all the same, and is taken whole only where the device may be known.
_EQUIPMENT = frozenset({0x00080070, 0x00081090, 0x00181020, 0x00181210, 0x00181250, 0x00181251})


def action_for(
    tag: int, *, parent: int, sop_class: str, options: Deidentification
) -> tuple[Action, Action]:
    """Return what to do with an attribute, and what to do when that leaves nothing.

    Args:
        tag: of the attribute.
        parent: tag of the sequence whose item holds it; 0 at the top.
        sop_class: SOP Class UID of the object.
        options: the chosen options of the profile.

    Returns:
        The action; and REMOVE, EMPTY or DUMMY for a value that cannot be kept.
    """
    needed = type_of(tag, parent=parent, sop_class=sop_class)
    rule = rule_for(tag)
    if rule is None:
        kept = options.retain_device and tag in _EQUIPMENT
        return Action.KEEP if kept else Action.SCREEN, _blank({"X"}, needed)
    blank = _blank(rule.basic, needed)
    for option in options.chosen():
        if option == "patient" and option in rule.options:
            return Action.SCREEN, blank  # PS3.15 says keep; a free text could be anything
        if option in rule.options:
            return Action(rule.options[option]), blank
    if rule.basic & {"U", "U*"}:
        return Action.UID, blank
    return blank, blank


def _blank(allowed: Iterable[str], needed: str) -> Action:
    """Return the mildest way to take a value away that leaves a valid object.

    PS3.15 section E.1.1 leaves the choice of X/Z, X/D … to the Type: what is Type 1 must
    have a value, what is Type 2 must be there. Where the Type is not known, the last of the
    allowed ones is taken, which is right for every Type; no form of them holds any data.
    """
    listed = [action for action in _ORDER if action in allowed] or ["X"]
    if needed in ("1", "1C"):
        return Action.DUMMY
    if needed in ("2", "2C"):
        return Action.DUMMY if listed == ["D"] else Action.EMPTY
    return Action(listed[0] if needed == "3" else listed[-1])
