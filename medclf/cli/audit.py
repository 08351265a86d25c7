"""The commands over the audit trail: verify, show, export."""

import json
from collections import deque
from pathlib import Path
from typing import Annotated

import typer

from medclf import installation
from medclf.cli.door import HomeOption, JsonOption, print_json

audit_app = typer.Typer(no_args_is_help=True, help="Verify, show or export the audit trail.")


@audit_app.command()
def verify(
    checkpoint: Annotated[
        Path | None, typer.Option(help="A checkpoint.txt that was kept elsewhere.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Prove that no record was changed, removed or added; name the first bad one."""
    from medclf.audit.checkpoint import load_checkpoint

    known = None if checkpoint is None else load_checkpoint(checkpoint)
    found = installation.audit_verify(home=home, known=known)
    if as_json:
        print_json({"records": found.size, "root": found.root, "whole": True})
        return
    print(f"whole: {found.size} records, root {found.root}")
    if known is None:
        print("keep a copy of audit/checkpoint.txt elsewhere, and name it with --checkpoint.")


@audit_app.command()
def show(
    start: Annotated[int, typer.Option(min=1, help="First record.")] = 1,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many, from --start.")] = None,
    tail: Annotated[int | None, typer.Option(min=1, help="The newest so many.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print records in order; they are read, not verified."""
    from medclf.cli.tables import show_event

    events = installation.audit_show(home=home, start=start, limit=limit)
    for event in events if tail is None else deque(events, maxlen=tail):
        if as_json:
            print(json.dumps(json.loads(event.encode())))
        else:
            show_event(event)


@audit_app.command()
def export(
    out: Annotated[Path, typer.Option(help="JSON lines file to write.")],
    home: HomeOption = None,
) -> None:
    """Write records with their proof, for a third party to check."""
    print(f"wrote {installation.audit_export(out, home=home)}")
