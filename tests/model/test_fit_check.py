import pytest
import torch

from medclf.errors import ModelMisuse
from medclf.model.fit_check import check_cases, check_fit
from medclf.model.fit_config import FitConfig, Precision
from medclf.model.network import Architecture, Network
from medclf.model.processes import Processes
from medclf.model.task import Task

TWO = Processes(rank=0, count=2)


def network(task=Task.EXCLUSIVE, backbone="medclf/lenet5"):
    return Network(Architecture(backbone=backbone, channels=1, size=32, classes=3, task=task))


def check(network, processes=TWO, *, gradual=False, **keys):
    check_fit(network, FitConfig(**keys), processes, gradual=gradual)


def test_what_can_be_fitted_is_let_through():
    check(network(), mixup=0.2, accumulate=4, gradual=True)
    check(network(Task.FINDINGS))


@pytest.mark.parametrize("task", [Task.ORDINAL, Task.FINDINGS])
def test_grades_and_findings_are_not_mixed(task):
    with pytest.raises(ModelMisuse, match="mixup") as caught:
        check(network(task), mixup=0.2)
    assert "mixup: 0" in caught.value.advice


def test_a_batch_that_cannot_be_shared_out_is_refused():
    with pytest.raises(ModelMisuse, match="cannot be shared out") as caught:
        check(network(), batch=30, accumulate=2)
    assert "multiple of 4" in caught.value.advice


def test_a_train_part_that_leaves_a_process_idle_is_refused():
    check_cases(FitConfig(accumulate=2), TWO, 4)
    with pytest.raises(ModelMisuse, match="3 cases"):
        check_cases(FitConfig(accumulate=2), TWO, 3)


def test_stochastic_depth_is_refused_where_there_are_no_branches():
    with pytest.raises(ModelMisuse, match="no stochastic depth"):
        check(network(), drop_path=0.1)


def test_gradual_unfreezing_needs_an_epoch_after_the_head():
    with pytest.raises(ModelMisuse, match="head alone"):
        check(network(), epochs=1, gradual=True)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_what_needs_a_gpu_is_refused_without_one():
    with pytest.raises(ModelMisuse, match="float16"):
        check(network(), precision=Precision.FLOAT16)
    with pytest.raises(ModelMisuse, match="Batch normalisation") as caught:
        check(network(), freeze_norms=False)
    assert "freeze_norms: true" in caught.value.advice
    check(network(), Processes(), freeze_norms=False)
