"""What the server needs of a model and of an audit trail, and nothing more."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from medclf.dicom.instance import Instance, Kind
from medclf.opinion import Opinion


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """Which model a reader speaks for.

    Attributes:
        package: digest of the package.
        kind: of the pictures that the model was made to read.
        labels: of the findings, in their order.
        released: whether the package is released for use.
    """

    package: str
    kind: Kind
    labels: tuple[str, ...]
    released: bool


class Reader(Protocol):
    """Anything that turns an instance into an opinion; called from several threads at once."""

    @property
    def model(self) -> ModelFacts:
        """The model that reads."""

    def read(self, instance: Instance) -> Opinion:
        """Return the opinion, with `audit_sequence` None.

        An unsuitable image is an opinion too (ABSTAINED or REJECTED). `InstanceRefused` and
        `PixelsRefused` are taken as REJECTED; any other error fails the call.
        """


class Receipt(Protocol):
    """Proof that an audit record is durable."""

    @property
    def sequence(self) -> int:
        """Number of the record in its trail."""


class Append(Protocol):
    """`Trail.append`: durable when it returns; safe to call from several threads at once."""

    def __call__(self, action: str, *, actor: str, facts: Mapping[str, Any]) -> Receipt:
        """Record one action and return its receipt."""
