import numpy as np
import pytest
import torch

from medclf.errors import TrainingDiverged
from medclf.model.epoch import Epoch, best_epoch
from medclf.model.features import compute_outputs
from medclf.model.fit import finetune
from medclf.model.fit_config import FitConfig, Precision
from medclf.model.network import Architecture, Network
from medclf.model.part import Part
from medclf.model.runtime import Runtime, dump_weights

ARCHITECTURE = Architecture(backbone="medclf/lenet5", channels=1, size=32, classes=2)
CONFIG = FitConfig(
    epochs=4, batch=16, learning_rate=2e-3, freeze_norms=False, precision=Precision.FLOAT32
)


def pictures(n: int = 96):
    """Bright squares in one corner or the other, on noise."""
    generator = np.random.default_rng(0)
    array = generator.integers(0, 120, (n, 32, 32), dtype=np.uint8)
    truth = np.arange(n, dtype=np.int64) % 2
    array[truth == 1, 2:10, 2:10] += 120
    array[truth == 0, 20:28, 20:28] += 120
    return array, truth


def normalise(batch):
    return torch.from_numpy(np.asarray(batch)).float().unsqueeze(1) / 127.5 - 1


def noisy(batch, generator):
    x = normalise(batch)
    return x + 0.05 * torch.randn(x.shape, generator=generator)


def fit(path, *, config=CONFIG, on_epoch=lambda epoch: None, varied=noisy, identity="run"):
    array, truth = pictures()
    torch.manual_seed(1)
    network = Network(ARCHITECTURE, dropout=0.3)
    rows = np.arange(len(truth), dtype=np.int64)
    fitted = finetune(
        network,
        array,
        train=Part(rows[:64], truth[:64]),
        tune=Part(rows[64:], truth[64:]),
        config=config,
        seed=3,
        normalise=normalise,
        augmented=varied,
        checkpoint=path,
        identity=identity,
        on_epoch=on_epoch,
    )
    return network, fitted


def test_the_network_learns_what_is_there(tmp_path):
    network, fitted = fit(tmp_path / "c.pt")
    assert fitted.history[fitted.best - 1].tune_figure > 0.95
    assert not network.training


def test_the_same_seed_gives_the_same_weights(tmp_path):
    first, _ = fit(tmp_path / "a.pt")
    second, _ = fit(tmp_path / "b.pt")
    assert dump_weights(first) == dump_weights(second)


def test_an_interrupted_run_goes_on_to_the_very_same_weights(tmp_path):
    whole, _ = fit(tmp_path / "whole.pt")

    def stop(epoch):
        if epoch.number == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / "cut.pt", on_epoch=stop)
    resumed, fitted = fit(tmp_path / "cut.pt")
    assert fitted.resumed_from == 2
    assert dump_weights(resumed) == dump_weights(whole)


def test_a_checkpoint_of_another_run_is_not_resumed_from(tmp_path):
    fit(tmp_path / "c.pt", identity="one")
    _, fitted = fit(tmp_path / "c.pt", identity="two")
    assert fitted.resumed_from == 0


def test_a_damaged_checkpoint_starts_again_instead_of_failing(tmp_path):
    (tmp_path / "c.pt").write_bytes(b"half a file")
    _, fitted = fit(tmp_path / "c.pt")
    assert fitted.resumed_from == 0


def test_a_loss_that_is_no_number_stops_the_run_with_advice(tmp_path):
    def broken(batch, generator):
        return normalise(batch) * float("nan")

    with pytest.raises(TrainingDiverged, match="epoch 1, step 1") as caught:
        fit(tmp_path / "c.pt", varied=broken)
    assert "learning_rate" in caught.value.advice


def test_bfloat16_training_learns_too(tmp_path):
    config = CONFIG.model_copy(update={"precision": Precision.BFLOAT16})
    _, fitted = fit(tmp_path / "c.pt", config=config)
    assert fitted.history[-1].tune_figure > 0.9


@pytest.mark.parametrize("seed", range(20))
def test_the_best_epoch_stays_until_a_later_one_takes_over(seed):
    # What was best when its weights were kept must be what is reported at the end.
    generator = np.random.default_rng(seed)
    history, kept = [], 0
    for number in range(1, 15):
        auc, loss = generator.uniform(0.8, 1), generator.uniform(0.1, 0.5)
        history.append(Epoch(number, 1, auc, loss, 1))
        if best_epoch(history, cases=60) == number:
            kept = number
    assert best_epoch(history, cases=60) == kept


def test_epochs_within_one_standard_error_are_told_apart_by_loss():
    history = [Epoch(1, 1, 0.990, 0.50, 1), Epoch(2, 1, 0.985, 0.20, 1), Epoch(3, 1, 0.6, 0.1, 1)]
    assert best_epoch(history, cases=40) == 2
    assert best_epoch(history, cases=1_000_000) == 1
    assert best_epoch([], cases=40) == 0


def test_a_packed_network_scores_as_the_fitted_one(tmp_path):
    network, _ = fit(tmp_path / "c.pt")
    array, _ = pictures()
    outputs = compute_outputs(network, array, list(range(5)), normalise=normalise)
    scores, features = Runtime(ARCHITECTURE, dump_weights(network)).run(normalise(array[:5]))
    assert np.array_equal(scores, outputs.scores)
    assert np.array_equal(features, outputs.features)
