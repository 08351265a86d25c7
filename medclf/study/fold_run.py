"""One network of a cross-validation: fitted, calibrated, and asked once about its test part.

What it said is kept as a small file named by everything that went into it. A finished network
is so never fitted again, and a half-fitted one goes on from its last epoch.
"""

import json
import shutil
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from medclf.calibrate.scaling import Temperature
from medclf.digest import canonical_json, digest_json
from medclf.durable import write_bytes
from medclf.model.fabric import resolve_precision
from medclf.model.features import compute_outputs
from medclf.model.weights import WeightsReport
from medclf.pixels.transforms.preprocessing import normalise
from medclf.study.calibrate import settle
from medclf.study.config import StudyConfig
from medclf.study.fitting import build_network, fit_network
from medclf.study.prepare import Prepared
from medclf.study.progress import Progress

FORMAT = "medclf-fold/1"


@dataclass(frozen=True)
class FoldRun:
    """What is fitted: one method with one seed on one fold.

    Attributes:
        fold: from 1.
        prepared: the fold's own split over the pictures of all.
        config: the study's, with the method and the seed of this run.
        weights: the pretrained weights that it starts from.
    """

    fold: int
    prepared: Prepared
    config: StudyConfig
    weights: WeightsReport

    @property
    def identity(self) -> str:
        """Digest of everything that the result depends on."""
        config = self.config
        settings = config.model_dump(
            mode="json",
            include={
                *("seed", "preprocessing", "augment", "fit", "calibrate"),
            },
        )
        return digest_json(
            {
                **settings,
                "format": FORMAT,
                "version": version("medclf"),
                "manifest": self.prepared.manifest.digest,
                "split": self.prepared.split.digest,
                "pictures": self.prepared.pictures.digest,
                "weights": self.weights.digest,
                "model": config.model.model_dump(mode="json", exclude={"weights", "runtime"}),
                "precision": resolve_precision(config.fit.precision).value,
                "labels": list(config.data.labels),
                "positive": config.data.positive,
                "ordered": config.data.ordered,
            }
        )


@dataclass(frozen=True, eq=False)
class FoldScores:
    """What one network said of the test part of its fold.

    Attributes:
        fold: from 1.
        seed: of the network, not of the split.
        method: `probe`, `finetune` or `gradual`; `trivial`, `svm` or `forest` for a simple reader.
        identity: digest of everything that it depends on.
        cases: (n) digest of each test image, in the manifest's order.
        scores: (n, classes) float64, before calibration.
        temperature: fitted on the fold's own calibrate part.
        thresholds: label → frozen threshold, chosen there too.
        epochs: that were run; 0 for a probe.
        best_epoch: that was kept; 0 for a probe.
    """

    fold: int
    seed: int
    method: str
    identity: str
    cases: tuple[str, ...]
    scores: np.ndarray[Any, np.dtype[np.float64]]
    temperature: Temperature
    thresholds: dict[str, float]
    epochs: int
    best_epoch: int

    @property
    def probabilities(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """(n, classes) float64, calibrated."""
        return self.temperature.apply(self.scores)

    def encode(self) -> bytes:
        """Return the file's content; the last key is the digest of all others."""
        content: dict[str, Any] = {
            "format": FORMAT,
            "fold": self.fold,
            "seed": self.seed,
            "method": self.method,
            "identity": self.identity,
            "cases": list(self.cases),
            "scores": self.scores.tolist(),
            "temperature": {"value": self.temperature.value, "note": self.temperature.note},
            "thresholds": self.thresholds,
            "epochs": self.epochs,
            "best_epoch": self.best_epoch,
        }
        return canonical_json({**content, "digest": digest_json(content)})

    @property
    def digest(self) -> str:
        """Digest of all that it says."""
        return str(json.loads(self.encode())["digest"])


def run_fold(run: FoldRun, folder: Path, *, progress: Progress) -> FoldScores:
    """Fit one network and keep what it says of its test part; a finished one is only read.

    Args:
        run: what to fit.
        folder: of the results; a half-fitted network keeps its checkpoint there too.
        progress: told about each stage.

    Raises:
        MedclfError: of the room where it failed.
        OSError: result or checkpoint cannot be written.
    """
    name = run.identity[7:23]
    path, unfinished = folder / f"{name}.json", folder / name
    found = read_scores(path, run.identity)
    if found is None:
        found = _fit(run, unfinished, progress)
        write_bytes(path, found.encode())
    if unfinished.exists():  # its checkpoint is many times as large as what it came to
        shutil.rmtree(unfinished)
    return found


def _fit(run: FoldRun, workspace: Path, progress: Progress) -> FoldScores:
    config = run.config.model_copy(update={"workspace": workspace})
    prepared = run.prepared
    network, weights = build_network(config)
    learned = fit_network(network, weights, prepared, config, progress=progress)
    held_out, test = prepared.parts["calibrate"], prepared.parts["test"]
    outputs = compute_outputs(
        learned.network,
        prepared.pictures.array,
        [*held_out.rows.tolist(), *test.rows.tolist()],
        normalise=lambda batch: normalise(batch, config.preprocessing),
        progress=lambda done, total: progress("judge", done, total, ""),
    )
    temperature, points = settle(outputs.scores[: len(held_out.rows)], held_out.truth, config)
    digests = prepared.manifest.column("digest")
    fitted = learned.fitted
    return FoldScores(
        fold=run.fold,
        seed=config.seed,
        method=config.model.method,
        identity=run.identity,
        cases=tuple(digests[row] for row in test.rows.tolist()),
        scores=outputs.scores[len(held_out.rows) :],
        temperature=temperature,
        thresholds={point.label: point.threshold for point in points},
        epochs=len(fitted.history) if fitted else 0,
        best_epoch=fitted.best if fitted else 0,
    )


def read_scores(path: Path, identity: str) -> FoldScores | None:
    """Return a finished result; None where there is none, or not a byte of it can be relied on."""
    try:
        content = json.loads(path.read_bytes())
        digest = content.pop("digest")
        if digest != digest_json(content) or content["identity"] != identity:
            return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return FoldScores(
        fold=content["fold"],
        seed=content["seed"],
        method=content["method"],
        identity=content["identity"],
        cases=tuple(content["cases"]),
        scores=np.array(content["scores"], dtype=np.float64),
        temperature=Temperature(**content["temperature"]),
        thresholds={label: float(value) for label, value in content["thresholds"].items()},
        epochs=content["epochs"],
        best_epoch=content["best_epoch"],
    )
