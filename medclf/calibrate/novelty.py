"""Knowing what was never seen: how far an image lies from all the training images.

The distance is Mahalanobis' to the nearest class mean, in the main directions of the network's
features, with one shrunk covariance for all classes. Sources: Lee et al. 2018, A Simple Unified
Framework for Detecting Out-of-Distribution Samples, arXiv:1807.03888; Ledoit & Wolf 2004,
Journal of Multivariate Analysis 88:365 (shrinkage).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import linalg

from medclf.errors import CalibrationRefused

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# Features of a backbone have few strong directions; more only add noise to the covariance.
_MOST_DIRECTIONS = 64
# Where too few cases are held out to see the wanted quantile, their maximum is stretched so.
_STRETCH = 1.05


@dataclass(frozen=True, eq=False, slots=True)
class Novelty:
    """What the training features looked like, and how far is too far.

    Attributes:
        mean: (d,) float64, of the training features.
        basis: (d, q) float64, projects and whitens: classes get unit covariance in it.
        centres: (c, q) float64, class means in that basis.
        threshold: distance beyond which an image is unlike training, > 0.
    """

    mean: FloatArray
    basis: FloatArray
    centres: FloatArray
    threshold: float

    def distance(self, features: FloatArray) -> FloatArray:
        """Return distances in units of the threshold: above 1 is unlike training.

        Args:
            features: (n, d), as the network gives them.

        Returns:
            (n,) float64 ≥ 0; infinite where a feature is not finite.

        Raises:
            CalibrationRefused: features of another width.
        """
        if features.ndim != 2 or features.shape[1] != len(self.mean):
            raise CalibrationRefused(
                f"Features {features.shape} were given; (n, {len(self.mean)}) are needed.",
                advice="Use the novelty statistics of the same package.",
            )
        return self._raw(features.astype(np.float64)) / self.threshold

    def _raw(self, features: FloatArray) -> FloatArray:
        distances = np.full(len(features), np.inf)
        # One by one: a matrix product of several rows may differ in its last digit from that
        # of one, and an opinion must not depend on the batch it was read in.
        for row in np.flatnonzero(np.isfinite(features).all(axis=1)):
            place = (features[row] - self.mean) @ self.basis  # (q,)
            distances[row] = math.sqrt(((self.centres - place) ** 2).sum(axis=1).min())
        return distances

    def as_arrays(self) -> dict[str, FloatArray]:
        """Return all that `from_arrays` needs, ready for a safetensors file."""
        return {
            "mean": self.mean,
            "basis": self.basis,
            "centres": self.centres,
            "threshold": np.array([self.threshold]),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, FloatArray]) -> "Novelty":
        """Return the novelty statistics that gave these arrays, exactly.

        Raises:
            CalibrationRefused: an array is missing, of a wrong shape, or not finite.
        """
        wanted = {"mean", "basis", "centres", "threshold"}
        if set(arrays) != wanted:
            raise CalibrationRefused(
                f"Novelty statistics need {sorted(wanted)}; found {sorted(arrays)}.",
                advice="Train the package again.",
            )
        mean, basis, centres, threshold = (
            np.ascontiguousarray(arrays[name], dtype=np.float64)
            for name in ("mean", "basis", "centres", "threshold")
        )
        fits = (
            mean.ndim == 1
            and basis.ndim == centres.ndim == 2
            and basis.shape == (len(mean), centres.shape[1])
            and len(centres) > 0
            and threshold.shape == (1,)
            and all(np.isfinite(array).all() for array in (mean, basis, centres, threshold))
            and bool(threshold[0] > 0)
        )
        if not fits:
            raise CalibrationRefused(
                "Novelty statistics have arrays that do not fit together: mean "
                f"{mean.shape}, basis {basis.shape}, centres {centres.shape}.",
                advice="Train the package again.",
            )
        return cls(mean, basis, centres, float(threshold[0]))


def fit_novelty(
    features: FloatArray, labels: IntArray, held_out: FloatArray, *, level: float = 0.01
) -> Novelty:
    """Learn what training features look like, and set the threshold on held-out ones.

    Args:
        features: (n, d), of the training cases.
        labels: (n,) int64, their classes.
        held_out: (m, d), of cases the network was not trained on.
        level: share of ordinary cases that may be called novel, in (0, 0.5].

    Raises:
        CalibrationRefused: shapes disagree, a feature is not finite, no class has two
            cases, nothing is held out, or the features do not vary.
    """
    _check(features, labels, held_out, level)
    wide = features.astype(np.float64)
    mean = wide.mean(axis=0)
    axes = _main_directions(wide - mean)  # (d, q)
    places = (wide - mean) @ axes  # (n, q)
    classes = np.unique(labels)
    centres = np.stack([places[labels == index].mean(axis=0) for index in classes])  # (c, q)
    within = places - centres[np.searchsorted(classes, labels)]
    whitening = _whitening(within)  # (q, q)
    shape = Novelty(mean, axes @ whitening, centres @ whitening, 1.0)
    threshold = held_out_quantile(shape.distance(held_out), level=level)
    if not threshold > 0:
        raise CalibrationRefused(
            "All held-out features lie exactly on a class mean.",
            advice="Hold out cases that were not used for training.",
        )
    return Novelty(shape.mean, shape.basis, shape.centres, threshold)


def held_out_quantile(distances: FloatArray, *, level: float) -> float:
    """Return the distance that an ordinary new case exceeds with probability at most `level`.

    It is the ceil((m + 1) (1 - level))-th smallest (split conformal; Vovk, Gammerman & Shafer
    2005). With fewer than 1 / level - 1 cases there is no such one; then 1.05 times the
    largest stands in.

    Args:
        distances: (m,) float64.
        level: in (0, 0.5].
    """
    # The small term keeps 100 * 0.99 at 99, whatever its last digit.
    place = math.ceil((len(distances) + 1) * (1 - level) - 1e-9)
    if place > len(distances):
        return float(distances.max()) * _STRETCH
    return float(np.sort(distances)[place - 1])


def _main_directions(centred: FloatArray) -> FloatArray:
    """Return (d, q) orthonormal, strongest first, the largest entry of each positive."""
    n, d = centred.shape
    covariance = centred.T @ centred / n
    most = min(_MOST_DIRECTIONS, d, n - 1)
    values, axes = linalg.eigh(covariance, subset_by_index=(d - most, d - 1))
    values, axes = values[::-1], axes[:, ::-1]
    # Directions with hardly any spread are rounding errors, not directions.
    kept = values > max(values[0], 0.0) * 1e-10
    if not kept.any() or values[0] <= 0:
        raise CalibrationRefused(
            "The training features do not vary.",
            advice="Check the backbone and its weights: it gives every image the same features.",
        )
    axes = axes[:, kept]
    signs = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    return np.asarray(axes * signs, dtype=np.float64)


def _whitening(within: FloatArray) -> FloatArray:
    """Return (q, q): W with W W' the inverse of the shrunk covariance."""
    # scikit-learn takes half a second to load and is needed for fitting only, not for serving.
    from sklearn.covariance import ledoit_wolf

    covariance, _ = ledoit_wolf(within, assume_centered=True)
    values, axes = linalg.eigh(covariance)
    floor = max(float(values[-1]), 0.0) * 1e-10
    if floor == 0.0:
        raise CalibrationRefused(
            "The training features do not vary within any class.",
            advice="Give more than one case of a class.",
        )
    return np.asarray(axes / np.sqrt(np.maximum(values, floor)), dtype=np.float64)


def _check(features: FloatArray, labels: IntArray, held_out: FloatArray, level: float) -> None:
    if (
        features.ndim != 2
        or held_out.ndim != 2
        or features.shape[1] != held_out.shape[1]
        or labels.shape != (len(features),)
    ):
        raise CalibrationRefused(
            f"Features {features.shape}, labels {labels.shape} and held-out features "
            f"{held_out.shape} do not belong together.",
            advice="Give (n, d), (n,) and (m, d).",
        )
    if not (np.isfinite(features).all() and np.isfinite(held_out).all()):
        raise CalibrationRefused(
            "Some features are not finite.", advice="Leave out cases without an opinion."
        )
    if not 0 < level <= 0.5:
        raise CalibrationRefused(
            f"A novelty level of {level:g} was asked for; it lies in (0, 0.5].",
            advice="Usual is 0.01.",
            level=level,
        )
    if len(held_out) < 1 or len(features) < 3 or len(np.unique(labels)) >= len(features):
        raise CalibrationRefused(
            f"{len(features)} training cases in {len(np.unique(labels))} classes and "
            f"{len(held_out)} held-out ones are too few.",
            advice="Give at least two cases of a class, three in all, and one held out.",
            train=len(features),
            held_out=len(held_out),
        )
