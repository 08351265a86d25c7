import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medclf.model.batches import Batches
from medclf.model.fit_config import FitConfig
from medclf.model.part import Part
from medclf.model.processes import Processes


def batches(cases, *, rank=0, count=1, pinned=False, truth=None, **keys):
    pictures = np.arange(2 * cases, dtype=np.uint8)[:, None, None] * np.ones((1, 2, 2), np.uint8)
    rows = np.arange(cases, 2 * cases)
    told = rows % 3 if truth is None else truth
    part = Part(rows, told.astype(np.int64))
    return Batches(pictures, part, FitConfig(**keys), 7, Processes(rank, count), pinned)


@settings(deadline=None)
@given(st.integers(4, 60), st.integers(1, 4), st.integers(1, 3), st.integers(0, 5))
def test_shares_and_passes_together_are_the_whole_batch_in_its_order(cases, count, passes, epoch):
    keys = {"batch": 12, "accumulate": passes}
    whole = list(batches(cases, batch=12).plan(epoch))
    shares = [list(batches(cases, rank=r, count=count, **keys).plan(epoch)) for r in range(count)]
    for step, (expected, places, size, _, last) in enumerate(whole):
        assert last
        assert size == len(expected) == len(places)
        found = np.full(size, -1)
        for share in shares:
            for mine, where, of, number, _ in share:
                if number == step:
                    assert of == size
                    assert (found[where] == -1).all()
                    found[where] = mine
        assert np.array_equal(found, expected)
    assert [last for *_, last in shares[0]].count(True) == len(whole)


def test_an_epoch_sees_each_case_once_and_leaves_out_what_fills_no_batch():
    cases = np.concatenate([mine for mine, *_ in batches(30, batch=8).plan(0)])
    assert len(cases) == len(set(cases.tolist())) == 24


def test_epochs_come_in_orders_of_their_own():
    several = [np.concatenate([c for c, *_ in batches(32, batch=8).plan(e)]) for e in (0, 1, 0)]
    assert np.array_equal(several[0], several[2])
    assert not np.array_equal(several[0], several[1])


def test_pictures_and_truth_are_those_of_the_case():
    for piece in batches(20, batch=8).of(0):
        assert piece.pictures.dtype == torch.uint8
        assert np.array_equal(piece.pictures[:, 0, 0] % 3, piece.truth)


def test_partners_follow_in_a_second_half_and_are_of_the_same_batch():
    (whole,) = batches(8, batch=8, mixup=0.2).of(0)
    assert sorted(whole.places[8:].tolist()) == list(range(8))
    half, *_ = batches(8, batch=8, mixup=0.2, rank=1, count=2).of(0)
    assert half.places[:4].tolist() == [4, 5, 6, 7]
    assert torch.equal(half.places[4:], whole.places[12:])


def test_truth_of_several_findings_passes_as_it_is():
    truth = np.random.default_rng(0).integers(-1, 2, (9, 14))
    (piece,) = batches(9, batch=9, truth=truth).of(0)
    assert piece.truth.shape == (9, 14)
    assert sorted(map(tuple, piece.truth.tolist())) == sorted(map(tuple, truth.tolist()))


def test_reading_ahead_gives_the_same_pieces(monkeypatch):
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda self: self)  # pinning needs a GPU
    plain = list(batches(40, batch=4).of(3))
    ahead = list(batches(40, batch=4, pinned=True).of(3))
    assert len(ahead) == len(plain) == 10
    for one, other in zip(plain, ahead, strict=True):
        assert torch.equal(one.pictures, other.pictures)
        assert torch.equal(one.places, other.places)


def test_an_error_while_reading_ahead_comes_through(monkeypatch):
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda self: self)
    broken = batches(40, batch=4, pinned=True)
    broken.train.rows[-1] = 999
    with pytest.raises(IndexError):
        list(broken.of(0))
