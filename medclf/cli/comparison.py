"""How the network and simpler readers of the same cases look on a terminal."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from medclf.report.words import interval, metric_name, p_value, reader_name, signed, three

if TYPE_CHECKING:
    from medclf.study.baselines import Comparison


def show_comparison(comparison: "Comparison") -> None:
    """Print each reader with its figure and how far the network is ahead of it."""
    console = Console(soft_wrap=True, markup=False, highlight=False)
    if comparison.note:
        console.print(comparison.note)
        return
    metrics = list(dict.fromkeys(one.metric for one in comparison.overall))
    for metric in metrics:
        console.print(
            f"{metric_name(metric)} on the same {comparison.cases:,} cases "
            f"({comparison.part} part), paired tests"
        )
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column("reader", no_wrap=True)
        for head in ("figure (95 % interval)", "network ahead (95 %)", "p"):
            table.add_column(head, no_wrap=True)
        for one in comparison.overall:
            if one.metric != metric:
                continue
            figure = f"{three(one.figure.estimate)} ({interval(one.figure)})"
            row = [reader_name(one.reader), figure]
            ahead = one.ahead
            if ahead is not None:
                spread = f"{signed(ahead.low)} to {signed(ahead.high)}"
                row += [f"{signed(ahead.estimate)} ({spread})", p_value(ahead.p)]
            style = "bold" if ahead is None else "green" if ahead.low > 0 else "yellow"
            table.add_row(*row, style=style)
        console.print(table)
