"""The commands over the cache of prepared pictures: list, prune."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from medclf import installation
from medclf.cli.door import HomeOption, JsonOption, print_json

if TYPE_CHECKING:
    from medclf.cohort.cache import InCache

cache_app = typer.Typer(no_args_is_help=True, help="Look at or prune the prepared pictures.")


@cache_app.command(name="list")
def list_pictures(
    verify: Annotated[
        bool, typer.Option("--verify", help="Read every picture and count the damaged ones.")
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what the cache holds, a line for each way of preparing; last used first."""
    from rich.console import Console
    from rich.table import Table

    from medclf.cohort.size import in_words

    listed = installation.cache_list(home=home, verify=verify)
    if as_json:
        for held in listed:
            print_json(
                {
                    "transform": held.name,
                    "pictures": held.rows,
                    "bytes": held.bytes,
                    "last_used": held.last_used and held.last_used.isoformat(),
                    "in_use": held.in_use,
                    "damaged": held.damaged,
                    "facts": dict(held.facts),
                }
            )
        return
    if not listed:
        print("the cache is empty.")
        return
    table = Table(box=None, pad_edge=False)
    for head in ("transform", "kind", "input", "pictures", "on disk"):
        table.add_column(head, justify="right" if head in {"pictures", "on disk"} else "left")
    for head in ("last used (UTC)", "in use", *(["damaged"] if verify else [])):
        table.add_column(head)
    for held in listed:
        table.add_row(
            held.name[:12],
            _kind(held),
            _input(held),
            f"{held.rows:,}",
            in_words(held.bytes),
            _minute(held.last_used),
            "yes" if held.in_use else "no",
            *(["unknown" if held.damaged is None else f"{held.damaged:,}"] if verify else []),
        )
    console = Console(soft_wrap=True, highlight=False)
    console.print(table)
    console.print(f"{in_words(sum(held.bytes for held in listed))} in {listed[0].folder.parent}")
    if any(held.damaged for held in listed):
        console.print("damaged pictures are made again when a study needs them.")


@cache_app.command()
def prune(
    older_than: Annotated[
        float | None, typer.Option(min=0, help="Only what no study needed for so many days.")
    ] = None,
    to_bytes: Annotated[
        str | None, typer.Option(help="Only until no more is left, such as 20GB; oldest first.")
    ] = None,
    transform: Annotated[
        list[str] | None, typer.Option(help="Only this one, as `list` names it; may be repeated.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that is not in use.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Delete; without it nothing is.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete prepared pictures that no process uses; studies make them again when needed."""
    from medclf.cohort.size import in_words

    pruned = installation.cache_prune(
        older_than_days=older_than,
        to_bytes=to_bytes,
        transforms=transform or (),
        everything=everything,
        really=yes,
        home=home,
    )
    rows = sum(shard.rows for shard in pruned.gone)
    if as_json:
        print_json(
            {
                "deleted": yes,
                "pictures": rows,
                "bytes": pruned.bytes,
                "kept_in_use": sum(shard.bytes for shard in pruned.kept),
                "left": pruned.left_bytes,
            }
        )
        return
    verb = "deleted" if yes else "would delete"
    print(f"{verb} {rows:,} pictures, {in_words(pruned.bytes)}")
    if pruned.kept:
        print(f"kept, because in use: {in_words(sum(shard.bytes for shard in pruned.kept))}")
    print(f"{'left' if yes else 'would leave'}: {in_words(pruned.left_bytes)}")
    if pruned.gone and not yes:
        print("nothing was touched; say --yes to delete.")


def _kind(held: "InCache") -> str:
    preprocessing = held.facts.get("preprocessing")
    return str(preprocessing["kind"]) if isinstance(preprocessing, dict) else "unknown"


def _input(held: "InCache") -> str:
    shape = "×".join(str(side) for side in held.facts.get("shape", ()))
    form = f"{shape} {held.facts.get('dtype', '')}".strip() or "unknown"
    backbone = held.facts.get("backbone")
    return f"{form}, features of {backbone}" if backbone else form


def _minute(time: datetime | None) -> str:
    return "never" if time is None else f"{time:%Y-%m-%d %H:%M}"
