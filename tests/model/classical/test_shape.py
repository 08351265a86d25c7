import numpy as np
import pytest

from medclf.model.classical.shape import shape_of


def edge(angle_degrees, side=128):
    """A soft step whose gradient points in one direction."""
    y, x = np.mgrid[:side, :side] - side / 2
    angle = np.deg2rad(angle_degrees)
    along = x * np.cos(angle) + y * np.sin(angle)
    return np.clip(128 + 2 * along, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("angle", "direction"), [(10, 0), (50, 2), (90, 4), (150, 7)])
def test_a_gradient_falls_into_its_direction(angle, direction):
    found = shape_of(edge(angle)).reshape(7, 7, 2, 2, 9)
    assert found[3, 3, 0, 0].argmax() == direction


def test_doubling_the_contrast_changes_nothing():
    soft = np.random.default_rng(0).integers(60, 120, (128, 128)).astype(np.uint8)
    assert shape_of(soft) == pytest.approx(shape_of((soft - 60) * 2), abs=1e-3)


def test_any_size_gives_as_many_numbers():
    for side in (32, 128, 300):
        grey = np.random.default_rng(1).integers(0, 256, (side, side)).astype(np.uint8)
        found = shape_of(grey)
        assert found.shape == (1764,)
        assert (found >= 0).all()
        assert (found <= 1).all()


def test_a_flat_picture_gives_finite_numbers():
    assert np.isfinite(shape_of(np.full((64, 64), 90, dtype=np.uint8))).all()
