"""How results look on a terminal: short tables, figures with their intervals, the next step."""

import os
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from medclf.opinion import Opinion, Status

if TYPE_CHECKING:
    from medclf.audit.event import Event
    from medclf.cohort.manifest import Manifest
    from medclf.demonstration.story import Told
    from medclf.evaluate.evaluation import Estimate, Evaluation
    from medclf.model.listed import Listed
    from medclf.reasons import Reason
    from medclf.study.ingest import Ingested
    from medclf.study.train import Trained
    from medclf.study.validate import Validated

_SHOWN = (
    "quadratic_kappa",
    "auc",
    "average_precision",
    "sensitivity",
    "specificity",
    "ppv",
    "npv",
    "f1",
    "balanced_accuracy",
    "ece",
    "brier",
)
_STYLES = {Status.OK: "green", Status.ABSTAINED: "yellow", Status.REJECTED: "red"}


def _plain() -> Console:
    """Return a console that takes paths and labels as they are, brackets and all."""
    return Console(soft_wrap=True, markup=False, highlight=False)


def show_models(listed: "Iterable[Listed]") -> None:
    """Print the backbones."""
    table = Table(box=None, pad_edge=False)
    table.add_column("backbone", no_wrap=True)
    table.add_column("px", justify="right")
    table.add_column("M param.", justify="right")
    table.add_column("licence of weights", overflow="fold")
    table.add_column("weights from", overflow="fold")
    for item in listed:
        source = item.source.replace("download.pytorch.org/models/", "pytorch.org ")
        if not source:
            own = item.provider == "medclf"
            source = "trained from scratch" if own else "your own file"
        figure = f"{item.parameters_millions:.1f}"
        table.add_row(item.name, str(item.size), figure, item.licence, source)
    Console().print(table)
    _plain().print("Any other name of timm works too. More: docs/reference/models.md")


def show_ingested(done: "Ingested") -> None:
    """Print what a manifest holds, what was refused and why, and the next step."""
    console = _plain()
    manifest, refused = done.manifest, done.manifest.refused
    if done.resumed:
        console.print(f"went on after {done.resumed:,} files that an earlier run had checked")
    console.print(f"accepted {len(manifest):,} of {len(manifest) + len(refused):,} images")
    if manifest.findings:
        console.print(_findings(manifest))
    else:
        labels = Counter(manifest.label_counts())
        console.print(_count_table("label", labels, len(manifest)))
    if refused:
        console.print(f"refused {len(refused):,}, each listed in {done.folder / 'refused.csv'}")
        console.print(_reasons(Counter(refusal.reason for refusal in refused)))
    console.print(f"manifest {done.folder / 'manifest.json'}\n  {manifest.digest}")


def _count_table(name: str, counts: "Counter[str]", total: int) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column(f"  {name}", overflow="fold")
    table.add_column("images", justify="right")
    table.add_column("share", justify="right")
    for value, count in counts.most_common():
        share = f"{100 * count / total:.1f} %"
        table.add_row(Text(f"  {value or '(none)'}"), f"{count:,}", share)
    return table


def _findings(manifest: "Manifest") -> Table:
    """Return how often each of several findings is present, absent, uncertain, not told."""
    words = {1: "present", 0: "absent", -1: "uncertain", -2: "not told"}
    table = Table("  finding", box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for word in words.values():
        table.add_column(word, justify="right")
    for name, counts in manifest.finding_counts().items():
        table.add_row(Text(f"  {name}"), *(f"{counts[value]:,}" for value in words))
    return table


def _reasons(counts: "Counter[Reason]") -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(justify="right")
    table.add_column(overflow="fold")
    for reason, count in counts.most_common():
        table.add_row(f"  {reason.value}", f"{count:,}", reason.advice)
    return table


def show_trained(done: "Trained") -> None:
    """Print what training left and how to judge it."""
    console = _plain()
    for point in done.calibrated.points:
        console.print(
            f"operating point {point.name} for {point.label}: threshold {point.threshold:.3f}, "
            f"sensitivity {point.sensitivity:.3f}, specificity {point.specificity:.3f} "
            f"on {point.n} calibrate cases",
            highlight=False,
        )
    of_findings = zip(done.calibrated.points, done.calibrated.temperatures, strict=False)
    told = [f"{point.label} {fitted.value:.3f}" for point, fitted in of_findings]
    told = told or [f"{done.calibrated.temperature.value:.3f}"]
    console.print(f"temperature {', '.join(told)}", highlight=False)
    console.print(f"package {done.package.path}\n  {done.package.digest}", highlight=False)
    if done.test_table:
        console.print(
            f"next: medclf validate {done.package.path} --data {done.test_table} --out report",
            highlight=False,
        )


def show_validated(done: "Validated") -> None:
    """Print the figures with their intervals and the verdicts."""
    console = _plain()
    if done.evaluation.task == "findings":
        console.print("means over findings")
    console.print(figures(done.evaluation.metrics))
    if done.evaluation.task == "findings":
        console.print(_by_finding(done.evaluation))
    for verdict in done.evaluation.verdicts:
        sign = {"met": "✓", "not met": "✗"}.get(verdict.verdict.value, "?")
        console.print(
            f"{sign} {verdict.endpoint} {verdict.label} {verdict.direction} {verdict.bound:g}: "
            f"{verdict.verdict} ({interval(verdict.estimate)})",
            highlight=False,
        )
    console.print(str(done.unsealing), highlight=False)
    console.print(f"report {done.page}\n       {done.document}", highlight=False)


def show_opinion(path: Path, opinion: Opinion) -> None:
    """Print one opinion."""
    line = Text(f"{path}  ")
    line.append(opinion.status.value, style=_STYLES[opinion.status])
    for finding in opinion.findings:
        line.append(
            f"  {finding.label} {finding.probability:.3f} {finding.decision.value} "
            f"(threshold {finding.threshold:.3f}, {finding.operating_point})"
        )
    if opinion.reasons:
        line.append("  " + ", ".join(f"{r.value}: {r.advice}" for r in opinion.reasons))
    if opinion.audit_sequence is not None:
        line.append(f"  audit {opinion.audit_sequence}", style="dim")
    if opinion.package and not opinion.released:
        line.append("  candidate package, not for clinical use", style="dim")
    _plain().print(line)


def show_event(event: "Event") -> None:
    """Print one audit record."""
    facts = " ".join(f"{name}={value}" for name, value in event.facts.items())
    _plain().print(
        f"{event.sequence:>6} {event.time} {event.actor} {event.action} {facts}",
        highlight=False,
    )


def show_demo(told: "Told") -> None:
    """Print what the demonstration did, where it lies, and what to type next."""
    console = Console()
    console.print()
    console.print(figures(told.metrics))
    steps = Table(box=None, show_header=False, pad_edge=False)
    steps.add_column(no_wrap=True)
    steps.add_column(overflow="fold")
    for name, value in told.facts:
        steps.add_row(Text(name, style="bold"), value)
    console.print(steps)
    console.print()
    console.print(
        Panel(
            "The X-rays are made up. These figures say that the software works, "
            "and nothing about any patient or hospital.",
            border_style="yellow",
        )
    )
    wide = _plain()
    wide.print(f"Open the report: {told.report}", highlight=False)
    wide.print("Next, type:", highlight=False)
    program = os.path.relpath(sys.argv[0]) if sys.argv[0].endswith("/medclf") else "medclf"
    for command in told.next_commands:
        wide.print(f"  {program} {command}", highlight=False)


def figures(metrics: "Mapping[str, Estimate]") -> Table:
    """Return the main figures as a table; how each interval was made is in the report."""
    table = Table("figure", "estimate", "95 % interval", "n", box=None, pad_edge=False)
    for name in _SHOWN:
        if name not in metrics:  # each task has its own
            continue
        found = metrics[name]
        if not found.defined:
            table.add_row(name.replace("_", " "), "not defined", "", str(found.n))
            continue
        table.add_row(
            name.replace("_", " "),
            f"{found.estimate:.3f}",
            f"{found.low:.3f} to {found.high:.3f}",
            str(found.n),
        )
    return table


def _by_finding(evaluation: "Evaluation") -> Table:
    """Return the main figures of each finding, on the cases that tell of it."""
    shown = ("auc", "average_precision", "sensitivity", "specificity")
    table = Table("finding", box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for name in shown:
        table.add_column(name.replace("_", " "))
    table.add_column("n", justify="right")
    for label, found in evaluation.per_label.items():
        cells = (
            f"{found[name].estimate:.3f} ({found[name].low:.3f} to {found[name].high:.3f})"
            for name in shown
        )
        table.add_row(Text(label), *cells, f"{found['auc'].n:,}")
    return table


def interval(estimate: "Estimate") -> str:
    """Return one figure with its interval in words."""
    return f"{estimate.estimate:.3f}, {estimate.low:.3f} to {estimate.high:.3f}, n = {estimate.n}"
