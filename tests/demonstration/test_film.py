from dataclasses import replace

import numpy as np
import pytest

from medclf.demonstration.cast import NO_OPACITY, OPACITY, Phantom, draw_cast
from medclf.demonstration.exposure import DEVICES
from medclf.demonstration.film import draw_film
from medclf.demonstration.frame import Frame
from medclf.demonstration.opacity import Patch, replaced_air
from medclf.demonstration.tissue import Pose, lungs


@pytest.fixture(scope="module")
def phantom() -> Phantom:
    return draw_cast(1, np.random.default_rng(5))[0]


@pytest.mark.parametrize("device", DEVICES, ids=lambda device: device.model)
def test_film_has_the_devices_size_and_twelve_bits(phantom: Phantom, device) -> None:
    film = draw_film(replace(phantom, device=device), np.random.default_rng(0))
    assert film.shape == (device.rows, device.columns)
    assert film.dtype == np.uint16
    assert film.max() < 4096
    assert film.std() > 300  # contrast


def test_same_generator_state_gives_the_same_film(phantom: Phantom) -> None:
    one = draw_film(phantom, np.random.default_rng(1))
    same = draw_film(phantom, np.random.default_rng(1))
    other = draw_film(phantom, np.random.default_rng(2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_opacity_changes_the_film_and_brightens_lung(phantom: Phantom) -> None:
    clear = draw_film(replace(phantom, label=NO_OPACITY), np.random.default_rng(1))
    ill = draw_film(replace(phantom, label=OPACITY), np.random.default_rng(1))
    assert not np.array_equal(clear, ill)

    frame = Frame(rows=160, columns=160, pixels_per_cm=4.5, left_cm=-17.8, top_cm=-4)
    lung = lungs(phantom.anatomy, frame, Pose(breath=1, turn_cm=0, arms=0.5))
    patch = Patch(x_cm=-8, y_cm=14, radius_cm=3, stretch=1, strength=0.8)
    share = replaced_air((patch,), lung, frame, np.random.default_rng(0))
    assert share.min() >= 0
    assert share.max() <= 0.9
    assert share[:, :80].max() > 0.4  # the patient's right lung is on the film's left
    assert share[:, 90:].max() < 0.05


def test_no_patch_replaces_no_air(phantom: Phantom) -> None:
    frame = Frame(rows=64, columns=64, pixels_per_cm=2, left_cm=-16, top_cm=-4)
    lung = lungs(phantom.anatomy, frame, Pose(breath=1, turn_cm=0, arms=0.5))
    assert not replaced_air((), lung, frame, np.random.default_rng(0)).any()


def test_heart_leans_to_the_patients_left(phantom: Phantom) -> None:
    film = draw_film(replace(phantom, label=NO_OPACITY), np.random.default_rng(4)).astype(float)
    height, width = film.shape
    low = film[int(0.48 * height) : int(0.56 * height)]
    patients_right = low[:, int(0.36 * width) : int(0.42 * width)].mean()
    patients_left = low[:, int(0.58 * width) : int(0.64 * width)].mean()
    assert patients_left > patients_right
