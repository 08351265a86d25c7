"""The simple readers of a cross-validation: fitted on each fold, judged on its test part.

They stand beside the network as in a plain training (see `medclf.study.baselines`): a trivial
one on brightness or colour, and two classical ones on colour, texture and shape.
"""

from importlib.metadata import version
from pathlib import Path

from medclf.digest import digest_json
from medclf.durable import write_bytes
from medclf.study.calibrate import settle
from medclf.study.classical import Descriptions, fit_classical
from medclf.study.fold_run import FoldRun, FoldScores, read_scores
from medclf.study.progress import Progress

READERS = ("trivial", "svm", "forest")

_FORMAT = "medclf-fold-baseline/1"
_LIBRARIES = ("medclf", "scikit-learn", "scikit-image", "numpy")


def run_baselines(
    run: FoldRun, described: Descriptions, folder: Path, *, progress: Progress
) -> tuple[FoldScores, ...]:
    """Fit the simple readers of a fold and keep what they say; finished ones are only read.

    Args:
        run: the study's own network of the fold; says which cases, labels and seed.
        described: the pictures in numbers, computed once for all folds.
        folder: of the results.
        progress: told about each stage.

    Raises:
        MedclfError: of the room where it failed.
        OSError: a result cannot be written.
    """
    identities = {reader: _identity(run, reader) for reader in READERS}
    paths = {reader: folder / f"{name[7:23]}.json" for reader, name in identities.items()}
    found = [read_scores(paths[reader], identities[reader]) for reader in READERS]
    known = tuple(one for one in found if one is not None)
    if len(known) == len(READERS):
        return known
    prepared, config = run.prepared, run.config
    readers = fit_classical(prepared, config, progress=progress, described=described)
    held_out, test = prepared.parts["calibrate"], prepared.parts["test"]
    said = readers.scores([*held_out.rows.tolist(), *test.rows.tolist()], progress)
    digests = prepared.manifest.column("digest")
    results = []
    for reader in READERS:
        scores = said[reader]
        temperature, points = settle(scores[: len(held_out.rows)], held_out.truth, config)
        one = FoldScores(
            fold=run.fold,
            seed=config.seed,
            method=reader,
            identity=identities[reader],
            cases=tuple(digests[row] for row in test.rows.tolist()),
            scores=scores[len(held_out.rows) :],
            temperature=temperature,
            thresholds={point.label: point.threshold for point in points},
            epochs=0,
            best_epoch=0,
        )
        write_bytes(paths[reader], one.encode())
        results.append(one)
    return tuple(results)


def _identity(run: FoldRun, reader: str) -> str:
    config = run.config
    return digest_json(
        {
            "format": _FORMAT,
            "reader": reader,
            "versions": {name: version(name) for name in _LIBRARIES},
            "manifest": run.prepared.manifest.digest,
            "split": run.prepared.split.digest,
            "pictures": run.prepared.pictures.digest,
            "labels": list(config.data.labels),
            "positive": config.data.positive,
            "ordered": config.data.ordered,
            "seed": config.seed,
            "select_by": config.fit.select_by.value,
            "calibrate": config.calibrate.model_dump(mode="json"),
        }
    )
