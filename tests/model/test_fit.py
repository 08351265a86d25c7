import numpy as np
import pytest
import torch

from medclf.errors import TrainingDiverged
from medclf.model.checkpoint import load_checkpoint
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


def by_case(batch, generator):
    x = normalise(batch)
    drawn = torch.rand((int(generator.places.max()) + 1, *x.shape[1:]), generator=generator)
    return x + 0.05 * drawn[generator.places]


def fit(path, *, config=CONFIG, varied=noisy, identity="run", dropout=0.3, **keys):
    array, truth = pictures()
    torch.manual_seed(1)
    network = Network(ARCHITECTURE, dropout=dropout)
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
        **keys,
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


def test_a_packed_network_scores_as_the_fitted_one(tmp_path):
    network, _ = fit(tmp_path / "c.pt")
    array, _ = pictures()
    outputs = compute_outputs(network, array, list(range(5)), normalise=normalise)
    scores, features = Runtime(ARCHITECTURE, dump_weights(network)).run(normalise(array[:5]))
    assert np.array_equal(scores, outputs.scores)
    assert np.array_equal(features, outputs.features)


@pytest.mark.parametrize(
    "keys",
    [
        {"averaging": 0.0},
        {"clip": 0.0, "layer_decay": 0.8},
        {"mixup": 0.2},
        {"deterministic": False, "smoothing": 0.1},
    ],
    ids=str,
)
def test_every_way_of_fitting_learns_and_repeats_itself(tmp_path, keys):
    config = CONFIG.model_copy(update=keys)
    first, fitted = fit(tmp_path / "a.pt", config=config)
    second, _ = fit(tmp_path / "b.pt", config=config)
    assert fitted.history[-1].tune_figure > 0.9
    assert dump_weights(first) == dump_weights(second)


def test_passes_add_up_to_the_batch(tmp_path):
    plain = CONFIG.model_copy(update={"freeze_norms": True})
    _, one = fit(tmp_path / "a.pt", config=plain, varied=by_case)
    _, other = fit(
        tmp_path / "b.pt", config=plain.model_copy(update={"accumulate": 4}), varied=by_case
    )
    for a, b in zip(one.history, other.history, strict=True):
        assert b.loss == pytest.approx(a.loss, abs=1e-5)
        assert b.tune_loss == pytest.approx(a.tune_loss, abs=1e-5)


def test_without_averaging_the_last_weights_are_kept(tmp_path):
    config = CONFIG.model_copy(update={"averaging": 0.0, "epochs": 1})
    network, _ = fit(tmp_path / "c.pt", config=config)
    last = load_checkpoint(tmp_path / "c.pt", "run")["network"]
    assert all(torch.equal(value, last[name]) for name, value in network.state_dict().items())


def test_the_body_rests_while_the_head_learns(tmp_path):
    config = CONFIG.model_copy(update={"epochs": 2, "unfreeze": 1.0})
    kept = []

    def keep(epoch):
        kept.append(load_checkpoint(tmp_path / "c.pt", "run")["network"])

    fit(tmp_path / "c.pt", config=config, on_epoch=keep, gradual=True)
    torch.manual_seed(1)
    start = Network(ARCHITECTURE, dropout=0.3).state_dict()
    changed = {name for name in start if not torch.equal(start[name], kept[0][name])}
    assert changed == {"head.weight", "head.bias"}
    assert any(not torch.equal(start[n], kept[1][n]) for n in start if n.startswith("backbone"))


def test_patience_ends_a_run_early(tmp_path):
    still = {"learning_rate": 1e-12, "freeze_norms": True}
    config = CONFIG.model_copy(update={"epochs": 9, "patience": 1, **still})
    _, fitted = fit(tmp_path / "c.pt", config=config)
    assert len(fitted.history) < 9


def test_a_diverged_run_leaves_the_last_whole_epoch(tmp_path):
    def breaks_later(batch, generator):
        calls.append(1)
        return normalise(batch) * (float("nan") if len(calls) > 6 else 1)

    calls: list[int] = []
    with pytest.raises(TrainingDiverged, match="epoch 2, step 3"):
        fit(tmp_path / "c.pt", varied=breaks_later)
    assert len(load_checkpoint(tmp_path / "c.pt", "run")["history"]) == 1


def test_steps_tell_how_far_the_run_is(tmp_path):
    steps = []
    fit(tmp_path / "c.pt", on_step=steps.append)
    assert [step.done for step in steps] == list(range(1, 17))
    assert {step.total for step in steps} == {16}
    assert all(step.loss > 0 and step.pictures_per_s > 0 for step in steps)


@pytest.mark.slow
def test_a_compiled_network_learns_the_same(tmp_path):
    config = CONFIG.model_copy(update={"epochs": 1, "dropout": 0.0})
    _, plain = fit(tmp_path / "a.pt", config=config, dropout=0.0)
    compiled = config.model_copy(update={"compile": True})
    _, fused = fit(tmp_path / "b.pt", config=compiled, dropout=0.0)
    assert fused.history[0].loss == pytest.approx(plain.history[0].loss, abs=1e-3)
