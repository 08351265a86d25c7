"""Writes figures.json: what scikit-learn and statsmodels make of two fixed sets of cases.

Run: python figures.py
"""

import json
from pathlib import Path

import numpy as np
import sklearn
import statsmodels
from sklearn import metrics
from statsmodels.stats.proportion import proportion_confint


def one_of_two(generator: np.random.Generator) -> dict[str, object]:
    truth = generator.random(180) < 0.3
    # Two decimals, so that scores tie.
    scores = np.round(1 / (1 + np.exp(-(generator.normal(size=180) + 1.6 * truth - 1))), 2)
    called = scores >= 0.4
    recall, precision = metrics.recall_score, metrics.precision_score
    return {
        "truth": truth.astype(int).tolist(),
        "scores": scores.tolist(),
        "threshold": 0.4,
        "figures": {
            "auc": metrics.roc_auc_score(truth, scores),
            "sensitivity": recall(truth, called),
            "specificity": recall(truth, called, pos_label=0),
            "ppv": precision(truth, called),
            "npv": precision(truth, called, pos_label=0),
            "f1": metrics.f1_score(truth, called),
            "balanced_accuracy": metrics.balanced_accuracy_score(truth, called),
            "mcc": metrics.matthews_corrcoef(truth, called),
            "accuracy": metrics.accuracy_score(truth, called),
            "brier": metrics.brier_score_loss(truth, scores),
        },
        "confusion": metrics.confusion_matrix(truth, called).tolist(),
    }


def one_of_three(generator: np.random.Generator) -> dict[str, object]:
    truth = generator.choice(3, size=210, p=[0.5, 0.3, 0.2])
    logits = generator.normal(size=(210, 3)) + 1.5 * np.eye(3)[truth]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    best, called = probabilities.argmax(axis=1), probabilities >= 0.35
    hot = np.eye(3, dtype=bool)[truth]
    rest = [metrics.recall_score(~hot[:, i], ~called[:, i]) for i in range(3)]
    return {
        "truth": truth.tolist(),
        "probabilities": probabilities.tolist(),
        "threshold": 0.35,
        "figures": {
            "auc": metrics.roc_auc_score(truth, probabilities, multi_class="ovr", average="macro"),
            "sensitivity": metrics.recall_score(hot, called, average="macro"),
            "specificity": float(np.mean(rest)),
            "ppv": metrics.precision_score(hot, called, average="macro"),
            "f1": metrics.f1_score(hot, called, average="macro"),
            "balanced_accuracy": metrics.balanced_accuracy_score(truth, best),
            "mcc": metrics.matthews_corrcoef(truth, best),
            "accuracy": metrics.accuracy_score(truth, best),
            "brier": float(((probabilities - hot) ** 2).sum(axis=1).mean()),
        },
        "confusion": metrics.confusion_matrix(truth, best).tolist(),
    }


def shares() -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for successes, trials in [(0, 1), (1, 1), (3, 7), (10, 10), (0, 50), (49, 50), (333, 1000)]:
        for confidence in (0.9, 0.95, 0.99):
            row = {"successes": successes, "trials": trials, "confidence": confidence}
            for name, method in [("wilson", "wilson"), ("clopper_pearson", "beta")]:
                ends = proportion_confint(successes, trials, alpha=1 - confidence, method=method)
                row[name] = [float(end) for end in ends]
            rows.append(row)
    return rows


def main() -> None:
    generator = np.random.default_rng(20260101)
    found = {
        "source": f"scikit-learn {sklearn.__version__}, statsmodels {statsmodels.__version__}",
        "made_by": "figures.py",
        "binary": one_of_two(generator),
        "multiclass": one_of_three(generator),
        "shares": shares(),
    }
    Path(__file__).with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
