"""Several findings with missing labels, held against a reference that is computed by hand.

Made-up scores and truth of 14 findings, three in ten cells not told: the masked loss, its
gradient and every figure are computed once by medclf and once by loops over single cells that
follow the definitions and share no code with it. Then made-up pictures, each of 14 marks there
or not by itself: a network that is told seven cells in ten finds them on new pictures.

    python -m validation.findings_reference
"""

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from medclf.evaluate.evaluation import Evaluation
from medclf.evaluate.finding_cases import FindingCases
from medclf.evaluate.findings import evaluate_findings
from medclf.evaluate.protocol import Protocol, Task
from medclf.model.features import compute_outputs
from medclf.model.fit import finetune
from medclf.model.fit_config import FitConfig, Precision, Weighting
from medclf.model.loss import make_objective
from medclf.model.network import Architecture, Network
from medclf.model.part import UNKNOWN, Part
from medclf.model.task import Task as ModelTask
from medclf.opinion import Status

FINDINGS = 14
MISSING = 0.3
FIGURES = ("auc", "average_precision", "sensitivity", "specificity")
_SIDE, _CELL = 64, 16  # px; marks lie in a grid of 4 × 4 cells

Array = np.ndarray[Any, Any]


def made_up_scores(cases: int = 400, *, seed: int = 14) -> tuple[Array, Array]:
    """Return scores (cases, 14) float64 that tell the findings badly to well, and truth.

    Truth is (cases, 14) of 0, 1 and `UNKNOWN`; scores are rounded, so that ties occur.
    """
    generator = np.random.default_rng(seed)
    prevalence = np.linspace(0.05, 0.5, FINDINGS)
    whole = (generator.random((cases, FINDINGS)) < prevalence).astype(np.int64)
    help_of = np.linspace(0.2, 2.5, FINDINGS)
    scores = generator.normal(size=whole.shape) + help_of * (whole - 0.5)
    told = generator.random(whole.shape) >= MISSING
    return scores.round(1), np.where(told, whole, UNKNOWN)


def loss_by_hand(scores: Array, truth: Array, *, balanced: bool) -> tuple[float, Array]:
    """Return the mean loss and its gradient, cell by cell from the definition.

    The loss is the mean over all told cells of w · -log p(truth), where w is n / (2 · n_1) for
    a present cell and n / (2 · n_0) for an absent one of a finding that n cells tell of.
    """
    told = int(sum(truth[i, k] != UNKNOWN for i in range(len(truth)) for k in range(FINDINGS)))
    loss, gradient = 0.0, np.zeros(truth.shape)
    for k in range(FINDINGS):
        present = sum(1 for i in range(len(truth)) if truth[i, k] == 1)
        absent = sum(1 for i in range(len(truth)) if truth[i, k] == 0)
        for i in range(len(truth)):
            if truth[i, k] == UNKNOWN:
                continue
            p = 1 / (1 + math.exp(-scores[i, k]))
            own = present if truth[i, k] == 1 else absent
            weight = (present + absent) / (2 * own) if balanced else 1.0
            loss -= weight * math.log(p if truth[i, k] == 1 else 1 - p) / told
            gradient[i, k] = weight * (p - truth[i, k]) / told
    return loss, gradient


def loss_by_medclf(scores: Array, truth: Array, *, balanced: bool) -> tuple[float, Array]:
    """Return the same from the objective that training minimises, in float32."""
    weighting = Weighting.BALANCED if balanced else Weighting.NONE
    objective = make_objective(
        FitConfig(weighting=weighting, smoothing=0.0),
        truth,
        classes=FINDINGS,
        task=ModelTask.FINDINGS,
        device=torch.device("cpu"),
    )
    leaf = torch.tensor(scores, dtype=torch.float32, requires_grad=True)
    loss = objective(leaf, torch.as_tensor(truth)).mean()
    loss.backward()
    if leaf.grad is None:
        raise RuntimeError("the objective does not depend on the scores")
    return float(loss.detach()), leaf.grad.numpy()


def figures_by_hand(probabilities: Array, truth: Array, *, threshold: float) -> Array:
    """Return (4, 14): AUC, average precision, sensitivity and specificity of each finding.

    AUC: share of pairs of a present and an absent case that are ordered rightly, ties half.
    Average precision: at each distinct probability, recall gained times precision there.
    """
    table = np.zeros((len(FIGURES), FINDINGS))
    for k in range(FINDINGS):
        own = [
            (float(probabilities[i, k]), int(truth[i, k]))
            for i in range(len(truth))
            if truth[i, k] != UNKNOWN
        ]
        present = [p for p, t in own if t == 1]
        absent = [p for p, t in own if t == 0]
        won = sum((p > q) + 0.5 * (p == q) for p in present for q in absent)
        precision, before = 0.0, 0.0
        for level in sorted({p for p, _ in own}, reverse=True):
            called = [t for p, t in own if p >= level]
            recall = sum(called) / len(present)
            precision += (recall - before) * sum(called) / len(called)
            before = recall
        table[:, k] = (
            won / (len(present) * len(absent)),
            precision,
            sum(p >= threshold for p in present) / len(present),
            sum(p < threshold for p in absent) / len(absent),
        )
    return table


def figures_by_medclf(probabilities: Array, truth: Array, *, threshold: float) -> Evaluation:
    """Return medclf's evaluation of the same cases."""
    cases, names = len(truth), tuple(f"finding {k + 1:02d}" for k in range(FINDINGS))
    protocol = Protocol.default_for(names, None, task=Task.FINDINGS)
    return evaluate_findings(
        FindingCases(
            case_ids=tuple(f"{i:04d}" for i in range(cases)),
            findings=names,
            truth=truth,
            probabilities=probabilities,
            decisions=probabilities >= threshold,
            scores=np.log(probabilities / (1 - probabilities)),
            statuses=(Status.OK,) * cases,
            reasons=((),) * cases,
            clusters=("",) * cases,
            subgroups={},
            thresholds=dict.fromkeys(names, threshold),
        ),
        protocol.model_copy(update={"resamples": 200, "subgroups": ()}),
    )


def draw_marks(cases: int, *, seed: int) -> tuple[Array, Array]:
    """Return pictures (cases, 64, 64) uint8 and truth (cases, 14): which marks are there.

    Each mark is a bright spot somewhere in its own cell of a grid, faint or clear, on noise; it
    is there or not whatever the others are, more rarely for the first findings.
    """
    generator = np.random.default_rng(seed)
    truth = (generator.random((cases, FINDINGS)) < np.linspace(0.15, 0.5, FINDINGS)).astype(int)
    pictures = generator.normal(90, 18, (cases, _SIDE, _SIDE))
    down, right = np.mgrid[:_SIDE, :_SIDE]
    for i, k in np.argwhere(truth == 1):
        row, column = (np.array(divmod(int(k), _SIDE // _CELL)) + 0.5) * _CELL
        row, column = row + generator.uniform(-3, 3), column + generator.uniform(-3, 3)
        spot = np.exp(-((down - row) ** 2 + (right - column) ** 2) / (2 * 2.5**2))
        pictures[i] += generator.uniform(60, 120) * spot
    return pictures.clip(0, 255).astype(np.uint8), truth.astype(np.int64)


@dataclass(frozen=True)
class Recovered:
    """AUC of each mark on new pictures of which everything is known."""

    auc: tuple[float, ...]
    told: int


def recover_marks(*, epochs: int = 12, seed: int = 14) -> Recovered:
    """Train a small network with three cells in ten not told, and look at new pictures."""
    pictures, whole = draw_marks(1400, seed=seed)
    told = np.random.default_rng(seed + 1).random(whole.shape) >= MISSING
    truth = np.where(told, whole, UNKNOWN)
    rows = np.arange(len(truth), dtype=np.int64)
    train, tune, test = rows[:800], rows[800:1000], rows[1000:]

    def normalise(batch: Array) -> torch.Tensor:
        return torch.from_numpy(np.asarray(batch)).float().unsqueeze(1) / 64 - 1.5

    torch.manual_seed(seed)
    network = Network(
        Architecture(
            backbone="medclf/lenet5",
            channels=1,
            size=_SIDE,
            classes=FINDINGS,
            task=ModelTask.FINDINGS,
        )
    )
    with tempfile.TemporaryDirectory() as folder:
        finetune(
            network,
            pictures,
            train=Part(train, truth[train]),
            tune=Part(tune, truth[tune]),
            config=FitConfig(
                epochs=epochs, learning_rate=3e-3, freeze_norms=False, precision=Precision.FLOAT32
            ),
            seed=seed,
            normalise=normalise,
            augmented=lambda batch, generator: normalise(batch),
            checkpoint=Path(folder) / "checkpoint.pt",
            identity="marks",
        )
    scores = compute_outputs(network, pictures, test.tolist(), normalise=normalise).scores
    found = (roc_auc_score(whole[test, k], scores[:, k]) for k in range(FINDINGS))
    return Recovered(tuple(float(auc) for auc in found), int((truth[train] != UNKNOWN).sum()))


def main() -> None:
    """Print both columns and what they differ by."""
    scores, truth = made_up_scores()
    told = int((truth != UNKNOWN).sum())
    print(f"{truth.shape[0]} cases, {FINDINGS} findings, {told:,} of {truth.size:,} cells told")
    for balanced in (False, True):
        loss, gradient = loss_by_hand(scores, truth, balanced=balanced)
        own, slope = loss_by_medclf(scores, truth, balanced=balanced)
        name = "balanced" if balanced else "plain"
        print(
            f"masked loss, {name:8}: by hand {loss:.9f}, medclf {own:.9f}, "
            f"off by {abs(own - loss):.1e}; gradient off by {np.abs(slope - gradient).max():.1e}"
        )
    probabilities = 1 / (1 + np.exp(-scores))
    table = figures_by_hand(probabilities, truth, threshold=0.5)
    found = figures_by_medclf(probabilities, truth, threshold=0.5)
    print(f"\n{'':12}" + "".join(f"{name:>20}" for name in FIGURES))
    worst = 0.0
    for k, (name, own) in enumerate(found.per_label.items()):
        values = [own[figure].estimate for figure in FIGURES]
        worst = max(worst, float(np.abs(np.array(values) - table[:, k]).max()))
        print(f"{name:12}" + "".join(f"{value:20.6f}" for value in values))
    means = np.array([found.metrics[figure].estimate for figure in FIGURES])
    worst = max(worst, float(np.abs(means - table.mean(axis=1)).max()))
    print(f"{'mean':12}" + "".join(f"{value:20.6f}" for value in means))
    print(f"largest difference from the reference by hand: {worst:.1e}")
    marks = recover_marks()
    print(
        f"\n14 marks, {marks.told:,} of {800 * FINDINGS:,} cells told to the network: "
        f"AUC on 400 new pictures {min(marks.auc):.4f} to {max(marks.auc):.4f}, "
        f"mean {np.mean(marks.auc):.4f}"
    )


if __name__ == "__main__":
    main()
