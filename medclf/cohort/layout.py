"""How a source of images is laid out: what sort it is, and what its columns are called.

Public collections and hospital exports name the same things differently. A layout says so
once, and whatever reads the source sees medclf's own names.
"""

import re
from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from medclf.cohort.values import (
    read_laterality,
    read_month,
    read_part,
    read_projection,
    read_sex,
    read_sha256,
)
from medclf.config import Config

PLAIN_COLUMNS = (
    *("path", "sop_instance_uid", "patient_id", "patient_key", "group_id"),
    *("site", "device", "subtype"),
)
READ_COLUMNS = {
    "sha256": read_sha256,
    "laterality": read_laterality,
    "sex": read_sex,
    "part": read_part,
    "view": str.upper,
    "projection": read_projection,
    "taken_on": read_month,
}
KNOWN_COLUMNS = frozenset((*PLAIN_COLUMNS, *READ_COLUMNS, "age"))
"""The columns that mean something beside the label column; others are passed over."""


class Layout(Config):
    """How a source is laid out.

    Attributes:
        format: `table`: a labels table; `folders`: a folder for each class, below folders
            named train, val and test or without them; `medmnist`: an `.npz` file of
            MedMNIST; `findings`: a table with a column for each of several findings.
        columns: what the table calls medclf's columns, such as `{path: image_id}`.
        extension: added to a path that lacks it, such as `.png`.
        patient_pattern: a regular expression that finds the patient number in a path (its
            first group, else all that it matches), for sources without such a column.
        parts: `keep` the parts that the source fixes, or `ignore` them and split anew.
        findings: the columns of the findings, in order; or their names in `listed_in`.
        listed_in: a column that lists the findings of a picture, with `|` between them.
        uncertain: what training makes of an uncertain finding: leave it out (`ignore`), or
            count it as `absent` or `present`. The manifest keeps it as uncertain in every
            case, and records this beside; nothing is calibrated or judged by it.
    """

    format: Literal["table", "folders", "medmnist", "findings"] = "table"
    columns: Mapping[str, str] = Field(default_factory=dict)
    extension: str = Field(default="", pattern=r"^(\.[A-Za-z0-9]+)?$")
    patient_pattern: str = ""
    parts: Literal["keep", "ignore"] = "keep"
    findings: tuple[str, ...] = ()
    listed_in: str = ""
    uncertain: Literal["ignore", "absent", "present"] = "ignore"

    @field_validator("columns")
    @classmethod
    def _columns_are_known(cls, columns: Mapping[str, str]) -> Mapping[str, str]:
        unknown = sorted(set(columns) - KNOWN_COLUMNS)
        if unknown:
            known = ", ".join(sorted(KNOWN_COLUMNS))
            raise ValueError(f"{', '.join(unknown)}: not a column of medclf; those are {known}")
        return columns

    @field_validator("patient_pattern")
    @classmethod
    def _pattern_compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"not a regular expression ({error})") from error
        return pattern

    @model_validator(mode="after")
    def _findings_have_their_format(self) -> Self:
        if self.findings and self.format not in {"findings", "medmnist"}:
            raise ValueError("`findings` belongs to `format: findings`")
        if self.listed_in and self.format != "findings":
            raise ValueError("`listed_in` belongs to `format: findings`")
        if not self.findings and self.format == "findings":
            raise ValueError("`format: findings` needs the columns of the `findings`")
        if len(set(self.findings)) != len(self.findings):
            raise ValueError("a finding is listed twice")
        return self

    def column(self, name: str) -> str:
        """Return what the table calls a column of medclf."""
        return self.columns.get(name, name)

    @property
    def finding_columns(self) -> tuple[str, ...]:
        """The columns of the table that tell of findings."""
        return (self.listed_in,) if self.listed_in else self.findings

    def patient_in(self, path: str) -> str:
        """Return the patient number in a path, or ""."""
        found = re.search(self.patient_pattern, path) if self.patient_pattern else None
        if found is None:
            return ""
        return (found[1] if found.re.groups else found[0]) or ""


TABLE = Layout()
"""A labels table with medclf's own names."""
