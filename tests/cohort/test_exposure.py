import numpy as np
import pytest

from medclf.cohort.exposure import names_of, statistics_of


@pytest.mark.parametrize("channels", [1, 3])
def test_each_statistic_has_a_name_and_lies_in_the_unit_range(channels: int) -> None:
    shape = (40, 50) if channels == 1 else (40, 50, 3)
    picture = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    found = statistics_of(picture)
    assert len(found) == len(names_of(channels)) == 22
    assert ((found >= 0) & (found <= 1)).all()


def test_grey_statistics_are_those_of_numpy() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (64, 64), dtype=np.uint8)
    found = statistics_of(picture)
    assert found[:2] == pytest.approx([picture.mean() / 255, picture.std() / 255])
    assert found[2:] == pytest.approx(np.histogram(picture, 20, (0, 256))[0] / picture.size)


def test_colour_statistics_are_those_of_numpy() -> None:
    picture = np.random.default_rng(2).integers(0, 256, (101, 101, 3), dtype=np.uint8)
    found = statistics_of(picture)
    blue = picture[:, :, 2] / 255
    assert found[14:16] == pytest.approx([blue.mean(), blue.std()])
    assert found[16:21] == pytest.approx(np.percentile(blue, [5, 25, 50, 75, 95]), abs=1 / 255)


def test_moving_the_pixels_about_changes_nothing() -> None:
    picture = np.random.default_rng(3).integers(0, 256, (30, 30), dtype=np.uint8)
    shuffled = np.random.default_rng(4).permutation(picture.ravel()).reshape(30, 30)
    assert np.array_equal(statistics_of(picture), statistics_of(shuffled))
