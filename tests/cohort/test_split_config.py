import pytest

from medclf.cohort.split_config import SplitConfig
from medclf.config import parse
from medclf.errors import ConfigError


def test_a_part_of_no_size_is_not_asked_for() -> None:
    config = SplitConfig(train=0.8, test=0, seed=0)
    assert config.fractions == {"train": 0.8, "tune": 0.1, "calibrate": 0.1}


@pytest.mark.parametrize(
    "content",
    [
        {"seed": 0, "by": "time", "train": 0.8, "test": 0},
        {},
        {"seed": 0, "test": 0.5},
        {"seed": 0, "train": 1.0},
        {"seed": -1},
        {"seed": 0, "x": 1},
    ],
)
def test_an_impossible_split_is_refused(content: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        parse(content, SplitConfig, where="split")
