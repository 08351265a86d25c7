"""Laws that every random variation keeps, alone and all together."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter1d

from medclf.dicom.instance import Kind
from medclf.errors import PixelsMisuse
from medclf.pixels.transforms.augment import AugmentConfig, augment_batch
from medclf.pixels.transforms.variations.blur import soften
from medclf.pixels.transforms.variations.exposure import expose
from medclf.pixels.transforms.variations.grain import add_grain
from medclf.pixels.transforms.variations.illumination import shade
from medclf.pixels.transforms.variations.ranges import RANGES
from medclf.pixels.transforms.variations.stain_jitter import restain

OPTIONAL = ("gamma", "grain", "blur", "illumination", "stain")
STRENGTH = st.sampled_from([0, 0.5, 1, 2])


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@st.composite
def _wishes(draw) -> tuple[Kind, AugmentConfig]:
    kind = draw(st.sampled_from(Kind))
    own = {name: draw(STRENGTH) for name in OPTIONAL if getattr(RANGES[kind], name)}
    return kind, AugmentConfig(movement=draw(STRENGTH), light=draw(STRENGTH), **own)


@settings(max_examples=60, deadline=None)
@given(
    wish=_wishes(),
    seed=st.integers(0, 2**31),
    channels=st.sampled_from([1, 3]),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    height=st.integers(8, 40),
    width=st.integers(8, 40),
)
def test_range_type_and_replay_hold_and_a_picture_is_its_own(
    wish, seed, channels, dtype, height, width
):
    kind, config = wish
    batch = torch.rand((5, channels, height, width), generator=_generator(seed), dtype=dtype)
    before = batch.clone()
    varied = augment_batch(batch, kind, _generator(seed), config)
    assert varied.shape == batch.shape
    assert varied.dtype == dtype
    assert torch.isfinite(varied).all()
    assert float(varied.min()) >= 0
    assert float(varied.max()) <= 1
    assert torch.equal(batch, before)
    assert torch.equal(varied, augment_batch(batch, kind, _generator(seed), config))
    assert torch.equal(varied[:2], augment_batch(batch[:2], kind, _generator(seed), config))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**31), strength=STRENGTH)
def test_radiograph_is_never_mirrored(seed, strength):
    film = torch.zeros((8, 3, 64, 64))  # a marker of three dots, one a channel
    film[:, 0, 18:22, 18:22] = film[:, 1, 18:22, 40:44] = film[:, 2, 36:40, 18:22] = 1
    config = AugmentConfig(movement=strength, light=0, gamma=1, grain=1, blur=1)
    varied = augment_batch(film, Kind.XRAY, _generator(seed), config)
    at = torch.arange(64.0)
    mass = varied.sum(dim=(2, 3))  # (8, 3)
    x, y = (varied.sum(dim=axis) @ at / mass for axis in (2, 3))
    # The sign of a triangle's area turns over in a mirror, and in nothing else that moves it.
    area = (x[:, 1] - x[:, 0]) * (y[:, 2] - y[:, 0]) - (x[:, 2] - x[:, 0]) * (y[:, 1] - y[:, 0])
    assert (area > 0).all()
    assert (x[:, 1] > x[:, 0]).all()  # and upside down is no way out


@pytest.mark.parametrize("kind", Kind)
def test_default_is_movement_and_light_alone(kind):
    assert AugmentConfig().unfit_for(kind) == ()
    batch = torch.rand((3, 3, 24, 24), generator=_generator(0))
    still = augment_batch(batch, kind, _generator(1), AugmentConfig(movement=0, light=0))
    assert torch.allclose(still, batch, atol=1e-5)


def test_without_mirror_left_and_right_of_a_retina_stay():
    half = torch.zeros((64, 1, 20, 20))
    half[:, :, :10, :10] = 1  # one quarter, and half of the next: no symmetry
    half[:, :, 10:, 5:10] = 1
    config = AugmentConfig(movement=1e-6, mirror=False, light=0)
    assert torch.allclose(augment_batch(half, Kind.FUNDUS, _generator(2), config), half, atol=1e-3)


@pytest.mark.parametrize(
    ("kind", "name"), [(Kind.XRAY, "stain"), (Kind.FUNDUS, "grain"), (Kind.PATHOLOGY, "gamma")]
)
def test_variation_that_a_kind_does_not_have_is_refused(kind, name):
    with pytest.raises(PixelsMisuse, match=name):
        augment_batch(torch.zeros(1, 3, 8, 8), kind, _generator(0), AugmentConfig(**{name: 1}))


def test_blur_is_the_gaussian_of_the_drawn_width():
    picture = torch.rand((1, 1, 60, 60), generator=_generator(3), dtype=torch.float64)
    ranges = RANGES[Kind.XRAY].scaled(AugmentConfig(blur=2))
    drawn = torch.tensor([[0.0, 0.8]])
    deviation = 0.8 * ranges.blur * 60
    wanted = picture[0, 0].numpy()
    for axis in (0, 1):
        wanted = gaussian_filter1d(wanted, deviation, axis, mode="mirror", radius=2)
    found = soften(picture, drawn, ranges)[0, 0].numpy()
    assert abs(found - wanted).max() < 1e-6


def test_blur_keeps_an_even_picture():
    even = torch.full((4, 3, 30, 30), 0.4)
    blurred = soften(even, torch.zeros((4, 2)) + 0.3, RANGES[Kind.FUNDUS])
    assert torch.allclose(blurred, even, atol=1e-6)


def test_grain_has_the_drawn_deviation_and_spares_black():
    even = torch.full((1, 1, 200, 200), 0.25)
    noisy = add_grain(even, torch.tensor([[0.0, 1.0, 0.3, 0.6]]), RANGES[Kind.XRAY])
    wanted = RANGES[Kind.XRAY].grain * 0.5  # the square root of a quarter
    assert abs(float((noisy - even).std()) / wanted - 1) < 0.03
    black = torch.zeros((1, 1, 20, 20))
    assert (add_grain(black, torch.tensor([[0.0, 1.0, 0.3, 0.6]]), RANGES[Kind.XRAY]) == 0).all()


def test_gamma_keeps_black_white_and_order():
    ramp = torch.linspace(0, 1, 100).reshape(1, 1, 10, 10)
    for drawn in (0.0, 0.3, 0.99):
        varied = expose(ramp, torch.tensor([[drawn]]), RANGES[Kind.XRAY]).flatten()
        assert varied[0] == 0
        assert varied[-1] == 1
        assert (varied.diff() > 0).all()


def test_light_on_a_retina_falls_off_within_its_bound():
    white = torch.ones((64, 3, 30, 30))
    drawn = torch.rand((64, 3), generator=_generator(5))
    shaded = shade(white, drawn, RANGES[Kind.FUNDUS])
    least = (1 - RANGES[Kind.FUNDUS].illumination) ** 2
    assert float(shaded.max()) <= 1
    assert float(shaded.min()) >= least - 1e-6
    assert (shade(torch.zeros(1, 3, 9, 9), drawn[:1], RANGES[Kind.FUNDUS]) == 0).all()


def test_stain_jitter_follows_the_published_formula_in_tissue():
    picture = 0.1 + 0.6 * torch.rand((1, 3, 20, 20), generator=_generator(6), dtype=torch.float64)
    drawn = torch.tensor([[0.9, 0.2, 0.5, 0.1, 0.7, 0.5]])
    found = restain(picture, drawn, RANGES[Kind.PATHOLOGY])
    sigma = RANGES[Kind.PATHOLOGY].stain
    signed = (sigma * (2 * drawn - 1))[0].numpy()
    stains = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]])
    stains /= np.linalg.norm(stains, axis=1, keepdims=True)
    for y in range(20):  # one pixel after the other, straight from the paper
        for x in range(20):
            amounts = np.linalg.solve(stains.T, -np.log(picture[0, :, y, x].numpy()))
            amounts = amounts * (1 + signed[:3]) + 0.15 * signed[3:]
            wanted = np.clip(np.exp(-amounts @ stains), 0, 1)
            assert np.abs(found[0, :, y, x].numpy() - wanted).max() < 1e-4


def test_glass_stays_white_and_grey_stays_grey():
    drawn = torch.rand((4, 6), generator=_generator(7))
    assert (restain(torch.ones(4, 3, 8, 8), drawn, RANGES[Kind.PATHOLOGY]) == 1).all()
    grey = torch.rand((4, 1, 8, 8))
    assert torch.equal(restain(grey, drawn, RANGES[Kind.PATHOLOGY]), grey)
