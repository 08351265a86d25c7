"""Features are computed once, found again by content, and never believed when damaged."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from medclf.cohort.cache import InCache, list_cache
from medclf.cohort.store import shards_in
from medclf.installation import open_home
from medclf.model.features import compute_outputs
from medclf.model.network import Network
from medclf.pixels.transforms.preprocessing import normalise
from medclf.study.config import StudyConfig, load_study
from medclf.study.features import frozen_features, outputs_of
from medclf.study.ingest import ingest
from medclf.study.prepare import Prepared, prepare
from medclf.study.progress import silent
from tests.conftest import small_study


class Counted:
    """How many pictures the network was run on."""

    def __init__(self) -> None:
        self.pictures = 0

    def __call__(self, stage: str, done: int, total: int, note: str) -> None:
        if stage == "features":
            self.pictures = done


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> tuple[Prepared, StudyConfig]:
    folder = tmp_path_factory.mktemp("features")
    small_study(folder, count=50)
    home = open_home(folder / "home", "tester")
    ingest(folder / "study.yaml", home=home, progress=silent)
    config = load_study(folder / "study.yaml")
    return prepare(config, home=home, progress=silent), config


@pytest.fixture
def prepared(study, tmp_path: Path) -> Prepared:
    """The cohort beside a cache of its own that holds no features yet."""
    prepared, _ = study
    pictures = replace(prepared.pictures, folder=tmp_path / "cache" / ("0" * 32))
    return replace(prepared, pictures=pictures)


@pytest.fixture
def network(study) -> Network:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return Network(study[1].architecture).eval()


def held_in(prepared: Prepared) -> InCache:
    (held,) = list_cache(prepared.pictures.folder.parent)
    return held


def test_features_are_those_of_the_network(prepared, study, network):
    config = study[1]
    rows = [7, 3, 3, 40]
    found = frozen_features(network, prepared, rows, config, progress=silent)
    direct = compute_outputs(
        network,
        prepared.pictures.array,
        rows,
        normalise=lambda batch: normalise(batch, config.preprocessing),
    )
    np.testing.assert_allclose(found, direct.features, rtol=1e-5, atol=1e-6)


def test_the_second_time_costs_no_pass_and_gives_the_same_bytes(prepared, study, network):
    rows, counted = list(range(len(prepared.manifest))), Counted()
    first = frozen_features(network, prepared, rows, study[1], progress=counted)
    assert counted.pictures == len(rows)
    again = Counted()
    second = frozen_features(network, prepared, rows[::-1], study[1], progress=again)
    assert again.pictures == 0
    np.testing.assert_array_equal(second, first[::-1])


def test_a_feature_does_not_depend_on_what_the_cache_lacked(prepared, study, network, tmp_path):
    rows = list(range(40))
    whole = frozen_features(network, prepared, rows, study[1], progress=silent)
    pictures = replace(prepared.pictures, folder=tmp_path / "other" / ("0" * 32))
    other = replace(prepared, pictures=pictures)
    frozen_features(network, other, rows[5:11], study[1], progress=silent)
    counted = Counted()
    parted = frozen_features(network, other, rows, study[1], progress=counted)
    assert counted.pictures == 34
    np.testing.assert_array_equal(parted, whole)


def test_other_weights_or_another_normalisation_share_nothing(prepared, study, network):
    config = study[1]
    first = frozen_features(network, prepared, [0, 1], config, progress=silent)
    with torch.no_grad():
        next(network.backbone.parameters()).add_(0.1)
    assert (frozen_features(network, prepared, [0, 1], config, progress=silent) != first).any()
    rules = config.preprocessing.model_copy(update={"mean": (0.2,)})
    changed = config.model_copy(update={"preprocessing": rules})
    counted = Counted()
    frozen_features(network, prepared, [0, 1], changed, progress=counted)
    assert counted.pictures == 2
    assert len(list_cache(prepared.pictures.folder.parent)) == 3


def test_the_head_does_not_matter(prepared, study, network):
    frozen_features(network, prepared, [0, 1], study[1], progress=silent)
    with torch.no_grad():
        network.head.weight.zero_()
    counted = Counted()
    frozen_features(network, prepared, [0, 1], study[1], progress=counted)
    assert counted.pictures == 0


def test_a_damaged_feature_is_computed_again(prepared, study, network):
    rows = list(range(8))
    first = frozen_features(network, prepared, rows, study[1], progress=silent)
    (shard,) = shards_in(held_in(prepared).folder)
    data = bytearray(shard.read_bytes())
    data[5] ^= 1
    shard.write_bytes(data)
    counted = Counted()
    second = frozen_features(network, prepared, rows, study[1], progress=counted)
    assert counted.pictures == 1
    np.testing.assert_array_equal(second, first)


def test_the_cache_tells_what_it_holds(prepared, study, network):
    frozen_features(network, prepared, [0, 1, 1], study[1], progress=silent)
    held = held_in(prepared)
    assert held.rows == 2
    assert held.facts["backbone"] == study[1].model.backbone


def test_a_cache_that_may_hold_nothing_costs_time_and_no_result(prepared, study, network):
    bounded = replace(prepared, cache_bytes=1)
    first = frozen_features(network, bounded, [4, 9], study[1], progress=silent)
    assert not list_cache(prepared.pictures.folder.parent)
    unbounded = frozen_features(network, prepared, [4, 9], study[1], progress=silent)
    np.testing.assert_array_equal(first, unbounded)


def test_scores_from_kept_features_are_those_of_the_whole_network(prepared, study, network):
    rows = list(range(20))
    kept = outputs_of(network, prepared, rows, study[1], frozen=True, progress=silent)
    whole = outputs_of(network, prepared, rows, study[1], frozen=False, progress=silent)
    np.testing.assert_allclose(kept.scores, whole.scores, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(kept.features, whole.features, rtol=1e-5, atol=1e-6)
