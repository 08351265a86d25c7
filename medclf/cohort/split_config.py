"""How a cohort is to be shared out: what `study.yaml` says under `split`."""

from typing import Literal

from pydantic import Field, model_validator

from medclf.config import Config

_ROUNDING = 1e-9  # fractions are written in decimals: 0.6 + 0.1 + 0.1 + 0.2 is not 1 in binary


class SplitConfig(Config):
    """How a cohort is shared out.

    Attributes:
        train: fraction of the cases.
        tune: fraction of the cases.
        calibrate: fraction of the cases.
        test: fraction of the cases; 0 when the test data come from elsewhere.
        unit: what must be known of every case. Whatever is known beside keeps
            cases together all the same. `auto` asks for nothing; `image` states that
            neither patients nor groups are known; `site` keeps whole sites together too.
        by: `random` draws every part; `time` takes the latest cases as the test part, by
            the month of each patient's last picture, and draws the others.
        near_duplicates: near copies, where they were looked for: `keep_together` makes
            them one unit, `warn` lets them cross, `refuse` refuses a split where they do.
        minimum_per_class: cases of every label that every part must hold.
        seed: of the draw among equals.
    """

    train: float = Field(default=0.6, gt=0, lt=1)
    tune: float = Field(default=0.1, gt=0, lt=1)
    calibrate: float = Field(default=0.1, gt=0, lt=1)
    test: float = Field(default=0.2, ge=0, lt=1)
    unit: Literal["auto", "patient", "group", "image", "site"] = "auto"
    by: Literal["random", "time"] = "random"
    near_duplicates: Literal["keep_together", "warn", "refuse"] = "keep_together"
    minimum_per_class: int = Field(default=2, ge=1, le=10_000)
    seed: int = Field(ge=0, le=2**32 - 1)

    @model_validator(mode="after")
    def _whole(self) -> "SplitConfig":
        total = sum(self.fractions.values())
        if abs(total - 1) > _ROUNDING:
            raise ValueError(f"train, tune, calibrate and test sum to {total:g}, not to 1")
        if self.by == "time" and not self.test:
            raise ValueError("by: time needs a test part; set test above 0")
        return self

    @property
    def fractions(self) -> dict[str, float]:
        """The parts asked for, in order, with their fractions."""
        every = {"train": self.train, "tune": self.tune, "calibrate": self.calibrate}
        return {**every, "test": self.test} if self.test else every
