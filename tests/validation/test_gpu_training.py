"""Row 14 without a GPU: what needs one is skipped, the rest is tried on a processor."""

import pytest
import torch

from medclf.model.fit_config import Precision
from validation.benchmarks.harness import run_row
from validation.benchmarks.row import Verdict
from validation.benchmarks.row_14_gpu_training import ROW, Learner, mapped


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_without_a_gpu_every_bar_is_skipped_with_its_reason():
    results = list(run_row(ROW, load=0.5, cores=2, tiny=True))
    assert {result.what for result in results} == set(ROW.bars)
    assert {result.verdict for result in results} == {Verdict.SKIPPED}
    assert {result.note for result in results} == {"this machine has no CUDA device"}


def test_the_learner_times_an_epoch_and_counts_operations(tmp_path):
    pictures = mapped(tmp_path, 8, size=32)
    learner = Learner("medclf/lenet5", pictures, 4, tmp_path, precision=Precision.FLOAT32)
    assert learner.learn(compiled=False) > 0
    assert 0 <= learner.epochs[False].stall_share <= 1
    # Multiply and add count as two; convolutions and dense layers of LeNet-5 at 32 px.
    forward = 2 * (32 * 32 * 16 * 3 * 25 + 16 * 16 * 32 * 16 * 25 + 800 * 120 + 120 * 84 + 84 * 2)
    assert learner.operations() == 3 * forward
