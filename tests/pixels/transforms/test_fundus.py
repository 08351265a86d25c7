"""Fundus photographs."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from medclf.dicom.instance import open_instance
from medclf.pixels.decode import decode
from medclf.pixels.transforms.fundus import FundusOptions, find_disc, prepare_fundus


def _photograph(height, width, x, y, radius, *, noise: int = 4) -> np.ndarray:
    rng = np.random.default_rng(7)
    array = rng.integers(0, noise + 1, (height, width, 3), dtype=np.uint8)
    cv2.circle(array, (x, y), radius, (180, 90, 40), -1)
    cv2.circle(array, (x + radius // 2, y), radius // 8, (250, 210, 120), -1)
    return array


@settings(max_examples=40, deadline=None)
@given(
    x=st.integers(280, 360),
    y=st.integers(190, 240),
    radius=st.integers(190, 270),
)
def test_disc_is_found_whole_or_cut_at_top_and_bottom(x, y, radius):
    disc = find_disc(_photograph(425, 640, x, y, radius))
    assert disc is not None
    assert abs(disc.radius - radius) <= 0.02 * radius
    assert abs(disc.x - x) <= 0.02 * radius
    assert abs(disc.y - y) <= 0.02 * radius


def test_notch_and_writing_do_not_move_the_disc():
    array = _photograph(425, 640, 320, 212, 200)
    cv2.rectangle(array, (515, 150), (530, 165), (200, 100, 60), -1)
    cv2.putText(array, "OD 12", (10, 40), cv2.FONT_HERSHEY_SIMPLEX, 1, (255, 255, 255), 2)
    disc = find_disc(array)
    assert disc is not None
    assert abs(disc.radius - 200) <= 4
    assert abs(disc.x - 320) <= 4


def test_crop_is_the_same_wherever_the_disc_lay():
    options = FundusOptions()
    one = prepare_fundus(_photograph(500, 700, 300, 240, 200, noise=0), size=224, options=options)
    two = prepare_fundus(_photograph(600, 800, 450, 330, 200, noise=0), size=224, options=options)
    assert np.abs(one.astype(int) - two).mean() < 2


def test_outside_of_the_disc_is_black():
    array = _photograph(425, 640, 320, 212, 200, noise=9)
    square = prepare_fundus(array, size=224, options=FundusOptions())
    rows, columns = np.mgrid[:224, :224] - 111.5
    assert (square[np.hypot(rows, columns) > 112] == 0).all()
    assert square[112, 60].tolist() == [180, 90, 40]


def test_depth_does_not_change_the_crop():
    array = _photograph(425, 640, 320, 212, 250, noise=0)
    deep = prepare_fundus(array.astype(np.uint16) * 257, size=224, options=FundusOptions())
    shallow = prepare_fundus(array, size=224, options=FundusOptions())
    assert np.abs(deep.astype(int) - shallow).max() <= 1


def test_without_a_disc_the_whole_frame_is_kept():
    assert find_disc(np.zeros((100, 150, 3), np.uint8)) is None
    square = prepare_fundus(np.zeros((100, 150, 3), np.uint8), size=64, options=FundusOptions())
    assert square.shape == (64, 64, 3)


def test_local_average_is_grey_where_nothing_varies():
    array = _photograph(425, 640, 320, 212, 200, noise=0)
    square = prepare_fundus(array, size=224, options=FundusOptions(local_average=True))
    assert (square[0, 0] == 128).all()
    assert np.abs(square[112, 50].astype(int) - 128).max() <= 4


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 400, 3), (400, 2, 3), (5000, 3, 3)])
def test_odd_shapes_give_a_square(shape):
    array = np.full(shape, 200, np.uint8)
    square = prepare_fundus(array, size=64, options=FundusOptions())
    assert square.shape == (64, 64, 3)


@pytest.mark.shared
def test_discs_of_one_real_camera_agree(shared_data):
    files = sorted((shared_data / "fundus_dr" / "images").rglob("*.*"))[:120]
    discs = [find_disc(decode(open_instance(path)).array) for path in files]
    radii = np.array([disc.radius for disc in discs if disc is not None])
    assert len(radii) == len(files)
    assert radii.std() / radii.mean() < 0.01


def test_left_eyes_are_mirrored_only_where_the_header_says_so():
    left = _photograph(425, 640, 300, 220, 200)
    right = np.ascontiguousarray(left[:, ::-1])
    options = FundusOptions(laterality="right")
    wanted = prepare_fundus(right, size=128, options=options, laterality="R")
    assert np.array_equal(prepare_fundus(left, size=128, options=options, laterality="L"), wanted)
    as_is = prepare_fundus(left, size=128, options=FundusOptions())
    assert np.array_equal(prepare_fundus(left, size=128, options=options, laterality=""), as_is)
    unasked = prepare_fundus(left, size=128, options=FundusOptions(), laterality="L")
    assert np.array_equal(unasked, as_is)


@pytest.mark.parametrize("bits", [8, 16])
def test_local_average_follows_the_published_formula(bits):
    """4 image - 4 Gaussian + 128 (Graham 2015), with a Gaussian of its own in float64."""
    rng = np.random.default_rng(3)
    array = _photograph(425, 640, 320, 212, 200, noise=0)
    rough = cv2.resize(rng.integers(0, 60, (20, 30, 3), dtype=np.uint8), (640, 425))
    array = np.where(array > 0, array - rough // 2, array).astype(np.uint8)
    size, margin = 224, FundusOptions().margin
    plain = prepare_fundus(array, size=size, options=FundusOptions(), bits=bits).astype(float)
    even = prepare_fundus(array, size=size, options=FundusOptions(local_average=True), bits=bits)
    radius = size / 2 / (1 + margin)
    white = 255 if bits == 8 else 65535
    blurred = gaussian_filter(plain, (radius / 30, radius / 30, 0), mode="mirror")
    wanted = np.clip(4 * plain - 4 * blurred + white * 128 / 255, 0, white)
    rows, columns = np.mgrid[:size, :size] - (size - 1) / 2
    inner = np.hypot(rows, columns) < 0.8 * radius
    assert np.abs(even - wanted)[inner].max() <= (4 if bits == 8 else 80)  # rounding, times four


def test_rim_leaves_no_line_where_the_camera_cut_the_disc():
    array = _photograph(425, 640, 320, 212, 260)  # cut at the top and at the bottom
    bare = FundusOptions(local_average=True)
    with_rim = FundusOptions(local_average=True, rim=0.1)
    assert np.ptp(prepare_fundus(array, size=224, options=bare)[:, 112]) > 100
    assert np.ptp(prepare_fundus(array, size=224, options=with_rim)[:, 112].astype(int)) < 40


@pytest.mark.parametrize("level", [12, 25, 60, 255])
def test_dark_and_bright_photographs_are_cropped_alike(level):
    array = _photograph(425, 640, 320, 212, 200, noise=2).astype(float)
    dim = (array * (level / 255)).round().astype(np.uint8)
    disc = find_disc(dim)
    assert disc is not None
    assert abs(disc.radius - 200) <= 6
