import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from medclf.errors import EvaluationError
from medclf.evaluate.auc import delong
from medclf.evaluate.compare import delong_difference
from medclf.evaluate.readers import Reader, compare_readers

TWO, THREE = ("normal", "finding"), ("a", "b", "c")


def made(classes, *, n=150, seed=0, skill=1.5):
    """Truth (n,) and scores (n, classes) of somebody with some skill."""
    generator = np.random.default_rng(seed)
    truth = np.arange(n) % classes
    scores = generator.normal(size=(n, classes))
    scores[np.arange(n), truth] += skill
    return truth, scores


def compared(readers, truth, *, labels=TWO, positive="finding", clusters=None, seed=0):
    return compare_readers(
        readers,
        truth,
        labels=labels,
        positive=positive,
        clusters=clusters or ("",) * len(truth),
        generator=np.random.default_rng(seed),
        resamples=400,
    )


def test_two_labels_of_independent_cases_are_compared_by_delong():
    truth, scores = made(2)
    _, weaker = made(2, seed=1, skill=0.5)
    first, second = compared((Reader("network", scores), Reader("trivial", weaker)), truth)
    assert first.figure == delong(scores[:, 1], truth == 1)
    assert first.ahead is None
    assert second.ahead == delong_difference(scores[:, 1], weaker[:, 1], truth == 1)
    assert (second.reader, second.metric, second.label) == ("trivial", "auc", "")


def test_several_labels_give_the_mean_first_and_then_each():
    truth, scores = made(3)
    _, weaker = made(3, seed=1, skill=0.3)
    found = compared(
        (Reader("network", scores), Reader("trivial", weaker)),
        truth,
        labels=THREE,
        positive=None,
    )
    assert [(one.reader, one.label) for one in found][:2] == [("network", ""), ("trivial", "")]
    assert [one.label for one in found][2:] == ["a", "a", "b", "b", "c", "c"]
    single = [one.figure.estimate for one in found if one.label and one.reader == "network"]
    assert found[0].figure.estimate == pytest.approx(np.mean(single), abs=1e-12)
    assert found[1].ahead is not None
    assert found[1].ahead.low > 0
    assert "paired stratified bootstrap" in found[1].ahead.method
    assert "paired DeLong" in found[3].ahead.method


def test_pictures_of_one_patient_are_resampled_together():
    truth, scores = made(2)
    _, weaker = made(2, seed=1, skill=0.5)
    clusters = tuple(f"patient-{i // 5}" for i in range(len(truth)))
    readers = (Reader("network", scores), Reader("trivial", weaker))
    first, second = compared(readers, truth, clusters=clusters)
    assert "30 whole clusters" in first.figure.method
    assert "30 whole clusters" in second.ahead.method


def test_repeated_cases_make_nothing_surer_when_their_patient_is_known():
    truth, scores = made(2, n=60)
    _, weaker = made(2, n=60, seed=1, skill=0.8)
    four = (
        Reader("network", np.repeat(scores, 4, axis=0)),
        Reader("trivial", np.repeat(weaker, 4, axis=0)),
    )
    names = tuple(f"patient-{i // 4}" for i in range(240))
    alone = compared((Reader("network", scores), Reader("trivial", weaker)), truth)[1].ahead
    known = compared(four, np.repeat(truth, 4), clusters=names)[1].ahead
    unknown = compared(four, np.repeat(truth, 4))[1].ahead
    assert known.high - known.low > 0.8 * (alone.high - alone.low)
    assert unknown.high - unknown.low < 0.6 * (alone.high - alone.low)


def test_cases_of_several_networks_are_ranked_within_their_own():
    truth, scores = made(2)
    _, weaker = made(2, seed=1, skill=0.5)
    folds = np.arange(150) % 3
    shifted = Reader("network", scores + 10 * folds[:, None])
    kept = compare_readers(
        (shifted, Reader("trivial", weaker)),
        truth,
        labels=TWO,
        positive="finding",
        clusters=("",) * 150,
        generator=np.random.default_rng(0),
        folds=folds,
        resamples=400,
    )
    means = [
        np.mean([roc_auc_score(truth[folds == k], of[folds == k, 1]) for k in range(3)])
        for of in (scores, weaker)
    ]
    assert [one.figure.estimate for one in kept] == pytest.approx(means, abs=1e-12)
    assert kept[1].ahead.estimate == pytest.approx(means[0] - means[1], abs=1e-12)
    assert kept[1].ahead.low > 0
    mixed = compared((shifted, Reader("trivial", weaker)), truth)
    assert mixed[0].figure.estimate < means[0] - 0.1


def test_grades_are_compared_by_kappa_as_well():
    truth, scores = made(3)
    readers = (
        Reader("network", scores, grades=truth),
        Reader("trivial", scores, grades=scores.argmax(axis=1)),
    )
    found = compared(readers, truth, labels=THREE, positive=None)
    kappas = [one for one in found if one.metric == "quadratic_kappa"]
    assert kappas[0].figure.estimate == 1.0
    assert kappas[1].ahead.estimate == pytest.approx(1 - kappas[1].figure.estimate)
    assert kappas[1].ahead.low > 0


def test_the_same_generator_gives_the_same_figures():
    truth, scores = made(3)
    readers = (Reader("network", scores), Reader("trivial", scores[::-1]))
    once = compared(readers, truth, labels=THREE, positive=None)
    assert once == compared(readers, truth, labels=THREE, positive=None)


@pytest.mark.parametrize(
    ("readers", "truth", "message"),
    [
        ((), [0, 1], "0 readers"),
        ((Reader("a", np.zeros((2, 2))), Reader("a", np.zeros((2, 2)))), [0, 1], "1 different"),
        ((Reader("a", np.zeros((3, 2))),), [0, 1], "shape"),
        ((Reader("a", np.zeros((2, 2))),), [0, 0], "truly finding"),
        ((Reader("a", np.full((2, 2), np.nan)),), [0, 1], "not finite"),
    ],
)
def test_what_cannot_be_compared_is_refused(readers, truth, message):
    with pytest.raises(EvaluationError, match=message):
        compared(readers, np.array(truth))


def test_a_reader_without_grades_beside_one_with_them_is_refused():
    truth, scores = made(3)
    readers = (Reader("network", scores, grades=truth), Reader("trivial", scores))
    with pytest.raises(EvaluationError, match="no grades"):
        compared(readers, truth, labels=THREE, positive=None)
