"""What a notebook shows of a result is short and holds what matters."""

import pytest

from medclf import api
from medclf.errors import MisuseError
from medclf.opinion import Decision, Finding, Opinion, Status
from medclf.reasons import Reason


@pytest.fixture(scope="module")
def again(walked):
    """The training of the walked study once more: from its last checkpoint."""
    return api.train(walked.study, home=walked.home, actor="tester")


def test_a_training_tells_its_package_its_epoch_and_what_is_left_to_test(again):
    told = repr(again)
    assert len(told.splitlines()) <= 8
    assert again.package.digest[:19] in told
    assert "tune AUC" in told
    assert str(again.test_table) in told


def test_a_training_stands_for_its_package_and_names_its_sealed_part(again, walked):
    judged = api.validate(again, home=walked.home, actor="tester")
    assert judged.page == again.test_table.parent / "report" / "report.html"
    told = repr(judged)
    assert len(told.splitlines()) <= 10
    auc = judged.evaluation.metrics["auc"]
    assert f"AUC (ROC) {auc.estimate:.3f} (95 % interval {auc.low:.3f} to {auc.high:.3f}" in told
    names = set(api.plots(judged))
    assert names >= {"roc", "precision_recall", "scores", "calibration", "before_calibration"}
    assert set(api.plots(again)) == {"learning"}


def test_a_package_alone_does_not_tell_what_to_judge_it_on(walked):
    with pytest.raises(MisuseError, match="which images"):
        api.validate(walked.package, home=walked.home)


def test_an_opinion_is_one_line_and_its_repr_is_exact():
    finding = Finding("opacity", 0.25, Decision.NEGATIVE, "youden", 0.4)
    opinion = Opinion(Status.OK, "sha256:a", "sha256:b", findings=(finding,))
    assert str(opinion) == "OK: opacity 0.250, negative (youden 0.400)"
    assert "0.25" in repr(opinion)
    rejected = Opinion(Status.REJECTED, "", "", reasons=(Reason.TRUNCATED,))
    assert str(rejected) == "REJECTED: truncated"
