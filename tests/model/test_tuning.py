import numpy as np
import pytest
import torch

from medclf.model.averaging import MeanWeights
from medclf.model.features import compute_outputs
from medclf.model.fit_config import FitConfig
from medclf.model.network import Architecture, Network
from medclf.model.part import Part
from medclf.model.processes import Processes
from medclf.model.tuning import Judge


def normalise(batch):
    return torch.as_tensor(np.asarray(batch)).float().unsqueeze(1) / 255


@pytest.mark.parametrize("rare", [2, 20])
def test_the_loss_that_chooses_the_epoch_is_in_the_odds_that_are_served(rare):
    # Learned under balanced weights, served with the train part's odds: -log w is added.
    torch.manual_seed(0)
    network = Network(Architecture(backbone="medclf/lenet5", channels=1, size=32, classes=2))
    pictures = np.random.default_rng(0).integers(0, 255, (80, 32, 32), dtype=np.uint8)
    truth = np.zeros(80, dtype=np.int64)
    truth[:rare] = truth[40 : 40 + rare] = 1
    train = Part(np.arange(40), truth[:40])
    tune = Part(np.arange(40, 80), truth[40:])
    judge = Judge(network, pictures, train, tune, normalise, FitConfig(), Processes.here())
    _, loss = judge(MeanWeights(network, decay=0), 1)
    scores = compute_outputs(network, pictures, tune.rows.tolist(), normalise=normalise).scores
    shares = np.array([40 - rare, rare]) / 40
    served = scores + np.log(2 * shares)
    told = served - np.logaddexp(served[:, :1], served[:, 1:])
    assert loss == pytest.approx(-told[np.arange(40), tune.truth].mean(), abs=1e-6)
