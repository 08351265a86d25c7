import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medclf.calibrate.novelty import Novelty, fit_novelty, held_out_quantile
from medclf.errors import CalibrationRefused


def draw(n, *, d=40, seed=0, shift=0.0):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 2, n)
    mixing = np.random.default_rng(99).normal(size=(d, d)) / np.sqrt(d)
    centres = np.zeros((2, d))
    centres[1, 0] = 4.0
    features = centres[labels] + generator.normal(size=(n, d)) @ mixing + shift
    return features.astype(np.float32), labels


@pytest.fixture(scope="module")
def fitted():
    return fit_novelty(*draw(600), draw(400, seed=1)[0], level=0.05)


def test_ordinary_cases_exceed_the_threshold_about_as_often_as_asked(fitted):
    share = (fitted.distance(draw(4000, seed=2)[0]) > 1).mean()
    assert 0.02 < share < 0.09


def test_strange_cases_lie_far_beyond(fitted):
    assert (fitted.distance(draw(50, seed=3, shift=5.0)[0]) > 2).all()


def test_a_class_mean_is_at_distance_nothing(fitted):
    features, labels = draw(600)
    mean = features[labels == 1].astype(np.float64).mean(axis=0)
    assert fitted.distance(mean[None])[0] == pytest.approx(0, abs=1e-6)


def test_arrays_round_trip_exactly(fitted):
    again = Novelty.from_arrays(fitted.as_arrays())
    features = draw(20, seed=4)[0]
    assert (again.distance(features) == fitted.distance(features)).all()
    for name, array in fitted.as_arrays().items():
        assert array.dtype == np.float64
        assert (again.as_arrays()[name] == array).all()


def test_the_same_cases_give_the_same_statistics(fitted):
    again = fit_novelty(*draw(600), draw(400, seed=1)[0], level=0.05)
    for name, array in fitted.as_arrays().items():
        assert (again.as_arrays()[name] == array).all()


def test_a_distance_does_not_depend_on_its_batch(fitted):
    features = draw(30, seed=5)[0]
    alone = np.concatenate([fitted.distance(row[None]) for row in features])
    assert (fitted.distance(features) == alone).all()


def test_features_that_are_not_finite_are_infinitely_far(fitted):
    features = draw(2, seed=6)[0]
    features[1, 3] = np.nan
    distances = fitted.distance(features)
    assert np.isfinite(distances[0])
    assert distances[1] == np.inf


def test_more_features_than_cases_still_fit():
    train, labels = draw(30, d=200)
    found = fit_novelty(train, labels, draw(20, d=200, seed=1)[0])
    assert found.basis.shape == (200, 29)
    assert np.isfinite(found.distance(train)).all()


def test_many_features_are_reduced_to_64_directions():
    train, labels = draw(300, d=200)
    assert fit_novelty(train, labels, draw(20, d=200, seed=1)[0]).basis.shape == (200, 64)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=300), st.sampled_from([0.01, 0.05, 0.5]))
def test_quantile_is_the_conformal_rank(values, level):
    distances = np.array(values)
    threshold = held_out_quantile(distances, level=level)
    m = len(values)
    place = -(-(m + 1) * round((1 - level) * 100) // 100)
    if place > m:
        assert threshold == distances.max() * 1.05
    else:
        assert threshold == sorted(values)[place - 1]


@pytest.mark.parametrize(
    ("train", "labels", "held_out", "level", "words"),
    [
        (np.ones((5, 3)), np.zeros(5, int), np.ones((2, 3)), 0.01, "do not vary"),
        (np.eye(5), np.arange(5), np.eye(5), 0.01, "too few"),
        (np.eye(5), np.zeros(5, int), np.eye(5)[:0], 0.01, "too few"),
        (np.eye(5), np.zeros(4, int), np.eye(5), 0.01, "do not belong together"),
        (np.eye(5), np.zeros(5, int), np.eye(4), 0.01, "do not belong together"),
        (np.full((5, 2), np.nan), np.zeros(5, int), np.ones((2, 2)), 0.01, "not finite"),
        (np.eye(5), np.zeros(5, int), np.eye(5), 0.9, "novelty level"),
        (np.eye(3)[[0, 0, 1, 1]], np.array([0, 0, 1, 1]), np.eye(3), 0.1, "within any class"),
    ],
)
def test_unusable_features_are_refused(train, labels, held_out, level, words):
    with pytest.raises(CalibrationRefused, match=words):
        fit_novelty(train, labels, held_out, level=level)


def test_features_of_another_width_are_refused(fitted):
    with pytest.raises(CalibrationRefused, match=r"\(n, 40\) are needed"):
        fitted.distance(np.zeros((2, 39)))


@pytest.mark.parametrize("name", ["mean", "basis", "centres", "threshold"])
def test_broken_arrays_are_refused(fitted, name):
    arrays = fitted.as_arrays()
    for value in (arrays[name][:0], np.full_like(arrays[name], np.nan)):
        with pytest.raises(CalibrationRefused, match="do not fit together"):
            Novelty.from_arrays({**arrays, name: value})
    with pytest.raises(CalibrationRefused, match="need"):
        Novelty.from_arrays({key: value for key, value in arrays.items() if key != name})
