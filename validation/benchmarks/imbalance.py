"""Compares ways of learning a rare finding: chest X-rays thinned to 2 % of pneumonia.

    python -m validation.benchmarks.imbalance --out validation/evidence/imbalance

Two levels: a linear head over features that are computed once (many draws), and the whole
fine-tuning as `medclf train` does it (few draws). Every draw keeps other positives in the parts
train, tune and calibrate, whole patients; networks learn, choose their epoch and are calibrated
on what is left. Two tables come out. The first judges on the tune part with all of its
positives, whose patients no network learned from: a default is chosen by it. The second judges
on the test part and chooses nothing. Both keep all positives, and weigh them down to 2 % where a
figure depends on prevalence. A run that was stopped goes on where it was.

Needs the folder that `MEDCLF_SHARED_DATA` names, and about half an hour on two free cores.
"""

import argparse
import dataclasses
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch

from medclf.calibrate.scaling import fit_temperature
from medclf.dicom.instance import Kind
from medclf.digest import digest_json
from medclf.durable import write_text
from medclf.model.features import compute_outputs
from medclf.model.fit_config import FitConfig
from medclf.model.part import Part
from medclf.model.prior import prior_shift
from medclf.pixels.transforms.preprocessing import normalise
from medclf.study.config import StudyConfig, load_study
from medclf.study.fitting import build_network, fit_network
from medclf.study.home import Home
from medclf.study.ingest import ingest
from medclf.study.init import Wishes, init
from medclf.study.prepare import Prepared, is_ingested, open_pictures, prepare
from validation.benchmarks.imbalance_figures import Read
from validation.benchmarks.imbalance_methods import METHODS, PREVALENCE, fit_head, thin
from validation.benchmarks.imbalance_table import Level, document, markdown
from validation.benchmarks.machine import machine, versions

_SIDES = {"head": 224, "finetune": 96}
_EPOCHS = {"head": 20, "finetune": 3}
_DATA = Path(
    os.environ.get("MEDCLF_SHARED_DATA", Path(__file__).resolve().parents[3] / "shared" / "data")
)
_WEIGHTS = "mobilenet_v2_tfslim_int8deq-7e7a259e.pth"
_JUDGED = ("tune", "test")


def main() -> None:
    asked = _arguments()
    if not (_DATA / "README.md").is_file():
        sys.exit(f"real data absent: no {_DATA} (name another with MEDCLF_SHARED_DATA)")
    torch.set_num_threads(asked.threads)
    asked.out.mkdir(parents=True, exist_ok=True)
    levels = []
    for name, draws in (("head", asked.head_draws), ("finetune", asked.finetune_draws)):
        if draws:
            levels.append(_run(name, draws, asked.work))
            _write(levels, asked.out)


def _run(name: str, draws: int, work: Path) -> Level:
    """Fit and score every method on every draw, or read what an earlier run left."""
    config, prepared = _open(work, side=_SIDES[name])
    run = Run(name, config, prepared, work)
    began, todo = time.monotonic(), [(d, m) for d in range(draws) for m in METHODS]
    missing = [pair for pair in todo if not run.path(*pair).exists()]
    for number, (number_of_draw, method) in enumerate(missing):
        run.fit(number_of_draw, method)
        left = (time.monotonic() - began) / (number + 1) * (len(missing) - number - 1)
        print(
            f"{name}: {number + 1}/{len(missing)}, draw {number_of_draw + 1}, {method}; "
            f"about {left / 60:.0f} min left",
            flush=True,
        )
    return run.level(draws)


@dataclasses.dataclass(frozen=True)
class Run:
    """One level of the comparison."""

    name: str
    config: StudyConfig
    prepared: Prepared
    work: Path

    def fit_config(self, method: str) -> FitConfig:
        """The study's own options, with those of a method."""
        return self.config.fit.model_copy(update={**METHODS[method], "epochs": _EPOCHS[self.name]})

    def path(self, draw: int, method: str) -> Path:
        """Where the scores lie; another configuration or split lies elsewhere."""
        what = {
            "fit": self.fit_config(method).model_dump(mode="json"),
            "split": self.prepared.split.digest,
            "side": _SIDES[self.name],
        }
        word = method.replace(" ", "-")
        return self.work / self.name / f"{draw:02d}-{word}-{digest_json(what)[7:15]}.npz"

    def parts(self, draw: int) -> dict[str, Part]:
        """The parts of a draw: thinned but for the test part."""
        patients = np.array(self.prepared.manifest.column("patient"))
        generator = np.random.default_rng(draw)
        return {
            name: part if name == "test" else thin(part, patients[part.rows], generator)
            for name, part in self.prepared.parts.items()
        }

    def fit(self, draw: int, method: str) -> None:
        """Fit one method on one draw and keep its scores; they carry the train part's odds."""
        config, parts = self.fit_config(method), self.parts(draw)
        rows = [
            *parts["calibrate"].rows,
            *(row for name in _JUDGED for row in self.prepared.parts[name].rows),
        ]
        wanted = np.array(rows)
        scores = (
            fit_head(self.features(), parts["train"], config, seed=draw)(wanted)
            if self.name == "head"
            else self._finetune(parts, config, wanted, seed=draw)
        )  # (rows, 2)
        shift = prior_shift(config, parts["train"].truth, 2)
        path = self.path(draw, method)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial.npz")
        np.savez(partial, scores=scores, shift=shift)
        partial.rename(path)

    def features(self) -> np.ndarray:
        """(pictures, features) of the pretrained network, computed once."""
        kept = self.work / "features.npy"
        if not kept.exists():
            network, _ = build_network(self.config)
            outputs = self._outputs(network, np.arange(len(self.prepared.manifest)))
            partial = kept.with_suffix(".partial.npy")
            np.save(partial, outputs.features)
            partial.rename(kept)
        return np.load(kept)

    def _outputs(self, network, rows):
        return compute_outputs(
            network,
            self.prepared.pictures.array,
            rows.tolist(),
            normalise=lambda batch: normalise(batch, self.config.preprocessing),
        )

    def _finetune(self, parts, fit: FitConfig, rows: np.ndarray, *, seed: int) -> np.ndarray:
        config = self.config.model_copy(
            update={"fit": fit, "seed": seed, "workspace": self.work / "running"}
        )
        network, weights = build_network(config)
        thinned = dataclasses.replace(self.prepared, parts=parts)
        learned = fit_network(
            network, weights, thinned, config, progress=lambda stage, done, total, note: None
        )
        return self._outputs(learned.network, rows).scores

    def level(self, draws: int) -> Level:
        """Calibrate and gather the scores of every method."""
        reads: dict[str, dict[str, list[Read]]] = {part: {} for part in _JUDGED}
        for method in METHODS:
            found = [self._read(draw, method) for draw in range(draws)]
            for part in _JUDGED:
                reads[part][method] = [one[part] for one in found]
        patients = np.array(self.prepared.manifest.column("patient"))
        judged = {name: self.prepared.parts[name] for name in _JUDGED}
        return Level(
            name=self.name,
            side=_SIDES[self.name],
            epochs=_EPOCHS[self.name],
            positives={n: int(part.truth.sum()) for n, part in self.parts(0).items()},
            cases={n: len(part.truth) for n, part in self.parts(0).items()},
            reads=reads,
            truth={name: part.truth == 1 for name, part in judged.items()},
            patients={name: tuple(patients[part.rows]) for name, part in judged.items()},
        )

    def _read(self, draw: int, method: str) -> dict[str, Read]:
        kept = np.load(self.path(draw, method))
        calibrate = self.parts(draw)["calibrate"]
        ends = np.cumsum(
            [len(calibrate.rows)] + [len(self.prepared.parts[n].rows) for n in _JUDGED]
        )
        ways = []
        for scores in (kept["scores"], kept["scores"] - kept["shift"]):
            temperature = fit_temperature(scores[: ends[0]], calibrate.truth)
            ways.append(temperature.apply(scores)[:, 1])
        margins = kept["scores"][:, 1] - kept["scores"][:, 0]
        spans = {name: slice(ends[i], ends[i + 1]) for i, name in enumerate(_JUDGED)}
        return {n: Read(margins[s], ways[0][s], ways[1][s]) for n, s in spans.items()}


def _open(work: Path, *, side: int) -> tuple[StudyConfig, Prepared]:
    """Ingest and split as any study does; both levels share one split."""
    study = work / "study.yaml"
    home = Home(work / "home", "benchmark", lambda: datetime.now(UTC))
    if not study.exists():
        work.mkdir(parents=True, exist_ok=True)
        wishes = Wishes(weights=str(_DATA / "weights" / _WEIGHTS), size=_SIDES["head"])
        init(Kind.XRAY, _DATA / "xray_pneumonia" / "labels.csv", study, wishes=wishes)
    config = load_study(study)
    if not is_ingested(config):
        ingest(study, home=home, progress=_tell)
    first = prepare(config, home=home, progress=_tell)
    if side == config.preprocessing.size:
        return config, first
    smaller = config.preprocessing.model_copy(update={"size": side})
    config = config.model_copy(update={"preprocessing": smaller})
    _, pictures, _ = open_pictures(config, home=home, progress=_tell)
    return config, dataclasses.replace(first, pictures=pictures)


def _tell(stage: str, done: int, total: int, note: str) -> None:
    if done % 500 == 0 or done == total:
        print(f"{stage}: {done}/{total} {note}", flush=True)


def _write(levels: list[Level], out: Path) -> None:
    judged = [(level, level.judge(prevalence=PREVALENCE)) for level in levels]
    about = {"machine": machine(), "versions": versions(), "prevalence": PREVALENCE}
    write_text(out / "imbalance.json", document(judged, about))
    write_text(out / "table.md", markdown(judged))
    print(markdown(judged))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("imbalance-out"))
    parser.add_argument(
        "--work", type=Path, default=Path("imbalance-work"), help="kept for a rerun"
    )
    parser.add_argument("--head-draws", type=int, default=30)
    parser.add_argument("--finetune-draws", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
