import numpy as np
import pytest

from medclf.model.classical.texture import texture_of


def noise(seed=0, side=96):
    return np.random.default_rng(seed).integers(0, 256, (side, side), dtype=np.uint8)


def haralick_contrast(levels, step):
    """The definition, by loops over pairs: mean square of the difference, both ways the same."""
    rows, columns = levels.shape
    down, right = step
    differences = [
        (int(levels[r, c]) - int(levels[r + down, c + right])) ** 2
        for r in range(rows)
        for c in range(columns)
        if 0 <= r + down < rows and 0 <= c + right < columns
    ]
    return float(np.mean(differences))


def test_shares_of_patterns_add_up_to_one_at_each_scale():
    found = texture_of(noise())
    assert found.shape == (50,)
    assert (found[:30].reshape(3, 10) ** 2).sum(axis=1) == pytest.approx(1.0)


def test_contrast_is_haralicks():
    grey = noise(1, side=40)
    steps = [(0, 1), (-1, 1), (-1, 0), (-1, -1)]
    expected = np.mean([haralick_contrast(grey // 16, step) for step in steps])
    assert texture_of(grey)[30] == pytest.approx(expected, rel=1e-9)


def test_patterns_of_a_picture_turned_by_a_right_angle_stay():
    grey = noise(2)
    assert texture_of(grey)[:30] == pytest.approx(texture_of(np.rot90(grey).copy())[:30], abs=0.02)


def test_patterns_do_not_depend_on_brightness():
    grey = noise(3) // 2  # neighbours of equal value round to either side, hence the tolerance
    brighter = grey + np.uint8(40)
    assert texture_of(brighter)[:30] == pytest.approx(texture_of(grey)[:30], abs=0.03)


def test_a_flat_picture_gives_finite_numbers():
    assert np.isfinite(texture_of(np.full((64, 64), 90, dtype=np.uint8))).all()


def test_stripes_show_a_direction_where_noise_shows_none():
    stripes = np.tile(np.repeat([0, 255], 2).astype(np.uint8), (96, 24))
    ranges = slice(40, 50)
    assert texture_of(stripes)[ranges].max() > 5 * texture_of(noise())[ranges].max()
