"""The Python face of medclf: a function for every command, with the same name.

Rooms that take long to import are imported when called. What looks after an installation, its
audit trail and its cache, stands in `medclf.installation`; what makes images in `medclf.images`.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from medclf.errors import InstanceRefused, MisuseError
from medclf.images import kind_named
from medclf.installation import StrPath, open_home
from medclf.study.progress import Progress, silent

if TYPE_CHECKING:
    from medclf.model.listed import Listed
    from medclf.opinion import Opinion
    from medclf.registry.store import Release
    from medclf.report.plots import Plot
    from medclf.service.client import ClientConfig
    from medclf.service.config import ServiceConfig
    from medclf.study.folds import Folds
    from medclf.study.ingest import Ingested
    from medclf.study.leakage import Leakage
    from medclf.study.read import Read
    from medclf.study.train import Trained
    from medclf.study.validate import Validated
    from medclf.study.variant import Variant


def init(
    kind: str,
    data: StrPath,
    *,
    weights: str = "hub",
    out: StrPath = "study.yaml",
    backbone: str | None = None,
    label: str = "label",
    positive: str | None = None,
    size: int | None = None,
    method: str = "finetune",
    made_up: bool = False,
    replace: bool = False,
    tell: Callable[[str], None] = lambda line: None,
) -> Path:
    """Write a commented `study.yaml` for a labels table or another source of images.

    Args:
        kind: `xray`, `fundus` or `pathology`.
        data: labels table (CSV), folder with a folder for each class, or `.npz` of MedMNIST.
        weights: `hub`, `random`, or a file of pretrained weights.
        out: file to write.
        backbone: `provider/architecture`; told from the weights' name when None.
        label: the column that holds the label.
        positive: the finding among two labels; told from their names when None.
        size: side of the input in pixels.
        method: `probe`, `finetune` or `gradual`.
        made_up: whether the images are simulated; every report then says so.
        replace: whether an existing file may be replaced.
        tell: told what was recognised in the data rather than said in the call.

    Raises:
        MedclfError: see `medclf.study.init.init`.
    """
    from medclf.study.init import Wishes
    from medclf.study.init import init as step

    wishes = Wishes(
        weights=weights,
        backbone=backbone,
        label=label,
        positive=positive,
        size=size,
        method=method,
        made_up=made_up,
    )
    return step(kind_named(kind), Path(data), Path(out), wishes=wishes, replace=replace, tell=tell)


def ingest(
    study: StrPath,
    *,
    home: StrPath | None = None,
    actor: str | None = None,
    progress: Progress = silent,
) -> "Ingested":
    """Check every image that a study names and write its manifest.

    Raises:
        MedclfError: see `medclf.study.ingest.ingest`.
    """
    from medclf.study.ingest import ingest as step

    return step(Path(study), home=open_home(home, actor), progress=progress)


def leakage(
    study: StrPath,
    *,
    home: StrPath | None = None,
    actor: str | None = None,
    progress: Progress = silent,
) -> "Leakage":
    """Look for copies, shared patients and shortcuts in the cohort of a study.

    Raises:
        MedclfError: see `medclf.study.leakage.leakage`.
    """
    from medclf.study.leakage import leakage as step

    return step(Path(study), home=open_home(home, actor), progress=progress)


def train(
    study: StrPath,
    *,
    out: StrPath | None = None,
    home: StrPath | None = None,
    actor: str | None = None,
    progress: Progress = silent,
) -> "Trained":
    """Train, calibrate and pack the model of a study.

    Of several processes that `torchrun` started, the first one returns; in the others this helps
    it and ends the process.

    Raises:
        MedclfError: see `medclf.study.train.train`.
    """
    from medclf.study.ranks import follow, joined
    from medclf.study.train import train as step

    place = open_home(home, actor)
    with joined() as processes:
        if processes.first:
            return step(
                Path(study),
                out=None if out is None else Path(out),
                home=place,
                progress=progress,
            )
        follow(place)
    raise SystemExit(0)


def train_folds(
    study: StrPath,
    *,
    folds: int,
    seeds: int = 1,
    home: StrPath | None = None,
    actor: str | None = None,
    progress: Progress = silent,
) -> "Folds":
    """Judge the way a study trains by grouped k-fold cross-validation: `train --folds`.

    No package comes out.

    Args:
        study: the `study.yaml`.
        folds: k, 2 to 20.
        seeds: networks for each fold, with the study's seed and the ones after it.
        home: holds the audit trail and the lineage.
        actor: who acts.
        progress: told about each stage.

    Raises:
        MedclfError: see `medclf.study.folds.train_folds`.
    """
    from medclf.model.processes import launched_together
    from medclf.study.folds import train_folds as step

    if launched_together():
        raise MisuseError(
            "Several processes were started together; folds are trained by one.",
            advice="Run `medclf train --folds` without torchrun.",
        )
    return step(
        Path(study), home=open_home(home, actor), folds=folds, seeds=seeds, progress=progress
    )


def validate(
    package: "StrPath | Trained",
    *,
    data: StrPath | None = None,
    out: StrPath | None = None,
    protocol: StrPath | None = None,
    label: str | None = None,
    home: StrPath | None = None,
    actor: str | None = None,
    progress: Progress = silent,
) -> "Validated":
    """Read every image of a labels table with a package and report how well it did.

    Args:
        package: the package's folder, or what `train` returned.
        data: labels table; may be left out after `train`: then it is the sealed test part.
        out: folder for the report; `report` beside the test part when both are left out.
        protocol: YAML file of what was fixed beforehand.
        label: the column that holds the label; `label`, or the study's, when None.
        home: whose audit trail and lineage record it.
        actor: who acts.
        progress: told about each image.

    Raises:
        MisuseError: `data` or `out` is missing, and `package` does not tell it.
        MedclfError: see `medclf.study.validate.validate`.
    """
    from medclf.study.train import Trained
    from medclf.study.validate import validate as step

    if isinstance(package, Trained):
        label = label or package.label
        if data is None and package.test_table is not None:
            data = package.test_table
            out = package.test_table.parent / "report" if out is None else out
    if data is None or out is None:
        raise MisuseError(
            "It is not said which images to judge, or where to write the report.",
            advice="Name `data`, a labels table, and `out`, a folder.",
        )
    return step(
        Path(package),
        data=Path(data),
        out=Path(out),
        protocol=None if protocol is None else Path(protocol),
        label=label or "label",
        home=open_home(home, actor),
        progress=progress,
    )


def read(
    package: StrPath,
    images: Iterable[StrPath],
    *,
    home: StrPath | None = None,
    actor: str | None = None,
) -> "Iterator[Read]":
    """Give a package's opinion of some images, one after the other, each audited.

    Raises:
        MedclfError: see `medclf.study.read.read`.
    """
    from medclf.study.read import read as step

    return step(Path(package), map(Path, images), home=open_home(home, actor))


def release(
    package: StrPath,
    *,
    note: str = "",
    unvalidated: bool = False,
    home: StrPath | None = None,
    actor: str | None = None,
) -> "Release":
    """Sign a release record for a validated package.

    Raises:
        MedclfError: see `medclf.study.release.release`.
    """
    from medclf.study.release import release as step

    return step(Path(package), home=open_home(home, actor), note=note, unvalidated=unvalidated)


def variant(
    package: StrPath,
    *,
    study: StrPath,
    precision: str = "bfloat16",
    out: StrPath | None = None,
    home: StrPath | None = None,
    actor: str | None = None,
    progress: Progress = silent,
) -> "Variant":
    """Make a package of its own that computes in a shorter arithmetic, calibrated by itself.

    Raises:
        MedclfError: see `medclf.study.variant.make_variant`.
    """
    from medclf.study.variant import make_variant as step

    return step(
        Path(package),
        study=Path(study),
        home=open_home(home, actor),
        precision=precision,
        out=None if out is None else Path(out),
        progress=progress,
    )


def serve(
    package: StrPath,
    *,
    config: "ServiceConfig | None" = None,
    require_release: bool = False,
    home: StrPath | None = None,
    actor: str | None = None,
    loaded: Callable[[str], None] = lambda runtime: None,
    ready: Callable[[str], None] = lambda address: None,
    stop: asyncio.Event | None = None,
) -> None:
    """Serve a package over gRPC until SIGTERM or Ctrl-C, then finish what is in flight.

    Args:
        package: the package's folder.
        config: where to listen and how much to take on.
        require_release: refuse a package that was not released here.
        home: whose audit trail records every opinion.
        actor: who started the server.
        loaded: told what runs the network, such as `openvino in float32`.
        ready: told the address once the server takes calls.
        stop: set it to stop without a signal.

    Raises:
        MedclfError: the package, the address or the audit trail cannot be used.
    """
    from medclf.pixels.isolation import DecodingPool
    from medclf.service.config import ServiceConfig
    from medclf.service.served import ServedClassifier
    from medclf.service.server import serve as run

    place = open_home(home, actor)
    config = config or ServiceConfig()
    with DecodingPool(config.decoding) as pool:  # gets ready while the model is loaded
        from medclf.study.read import load_classifier

        classifier = load_classifier(Path(package), place)
        if require_release and not classifier.released:
            raise MisuseError(
                f"Package {classifier.package.digest[:19]} was not released here.",
                advice="Validate it and run `medclf release`, or leave out --require-release.",
                package=classifier.package.digest,
            )
        loaded(classifier.runtime.about)
        reader = ServedClassifier(replace(classifier, decode=pool.decode))
        with place.open_trail() as trail:
            asyncio.run(run(reader, trail.append, config=config, ready=ready, stop=stop))


def ask(
    images: Iterable[StrPath], *, server: str, config: "ClientConfig | None" = None
) -> "Iterator[tuple[Path, Opinion]]":
    """Ask a server for its opinion of some images, one after the other.

    A file that cannot be read here is REJECTED without being sent; it has no audit record.

    Raises:
        MedclfError: see `medclf.service.client.OpinionClient.ask`.
    """
    from medclf.opinion import Opinion, Status
    from medclf.service.client import ClientConfig, OpinionClient

    with OpinionClient(server, config=config or ClientConfig()) as client:
        for image in images:
            try:
                opinion = client.ask(Path(image))
            except InstanceRefused as error:  # never sent: it cannot be read here
                opinion = Opinion(Status.REJECTED, "", "", reasons=(error.reason,))
            yield Path(image), opinion


def models() -> "tuple[Listed, ...]":
    """Return the backbones that medclf lists by name."""
    from medclf.model.listed import LISTED

    return LISTED


def plots(result: "Trained | Validated") -> "dict[str, Plot]":
    """Return the figures of a training or a validation, by name.

    Each shows itself in a notebook, and `save` writes it as SVG.

    Args:
        result: what `train` or `validate` returned.
    """
    from medclf.study.plots import plots_of

    return plots_of(result)
