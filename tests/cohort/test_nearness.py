import numpy as np
import pytest

from medclf.cohort import nearness
from medclf.cohort.nearness import find_near


def random_prints(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**63, (count, 4), dtype=np.uint64)


def with_flipped(prints: np.ndarray, row: int, bits: int, seed: int = 1) -> np.ndarray:
    whole = np.unpackbits(prints[row].view(np.uint8))
    whole[np.random.default_rng(seed).choice(256, bits, replace=False)] ^= 1
    return np.packbits(whole).view(np.uint64)


def by_hand(a: np.ndarray, b: np.ndarray, radius: int) -> set[tuple[int, int]]:
    bits = [np.unpackbits(p.view(np.uint8), axis=1).astype(int) for p in (a, b)]
    counts = np.abs(bits[0][:, None] - bits[1][None]).sum(axis=2)
    return {(i, j) for i, j in np.argwhere(counts <= radius).tolist() if i != j}


def test_every_pair_within_the_radius_is_found_once() -> None:
    prints = random_prints(60)
    for copy, bits in ((50, 10), (51, 30), (52, 41)):
        prints[copy] = with_flipped(prints, copy - 50, bits, seed=bits)
    near = find_near(prints, prints, radius=40, same=True)
    pairs = list(zip(near.first.tolist(), near.second.tolist(), strict=True))
    assert set(pairs) == {p for p in by_hand(prints, prints, 40) if p[0] < p[1]}
    assert pairs == [(0, 50), (1, 51)]
    assert near.distance.tolist() == [10, 30]
    assert near.exhaustive


def test_variants_are_compared_with_plain_ones_in_both_directions() -> None:
    plain, variants = random_prints(30), random_prints(30, seed=5)
    variants[4] = with_flipped(plain, 9, 7)
    variants[9] = with_flipped(plain, 9, 3)  # a picture that resembles its own variant
    near = find_near(variants, plain, radius=20, same=False)
    assert list(zip(near.first.tolist(), near.second.tolist(), strict=True)) == [(4, 9)]


@pytest.mark.parametrize("same", [True, False])
def test_a_large_cohort_finds_nearly_all_near_pairs_by_bands(
    monkeypatch: pytest.MonkeyPatch, same: bool
) -> None:
    monkeypatch.setattr(nearness, "EXACT_UP_TO", 100)
    prints = random_prints(2000)
    variants = prints if same else prints.copy()
    for number in range(100):
        prints[1000 + number] = with_flipped(prints, number, 24, seed=number)
    near = find_near(variants, prints, radius=56, same=same)
    wanted = {(n, 1000 + n) for n in range(100)}
    found = set(zip(near.first.tolist(), near.second.tolist(), strict=True))
    assert not near.exhaustive
    assert len(wanted & found) >= 97
    assert found <= wanted | {(b, a) for a, b in wanted}
