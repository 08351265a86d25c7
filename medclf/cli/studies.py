"""The commands of a study: from a labels table to a validated, released package."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from medclf import api, images
from medclf.cli.door import HomeOption, JsonOption, print_json, shown_progress
from medclf.cli.folds import train_folds


class KindName(StrEnum):
    """What the images show."""

    XRAY = "xray"
    FUNDUS = "fundus"
    PATHOLOGY = "pathology"


class Method(StrEnum):
    """How the network learns."""

    PROBE = "probe"
    FINETUNE = "finetune"
    GRADUAL = "gradual"


def demo(
    out: Annotated[Path, typer.Option(help="Folder for all that is made.")] = Path("demo-out"),
    count: Annotated[int, typer.Option(min=200, max=5000, help="Made-up X-rays to draw.")] = 600,
) -> None:
    """Walk the whole path on made-up X-rays, in a few minutes."""
    from medclf.cli.tables import show_demo

    with shown_progress() as progress:
        told = images.demo(out, count=count, progress=progress)
    show_demo(told)


def init(
    kind: Annotated[KindName, typer.Argument(help="What the images show.")],
    data: Annotated[
        Path, typer.Option(help="Labels table, folder with a folder for each class, or .npz.")
    ],
    weights: Annotated[
        str, typer.Option(help="Pretrained weights: hub, random, or a file.")
    ] = "hub",
    out: Annotated[Path, typer.Option(help="File to write.")] = Path("study.yaml"),
    backbone: Annotated[str | None, typer.Option(help="See `medclf models`.")] = None,
    label: Annotated[str, typer.Option(help="Column that holds the label.")] = "label",
    positive: Annotated[str | None, typer.Option(help="The finding among two labels.")] = None,
    size: Annotated[int | None, typer.Option(help="Side of the input in pixels.")] = None,
    method: Annotated[
        Method, typer.Option(help="Head, all weights, or block by block.")
    ] = Method.FINETUNE,
    made_up: Annotated[
        bool, typer.Option("--made-up", help="The images are simulated; reports say so.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write a commented study.yaml for a labels table or another source of images."""
    path = api.init(
        kind.value,
        data,
        weights=weights,
        out=out,
        backbone=backbone,
        label=label,
        positive=positive,
        size=size,
        method=method.value,
        made_up=made_up,
        replace=force,
        tell=lambda line: None if as_json else print(f"recognised {line}"),
    )
    if as_json:
        print_json({"study": str(path)})
        return
    print(f"wrote {path}: read it, then\n  medclf ingest {path}\n  medclf train {path}")


def models(as_json: JsonOption = False) -> None:
    """List the backbones with their weights and licences; any other timm name works too."""
    from medclf.cli.tables import show_models

    listed = api.models()
    if as_json:
        for item in listed:
            print_json(item.facts())
        return
    show_models(listed)


def dicomize(
    table: Annotated[Path, typer.Argument(help="Labels table over PNG, JPEG or TIFF files.")],
    kind: Annotated[KindName, typer.Option(help="What the images show.")],
    out: Annotated[Path, typer.Option(help="Folder for the DICOM files.")],
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many images.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Turn PNG, JPEG or TIFF images with a labels table into valid DICOM objects."""
    with shown_progress() as progress:
        path = images.dicomize(table, out, kind=kind.value, limit=limit, progress=progress)
    if as_json:
        print_json({"table": str(path)})
        return
    print(f"wrote {path}")


def ingest(
    study: Annotated[Path, typer.Argument(help="The study.yaml.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check every image of a study and write its manifest; a killed run goes on."""
    from medclf.cli.tables import show_ingested

    with shown_progress() as progress:
        done = api.ingest(study, home=home, progress=progress)
    if as_json:
        print_json(
            {
                "manifest": str(done.folder),
                "digest": done.manifest.digest,
                "accepted": len(done.manifest),
                "resumed": done.resumed,
                "refused": [
                    {"path": r.path, "reason": r.reason.value, "message": r.message}
                    for r in done.manifest.refused
                ],
            }
        )
        return
    show_ingested(done)


def train(
    study: Annotated[Path, typer.Argument(help="The study.yaml.")],
    out: Annotated[Path | None, typer.Option(help="Folder for the package.")] = None,
    folds: Annotated[
        int | None,
        typer.Option(min=2, max=20, help="Cross-validate on so many folds; packs nothing."),
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, max=20, help="Networks for each fold, seed by seed.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Split, fit, calibrate and pack; Ctrl-C and the same command again goes on."""
    if folds is not None or seeds is not None:
        train_folds(study, folds=folds, seeds=seeds or 1, out=out, home=home, as_json=as_json)
        return
    from medclf.cli.comparison import show_comparison
    from medclf.cli.leakage import show_warnings
    from medclf.cli.tables import show_trained

    with shown_progress() as progress:
        done = api.train(study, out=out, home=home, progress=progress)
    if as_json:
        print_json(
            {
                "package": str(done.package.path),
                "digest": done.package.digest,
                "test_table": None if done.test_table is None else str(done.test_table),
                "temperature": done.calibrated.temperature.value,
                "temperatures": [fitted.value for fitted in done.calibrated.temperatures],
                "audit_sequence": done.audit_sequence,
                "warnings": list(done.warnings),
                "baselines": None if done.comparison is None else done.comparison.as_json(),
            }
        )
        return
    show_warnings(done.warnings)
    if done.comparison is not None:
        show_comparison(done.comparison)
    show_trained(done)


def validate(
    package: Annotated[Path, typer.Argument(help="The package's folder.")],
    data: Annotated[Path, typer.Option(help="Labels table with the reference standard.")],
    out: Annotated[Path, typer.Option(help="Folder for report.html and report.json.")],
    protocol: Annotated[
        Path | None, typer.Option(help="YAML fixed beforehand; descriptive when absent.")
    ] = None,
    label: Annotated[str, typer.Option(help="Column that holds the label.")] = "label",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Judge a package on labelled images and write the report."""
    from medclf.cli.tables import show_validated

    with shown_progress() as progress:
        done = api.validate(
            package,
            data=data,
            out=out,
            protocol=protocol,
            label=label,
            home=home,
            progress=progress,
        )
    if as_json:
        print_json(
            {
                "report": str(done.page),
                "json": str(done.document),
                "metrics": done.evaluation.as_json()["metrics"],
                "verdicts": done.evaluation.as_json()["verdicts"],
                "unsealed": done.unsealing.count,
                "audit_sequence": done.audit_sequence,
            }
        )
        return
    show_validated(done)


def release(
    package: Annotated[Path, typer.Argument(help="The package's folder.")],
    note: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    unvalidated: Annotated[
        bool, typer.Option("--unvalidated", help="Release without a validation made here.")
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer for a package: sign the record that it may be used."""
    done = api.release(package, note=note, unvalidated=unvalidated, home=home)
    if as_json:
        print_json({"package": done.package, "released_at": done.time, "actor": done.actor})
        return
    print(f"released {done.package} by {done.actor}, {done.time}")
