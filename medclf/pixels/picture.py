"""What a decoded image is, so that every transform speaks of the same thing."""

from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

POLICY = "medclf-pixels/2"
"""Name of the rules by which stored values become a picture; changes when any picture would."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One image as a person would see it.

    Attributes:
        array: (height, width) grey or (height, width, 3) RGB; uint8 or uint16, black is 0 and
            white the highest value of the type. Grey is in the sense of MONOCHROME2: bright
            is high. Read-only.
        decoder: which decoder gave the stored values, with its version.
        policy: the rules that led from stored values to `array`.
        aspect: height of one pixel by its width; 1 where pixels are square or nothing is said.
        laterality: `L`, `R` or "", as the header says.
    """

    array: NDArray[Any] = field(repr=False)
    decoder: str
    policy: str = POLICY
    aspect: float = 1.0
    laterality: str = ""

    def __post_init__(self) -> None:
        view = self.array.view()
        view.flags.writeable = False
        object.__setattr__(self, "array", view)
