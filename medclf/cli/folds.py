"""What `medclf train --folds` prints: each fold, the two spreads, and what stands beside."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from medclf import api
from medclf.cli.door import print_json, shown_progress
from medclf.errors import MisuseError

if TYPE_CHECKING:
    from rich.table import Table

    from medclf.evaluate.compare import Difference
    from medclf.evaluate.evaluation import Estimate
    from medclf.study.fold_summary import MethodSummary, Spread
    from medclf.study.folds import Folds

_TITLES = {  # short, so that a row fits 80 columns
    "auc": "AUC",
    "sensitivity": "sens",
    "specificity": "spec",
    "balanced_accuracy": "bal acc",
    "ece": "ECE",
    "quadratic_kappa": "kappa",
    "auc_within_folds": "AUC within folds",
}
_WITH_SD = {"auc", "quadratic_kappa"}


def train_folds(
    study: Path,
    *,
    folds: int | None,
    seeds: int,
    out: Path | None,
    home: Path | None,
    as_json: bool,
) -> None:
    """Cross-validate a study and print what came of it.

    Raises:
        MisuseError: the options contradict each other.
    """
    if folds is None:
        raise MisuseError(
            "--seeds was given without --folds.",
            advice="Add --folds 5: the spread over seeds is measured on the folds' test parts. "
            "For one package of another seed change `seed` in study.yaml.",
        )
    if out is not None:
        raise MisuseError(
            "--out names the folder of a package, and no package comes out of folds.",
            advice="Leave out --out; the summary is folds.json in the study's workspace.",
        )
    with shown_progress() as progress:
        done = api.train_folds(study, folds=folds, seeds=seeds, home=home, progress=progress)
    if as_json:
        print_json(
            {
                "summary": str(done.path),
                "digest": done.digest,
                "methods": done.document["methods"],
                "ahead": done.document["ahead"],
                "statements": done.document["statements"],
                "warnings": done.document["warnings"],
                "unsealed": done.unsealing.count,
                "audit_sequence": done.audit_sequence,
            }
        )
        return
    show_folds(done)


def show_folds(done: "Folds") -> None:
    """Print the folds, their spreads and what cross-validation means for the test part."""
    from rich.console import Console

    console = Console(soft_wrap=True, markup=False, highlight=False)
    own = next(iter(done.methods))
    summary = done.methods[own]
    console.print(f"{own}, each fold on its own test part")
    console.print(_runs(summary))
    console.print(f"\n{own}, spread over folds{' and over seeds' * bool(summary.over_seeds)}")
    console.print(_spreads(summary))
    for seed, figures in summary.pooled.items():
        console.print(f"\n{own}, seed {seed}, all cases pooled")
        console.print(_pooled(figures))
    if len(done.methods) > 1:
        console.print("\nbeside each other on the same test parts, mean (± SD) over folds")
        console.print(_beside(done.methods))
        console.print(f"\nhow far {own} is ahead of each, paired on the same cases")
        console.print(_ahead(done.ahead))
    console.print()
    for warning in done.document["warnings"]:
        console.print(f"warning: {warning}")
    for statement in done.document["statements"]:
        console.print(f"note: {statement}")
    console.print(" ".join(filter(None, (str(done.unsealing), done.unsealing.limitation))))
    console.print(f"summary {done.path}\n  {done.digest}")


def _runs(summary: "MethodSummary") -> "Table":
    names = list(summary.over_folds)
    table = _table("fold", "seed", "cases", *map(_title, names), "epoch", "T")
    for one in summary.runs:
        scores = one.scores
        table.add_row(
            f"  {scores.fold}",
            str(scores.seed),
            f"{len(scores.cases):,}",
            *(f"{one.figures[name]:.4f}" for name in names),
            f"{scores.best_epoch}/{scores.epochs}" if scores.epochs else "",
            f"{scores.temperature.value:.2f}",
        )
    return table


def _spreads(summary: "MethodSummary") -> "Table":
    seeds = ("SD seeds", "min–max seeds") if summary.over_seeds else ()
    table = _table("figure", "mean", "SD folds", "min–max folds", *seeds)
    for name, over_folds in summary.over_folds.items():
        cells = [f"{over_folds.mean:.4f}", *_spread(over_folds)]
        if summary.over_seeds:
            cells += _spread(summary.over_seeds[name])
        table.add_row(f"  {_title(name)}", *cells)
    return table


def _pooled(figures: Mapping[str, "Estimate"]) -> "Table":
    table = _table("figure", "estimate", "95 % interval", "n")
    for name, found in figures.items():
        interval = f"{found.low:.4f} to {found.high:.4f}"
        table.add_row(f"  {_title(name)}", f"{found.estimate:.4f}", interval, f"{found.n:,}")
    return table


def _beside(methods: Mapping[str, "MethodSummary"]) -> "Table":
    """Return a row for each method; the figures that bars are held against with their SD."""
    names = list(next(iter(methods.values())).over_folds)
    table = _table("method", *map(_title, names))
    for method, summary in methods.items():
        spreads = [(name, summary.over_folds[name]) for name in names]
        cells = [
            f"{found.mean:.4f} ± {found.sd:.4f}" if name in _WITH_SD else f"{found.mean:.4f}"
            for name, found in spreads
        ]
        table.add_row(f"  {method}", *cells)
    return table


def _ahead(ahead: Mapping[str, Mapping[str, "Difference"]]) -> "Table":
    table = _table("method", "figure", "ahead by", "95 % interval", "p")
    for method, figures in ahead.items():
        for name, found in figures.items():
            interval = f"{found.low:+.4f} to {found.high:+.4f}"
            p = "" if math.isnan(found.p) else f"{found.p:.3f}"
            table.add_row(f"  {method}", _title(name), f"{found.estimate:+.4f}", interval, p)
    return table


def _table(first: str, *columns: str) -> "Table":
    from rich.table import Table

    table = Table(f"  {first}", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _title(name: str) -> str:
    return _TITLES.get(name, name)


def _spread(spread: "Spread") -> list[str]:
    return [f"{spread.sd:.4f}", f"{spread.low:.4f}–{spread.high:.4f}"]
