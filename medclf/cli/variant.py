"""The command that makes a faster variant of a package."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medclf import api
from medclf.cli.door import HomeOption, JsonOption, print_json, shown_progress

if TYPE_CHECKING:
    from medclf.study.variant import Variant


class ShorterArithmetic(StrEnum):
    """In what a variant computes."""

    BFLOAT16 = "bfloat16"


def variant(
    package: Annotated[Path, typer.Argument(help="The float32 package's folder.")],
    study: Annotated[Path, typer.Option(help="The study.yaml that it was trained by.")],
    precision: Annotated[
        ShorterArithmetic, typer.Option(help="In what the variant computes.")
    ] = ShorterArithmetic.BFLOAT16,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the package; beside its parent when absent.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a package that computes in bfloat16, calibrated by itself; validate it before use."""
    with shown_progress() as progress:
        done = api.variant(
            package, study=study, precision=precision.value, out=out, home=home, progress=progress
        )
    if as_json:
        print_json(
            {
                "package": str(done.package.path),
                "digest": done.package.digest,
                "parent": done.parent,
                "precision": precision.value,
                "against_parent": done.agreement.as_json(),
                "temperature": done.calibrated.temperature.value,
                "audit_sequence": done.audit_sequence,
            }
        )
        return
    _show(done)


def _show(done: "Variant") -> None:
    """Print what changed against the parent, and what is to be done next."""
    found = done.agreement
    print(
        f"against its parent {done.parent[:19]}, on {found.pictures} pictures of the calibrate "
        f"part:\n"
        f"  largest difference of a probability  {found.largest_probability_difference:.1e}\n"
        f"  decisions changed                    {found.decisions_changed}\n"
        f"  abstentions changed                  {found.abstentions_changed}\n"
        f"packed {done.package.path}\n"
        "It is a model of its own: validate it before it is released, as you did its parent."
    )
