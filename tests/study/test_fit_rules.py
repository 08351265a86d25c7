import pytest

from medclf.config import parse
from medclf.errors import ConfigError
from medclf.model.fit_config import FitConfig
from medclf.model.task import Task
from medclf.study.config import StudyConfig
from medclf.study.fit_rules import misfits


def study(fit, *, labels=("a", "b", "c"), ordered=False, method="finetune"):
    content = {
        "name": "a",
        "seed": 0,
        "data": {"table": "t.csv", "labels": list(labels), "ordered": ordered},
        "split": {},
        "preprocessing": {"kind": "xray", "size": 224},
        "model": {"backbone": "timm/resnet18", "method": method},
        "fit": fit,
    }
    return parse(content, StudyConfig, where="study.yaml")


def wrong(task=Task.EXCLUSIVE, method="finetune", **fit):
    return list(misfits(FitConfig(**fit), method=method, task=task))


def test_the_defaults_go_together_for_every_task_and_method():
    for task in Task:
        for method in ("probe", "finetune", "gradual"):
            assert wrong(task, method) == []


@pytest.mark.parametrize(
    "fit",
    [
        {"sampling": "balanced"},
        {"sampling": "square_root", "weighting": "effective"},
        {"logit_adjustment": 1},
        {"weighting": "none", "sampling": "balanced", "logit_adjustment": 1},
    ],
)
def test_making_up_for_rare_classes_twice_is_refused_with_the_way_out(fit):
    with pytest.raises(ConfigError, match="keep one") as caught:
        study(fit)
    assert "weighting: none" in str(caught.value)


@pytest.mark.parametrize(
    "fit",
    [
        {"weighting": "none"},
        {"weighting": "effective", "effective_beta": 0.99},
        {"weighting": "none", "sampling": "square_root"},
        {"weighting": "none", "logit_adjustment": 1},
        {"loss": "focal", "focal_gamma": 1},
        {"smoothing": 0.1},
        {"select_by": "average_precision"},
    ],
)
def test_each_way_alone_is_taken(fit):
    study(fit)


def test_kappa_is_for_grades():
    study({"select_by": "kappa"}, ordered=True)
    with pytest.raises(ConfigError, match="ordered: true"):
        study({"select_by": "kappa"})


@pytest.mark.parametrize("fit", [{"focal_gamma": 1}, {"effective_beta": 0.9}])
def test_an_option_that_would_do_nothing_is_refused(fit):
    with pytest.raises(ConfigError, match="does nothing without"):
        study(fit)


@pytest.mark.parametrize(
    ("fit", "named"),
    [
        ({"loss": "focal"}, "loss"),
        ({"weighting": "none", "sampling": "balanced"}, "sampling"),
        ({"weighting": "none", "logit_adjustment": 1}, "logit_adjustment"),
        ({"weighting": "effective"}, "weighting: effective"),
        ({"smoothing": 0.1}, "smoothing"),
    ],
)
def test_what_a_probe_would_pass_over_is_refused(fit, named):
    with pytest.raises(ConfigError, match=f"without {named}"):
        study(fit, method="probe")


def test_findings_are_not_sampled_by_class():
    assert "weighting: balanced" in wrong(Task.FINDINGS, weighting="none", sampling="balanced")[0]


def test_all_that_is_wrong_is_told_at_once():
    assert len(wrong(sampling="balanced", focal_gamma=1, select_by="kappa")) == 3
