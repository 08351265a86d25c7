"""Cross-validates the studies of `validation/studies` on real images; writes JSON and a table.

    python -m validation.folds_real [NAME ...] [--work FOLDER] [--out FOLDER]

Needs the folder that `MEDCLF_SHARED_DATA` names, and an hour or more on two cores. A run that
was killed goes on when the same command is given again with the same `--work`. What is written
to `--out` names no picture and no patient.
"""

import argparse
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medclf import api
from medclf.cli.door import shown_progress
from medclf.config import load_yaml, save_yaml
from medclf.durable import write_bytes, write_text
from medclf.study.config import StudyConfig

FOLDS = 5
FIGURES = ("quadratic_kappa", "auc", "sensitivity", "specificity", "balanced_accuracy", "ece")

_HERE = Path(__file__).resolve().parent
_DATA = Path(os.environ.get("MEDCLF_SHARED_DATA", _HERE.parents[1] / "shared" / "data"))


@dataclass(frozen=True)
class Bar:
    """What a study's mean over the folds has to reach; fixed before any figure was seen."""

    figure: str
    least: float


BARS = {
    "xray_pneumonia": Bar("auc", 0.993),
    "fundus_referable": Bar("auc", 0.975),
    "pathology_lung": Bar("auc", 0.995),
    "fundus_grades": Bar("quadratic_kappa", 0.75),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(BARS), choices=list(BARS))
    parser.add_argument("--work", type=Path, default=Path("folds-work"))
    parser.add_argument("--out", type=Path, default=_HERE / "evidence" / "folds")
    arguments = parser.parse_args()
    if not (_DATA / "README.md").is_file():
        sys.exit(f"real data absent: no {_DATA} (name another with MEDCLF_SHARED_DATA)")
    for name in arguments.names:
        study = place(name, arguments.work.absolute())
        with shown_progress() as progress:
            done = api.train_folds(
                study, folds=FOLDS, home=arguments.work / "home", actor=name, progress=progress
            )
        write_bytes(arguments.out / f"{name}.json", done.path.read_bytes())
        found = {
            known: json.loads((arguments.out / f"{known}.json").read_text())
            for known in BARS
            if (arguments.out / f"{known}.json").exists()
        }
        write_text(arguments.out / "table.md", as_markdown(found))
        print(f"{name}: {arguments.out / 'table.md'}")


def place(name: str, work: Path) -> Path:
    """Write a study with paths that lead to the data and to a workspace; return its file."""
    study = load_yaml(_HERE / "studies" / f"{name}.yaml", StudyConfig)
    placed = study.model_copy(
        update={
            "workspace": work / name,
            "data": study.data.model_copy(update={"table": _DATA / (study.data.table or "")}),
            "model": study.model.model_copy(update={"weights": str(_DATA / study.model.weights)}),
        }
    )
    path = work / f"{name}.yaml"
    work.mkdir(parents=True, exist_ok=True)
    save_yaml(path, placed)
    return path


def as_markdown(found: dict[str, dict[str, Any]]) -> str:
    """Return a table of what was reached, and under it each fold of each study."""
    head = (
        "study",
        "figure",
        "bar",
        "mean ± SD over folds (range)",
        "its interval (95 %)",
        "reached",
    )
    lines = [*_rows(head)]
    for name, document in found.items():
        figure, least = BARS[name].figure, BARS[name].least
        spread = _own(document)["over_folds"][figure]
        within = "auc_within_folds" if figure == "auc" else figure  # kappa: of all cases pooled
        whole = _pooled(document)[within]
        lines += _rows(
            (
                f"`{name}`",
                figure.replace("_", " "),
                f"≥ {least:g}",
                f"{spread['mean']:.4f} ± {spread['sd']:.4f} "
                f"({spread['low']:.4f} to {spread['high']:.4f})",
                f"{whole['estimate']:.4f} ({whole['low']:.4f} to {whole['high']:.4f})",
                "yes" if spread["mean"] >= least else "**no**",
            ),
            head=False,
        )
    for name, document in found.items():
        lines += ["", f"## {name}", "", *_beside(document), "", *_ahead(document)]
        lines += _folds(document)
    return "\n".join(["# Five folds on real images", "", *lines, ""])


def _beside(document: dict[str, Any]) -> list[str]:
    methods = document["methods"]
    names = [document["configuration"]["model"]["method"], "probe"]  # and the simpler ones below
    ordered = {name: methods[name] for name in [*names, *methods] if name in methods}
    figures = _figures(document)
    lines = _rows(("mean ± SD over folds", *(figure.replace("_", " ") for figure in figures)))
    for method, summary in ordered.items():
        spreads = [summary["over_folds"].get(figure) for figure in figures]
        cells = [f"{s['mean']:.4f} ± {s['sd']:.4f}" if s else "" for s in spreads]
        lines += _rows((method, *cells), head=False)
    return lines


def _ahead(document: dict[str, Any]) -> list[str]:
    """Return how far the network is ahead of what stands beside it; nothing in older documents."""
    rows = [
        (
            method,
            figure.replace("_", " "),
            f"{one['estimate']:+.4f} ({one['low']:+.4f} to {one['high']:+.4f})",
            "" if one["p"] is None else f"{one['p']:.3f}",
        )
        for method, figures in document.get("ahead", {}).items()
        for figure, one in figures.items()
    ]
    if not rows:
        return []
    lines = _rows(("the network ahead of", "figure", "by (95 %)", "p, paired"))
    return [*lines, *(line for row in rows for line in _rows(row, head=False)), ""]


def _folds(document: dict[str, Any]) -> list[str]:
    figures = _figures(document)
    names = (figure.replace("_", " ") for figure in figures)
    lines = _rows(("fold", "test images", *names, "epoch kept"))
    for run in _own(document)["runs"]:
        cells = (f"{run['figures'][figure]:.4f}" for figure in figures)
        epoch = f"{run['best_epoch']} of {run['epochs']}"
        lines += _rows((str(run["fold"]), str(run["cases"]), *cells, epoch), head=False)
    return lines


def _figures(document: dict[str, Any]) -> list[str]:
    known = _own(document)["over_folds"]
    return [name for name in FIGURES if name in known]


def _own(document: dict[str, Any]) -> dict[str, Any]:
    summary: dict[str, Any] = document["methods"][document["configuration"]["model"]["method"]]
    return summary


def _pooled(document: dict[str, Any]) -> dict[str, Any]:
    pooled: dict[str, Any] = _own(document)["pooled"][str(document["configuration"]["seed"])]
    return pooled


def _rows(cells: tuple[str, ...], *, head: bool = True) -> list[str]:
    line = f"| {' | '.join(cells)} |"
    return [line, "|" + "---|" * len(cells)] if head else [line]


if __name__ == "__main__":
    main()
