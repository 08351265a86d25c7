import numpy as np
import pytest

from medclf.demonstration.frame import Frame, band, blurred, clouds, oval

FRAME = Frame(rows=120, columns=100, pixels_per_cm=5.0, left_cm=-10.0, top_cm=-4.0)


def test_midline_and_edges_lie_where_the_frame_says() -> None:
    assert FRAME.x[0, 0] == pytest.approx(-9.9)
    assert FRAME.y[0, 0] == pytest.approx(-3.9)
    assert FRAME.x[0, -1] == pytest.approx(9.9)


def test_halved_frame_shows_the_same_view() -> None:
    half = FRAME.halved()
    assert half.x.mean() == pytest.approx(FRAME.x.mean(), abs=1e-4)
    assert FRAME.enlarged(np.ones((half.rows, half.columns), np.float32)).shape == (120, 100)


def test_drawn_disc_has_its_area_in_square_centimetres() -> None:
    canvas = FRAME.canvas()
    FRAME.fill(canvas, oval((2.0, 5.0), (3.0, 2.0)), 255)
    area_cm2 = FRAME.ink(canvas).sum() / FRAME.pixels_per_cm**2
    assert area_cm2 == pytest.approx(np.pi * 6, rel=0.05)


def test_stroke_outside_the_film_draws_nothing() -> None:
    canvas = FRAME.canvas()
    FRAME.strokes(canvas, np.array([[[50.0, 50.0], [60.0, 60.0]]]), width_cm=0.5, shade=255)
    assert not canvas.any()


def test_band_is_as_wide_as_asked() -> None:
    line = np.stack([np.linspace(0, 10, 11), np.zeros(11)], axis=1)
    outline = band(line, np.full(11, 2.0))
    assert outline.shape == (22, 2)
    assert np.allclose(np.abs(outline[:, 1]), 1.0)


@pytest.mark.parametrize("sigma", [0.7, 3.0, 20.0])
def test_blur_keeps_the_level(sigma: float) -> None:
    flat = np.full((64, 48), 3.0, np.float32)
    assert np.allclose(blurred(flat, sigma), 3.0, atol=1e-4)


def test_clouds_are_about_standard_and_repeatable() -> None:
    one = clouds(np.random.default_rng(0), FRAME, (4.0, 2.0, 0.8))
    assert one.shape == (120, 100)
    assert abs(float(one.mean())) < 0.6
    assert 0.5 < float(one.std()) < 1.6
    assert np.array_equal(one, clouds(np.random.default_rng(0), FRAME, (4.0, 2.0, 0.8)))
