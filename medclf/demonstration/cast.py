"""Who the made-up patients are and which films are taken of them.

Sex, age, site and device are drawn without looking at the finding, and the finding is
dealt to exactly the same share of films on each device: none of them predicts it.
"""

from dataclasses import dataclass

import numpy as np

from medclf.demonstration.anatomy import Anatomy, draw_anatomy
from medclf.demonstration.exposure import DEVICES, Device

PREVALENCE = 0.20
OPACITY, NO_OPACITY = "opacity", "no_opacity"
SITES = ("Northfield", "Harbour", "Hillside")

_FILMS_PER_PATIENT = 600 / 420
_MOST_FILMS = 3
# Each site mostly uses one make, as sites do: chance of the first device.
_FIRST_DEVICE = {"Northfield": 0.95, "Harbour": 0.05, "Hillside": 0.5}


@dataclass(frozen=True)
class Phantom:
    """One film to be made, and whose it is.

    Attributes:
        patient: number from 1.
        visit: number from 1; each visit has one film.
        label: `opacity` or `no_opacity`.
        sex: `F` or `M`.
        age_years: at the visit.
        site: where.
        device: what it is taken with.
        anatomy: the patient's build, the same on every visit.
        seed: of this film alone.
    """

    patient: int
    visit: int
    label: str
    sex: str
    age_years: int
    site: str
    device: Device
    anatomy: Anatomy
    seed: int

    @property
    def patient_id(self) -> str:
        """Patient ID, which says that nobody bears it."""
        return f"PHANTOM-{self.patient:04d}"


def draw_cast(count: int, generator: np.random.Generator) -> tuple[Phantom, ...]:
    """Draw `count` films of some seven patients to every ten films.

    Args:
        count: of films, at least 1.
        generator: source of randomness; the same state gives the same films.
    """
    patients = min(count, max(-(-count // _MOST_FILMS), round(count / _FILMS_PER_PATIENT)))
    films = np.ones(patients, int)
    spare = np.repeat(np.arange(patients), _MOST_FILMS - 1)
    np.add.at(films, generator.permutation(spare)[: count - patients], 1)
    unlabelled: list[Phantom] = []
    for patient, visits in enumerate(films, start=1):
        unlabelled.extend(_films_of(patient, int(visits), generator))
    labels = _deal_labels([film.device.model for film in unlabelled], generator)
    return tuple(
        Phantom(**{**vars(film), "label": label})
        for film, label in zip(unlabelled, labels, strict=True)
    )


def _films_of(patient: int, visits: int, generator: np.random.Generator) -> list[Phantom]:
    sex = "F" if generator.random() < 0.5 else "M"
    age = int(np.clip(generator.normal(57, 17), 18, 92))
    site = SITES[int(generator.choice(len(SITES), p=[0.4, 0.35, 0.25]))]
    anatomy = draw_anatomy(generator, sex=sex, age_years=age)
    return [
        Phantom(
            patient=patient,
            visit=visit,
            label=NO_OPACITY,
            sex=sex,
            age_years=age,
            site=site,
            device=DEVICES[0 if generator.random() < _FIRST_DEVICE[site] else 1],
            anatomy=anatomy,
            seed=int(generator.integers(1 << 62)),
        )
        for visit in range(1, visits + 1)
    ]


def _deal_labels(devices: list[str], generator: np.random.Generator) -> list[str]:
    """Give the finding to the same share of each device's films."""
    labels = np.full(len(devices), NO_OPACITY, dtype=object)
    for device in sorted(set(devices)):
        own = np.flatnonzero(np.array(devices) == device)
        labels[generator.permutation(own)[: round(PREVALENCE * len(own))]] = OPACITY
    return [str(label) for label in labels]
