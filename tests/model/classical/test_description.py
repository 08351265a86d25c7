import numpy as np
import pytest

from medclf.model.classical.description import describe, describe_all


def pictures(n, shape=(48, 48), seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, *shape), dtype=np.uint8)


def joined(picture):
    return np.concatenate(describe(picture))


@pytest.mark.parametrize(
    ("shape", "widths"), [((64, 64), [35, 50, 1764]), ((64, 64, 3), [137, 50, 1764])]
)
def test_colour_texture_and_shape_come_in_this_order(shape, widths):
    assert [len(block) for block in describe(pictures(1, shape)[0])] == widths


def test_a_larger_picture_is_averaged_down_first():
    small = np.random.default_rng(0).integers(0, 256, (224, 224), dtype=np.uint8)
    large = np.kron(small, np.ones((2, 2), dtype=np.uint8))
    for one, other in zip(describe(small), describe(large), strict=True):
        assert np.array_equal(one, other)


def test_grey_as_three_channels_has_the_same_texture_and_shape():
    grey = pictures(1)[0]
    colour = np.repeat(grey[:, :, None], 3, axis=2)
    for one, other in zip(describe(grey)[1:], describe(colour)[1:], strict=True):
        assert np.array_equal(one, other)


def test_threads_change_neither_numbers_nor_order():
    many = pictures(70)
    rows = list(range(69, -1, -1))
    once = describe_all(many, rows, joined, threads=1)
    assert np.array_equal(once, describe_all(many, rows, joined, threads=3))
    assert np.array_equal(once[0], joined(many[69]))


def test_progress_ends_with_all():
    told = []
    describe_all(pictures(66), range(66), joined, threads=2, progress=lambda *at: told.append(at))
    assert told == [(64, 66), (66, 66)]
