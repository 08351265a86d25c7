import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from medclf.demonstration.cast import OPACITY, PREVALENCE, draw_cast


@given(count=st.integers(1, 150), seed=st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_count_prevalence_and_visits_hold_for_any_seed(count: int, seed: int) -> None:
    cast = draw_cast(count, np.random.default_rng(seed))
    assert len(cast) == count
    found = sum(film.label == OPACITY for film in cast)
    assert abs(found - PREVALENCE * count) <= 1  # rounded on each of two devices
    visits = [(film.patient, film.visit) for film in cast]
    assert len(set(visits)) == count
    assert max(visit for _, visit in visits) <= 3
    assert sorted({patient for patient, _ in visits}) == list(
        range(1, max(patient for patient, _ in visits) + 1)
    )


def test_demonstration_has_about_420_patients_and_600_films() -> None:
    cast = draw_cast(600, np.random.default_rng(0))
    assert len({film.patient for film in cast}) == 420
    assert {film.sex for film in cast} == {"F", "M"}
    assert len({film.device.model for film in cast}) == 2


def test_finding_is_dealt_evenly_over_the_devices() -> None:
    cast = draw_cast(600, np.random.default_rng(3))
    for model in {film.device.model for film in cast}:
        own = [film.label == OPACITY for film in cast if film.device.model == model]
        assert sum(own) == round(PREVALENCE * len(own))


def test_a_patient_keeps_build_and_sex_over_the_visits() -> None:
    cast = draw_cast(60, np.random.default_rng(1))
    for patient in {film.patient for film in cast}:
        own = [film for film in cast if film.patient == patient]
        assert len({(film.anatomy, film.sex, film.site) for film in own}) == 1


def test_men_have_no_breast_shadow() -> None:
    cast = draw_cast(60, np.random.default_rng(2))
    assert all(film.anatomy.breast == 0 for film in cast if film.sex == "M")
    assert any(film.anatomy.breast > 1 for film in cast if film.sex == "F")
