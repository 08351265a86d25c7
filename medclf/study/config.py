"""What `study.yaml` may say: the configuration of each room, composed."""

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from medclf.calibrate.threshold import OperatingRule
from medclf.cohort.layout import Layout
from medclf.cohort.split_config import SplitConfig
from medclf.config import Config, load_yaml
from medclf.dicom.admission import AdmissionRules
from medclf.dicom.instance import Kind
from medclf.errors import StudyMisuse
from medclf.model.fit_config import FitConfig
from medclf.model.network import Architecture
from medclf.model.runtime import RuntimeName
from medclf.model.task import Task
from medclf.pixels.isolation import Isolation
from medclf.pixels.transforms.preprocessing import Preprocessing
from medclf.pixels.transforms.variations.ranges import AugmentConfig
from medclf.study.fit_rules import misfits


class DataConfig(Layout):
    """Where the images and labels are, beside how they are laid out.

    Attributes:
        table: labels table, or the `.npz` file of MedMNIST. Relative to study.yaml; paths
            in it are relative to it, or to `folder`.
        folder: of the images: where the table names them by SOP Instance UID or by an id,
            and above the class folders. None when the table names every file by its path.
        label: the column that holds the label.
        labels: the label space; with two labels the negative one first. Empty for a
            cohort of several findings.
        positive: the finding of a two-class study; None when every label is a finding.
        conflicts: what to do with one picture under two labels.
        ordered: whether `labels` are grades, from the lowest to the highest.
    """

    table: Path | None = None
    folder: Path | None = None
    label: str = "label"
    labels: tuple[str, ...] = Field(default=(), max_length=1000)
    positive: str | None = None
    conflicts: Literal["exclude", "refuse"] = "exclude"
    ordered: bool = False

    @model_validator(mode="after")
    def _source_is_named(self) -> Self:
        if self.format == "folders":
            if self.folder is None or self.table is not None:
                raise ValueError("`format: folders` needs a `folder` and no `table`")
        elif self.table is None:
            raise ValueError("a labels `table` is needed")
        return self

    @model_validator(mode="after")
    def _positive_is_a_label(self) -> Self:
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("a label is listed twice")
        if self.findings and self.labels:
            raise ValueError("`labels` and `findings` exclude each other")
        several = self.findings or (self.format == "medmnist" and not self.labels)
        if len(self.labels) < 2 and not several:
            raise ValueError("at least two `labels` are needed")
        if len(self.labels) == 2 and self.positive is None:
            raise ValueError("with two labels, `positive` must name the finding")
        if self.positive is not None and self.positive not in self.labels:
            raise ValueError(f"positive: {self.positive!r} is not among the labels")
        if self.ordered and len(self.labels) < 3:
            raise ValueError("`ordered` needs at least three `labels`, the lowest grade first")
        if self.positive is not None and len(self.labels) != 2:
            raise ValueError("`positive` is for two labels; leave it out for more")
        return self

    @property
    def task(self) -> Task:
        """How the labels relate."""
        if not self.labels:
            return Task.FINDINGS
        return Task.ORDINAL if self.ordered else Task.EXCLUSIVE

    @property
    def label_space(self) -> tuple[str, ...]:
        """What the network gives a score for, in order: the labels, or the findings."""
        return self.labels or self.findings


class ModelConfig(Config):
    """Which network, from which weights, fitted how.

    Attributes:
        backbone: `provider/architecture`, see `medclf models`.
        weights: `hub`, `random`, or a file relative to study.yaml.
        revision: commit, branch or tag of the hub's repository; its main branch when None.
        weights_digest: `sha256:…` that the weights file must have; any when None.
        weights_licence: of a local file, for the lineage and the model card.
        method: `probe` fits a linear head on frozen features; `finetune` goes on from
            there with all weights, `gradual` with block after block from the head down.
        runtime: what runs the packed network in float32; the others are exported when packing
            and held against torch on real pictures.
    """

    backbone: str = Field(pattern=r"^[a-z]+/[A-Za-z0-9_.]+$")
    weights: str = "hub"
    revision: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$")
    weights_digest: str | None = Field(default=None, pattern=r"^sha256:[0-9a-f]{64}$")
    weights_licence: str = Field(default="", max_length=200)
    method: Literal["probe", "finetune", "gradual"] = "finetune"
    runtime: RuntimeName = RuntimeName.TORCH

    @model_validator(mode="after")
    def _weights_are_told_once(self) -> Self:
        if self.revision is not None and self.weights != "hub":
            raise ValueError("`revision` is of the hub: set `weights: hub`, or leave it out")
        if self.weights_digest is not None and self.weights == "random":
            raise ValueError("random weights have no `weights_digest`: leave it out")
        if self.weights_licence and self.weights in {"hub", "random"}:
            raise ValueError("`weights_licence` is of a file; the hub states its own")
        return self


class CalibrateConfig(Config):
    """How scores become probabilities and decisions.

    Attributes:
        operating_point: rule by which the threshold is frozen, and its name.
        novelty_level: share of known-good images that may be abstained from.
    """

    operating_point: OperatingRule = OperatingRule()
    novelty_level: float = Field(default=0.01, gt=0, lt=0.5)


class StudyConfig(Config):
    """All of `study.yaml`.

    Attributes:
        made_up: whether the images are simulated; every report says so.
        baselines: whether a trivial and a classical model are fitted beside the network.
        isolation: of the processes that decode.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")
    seed: int = Field(ge=0, le=2**31 - 1)
    workspace: Path = Path("study")
    made_up: bool = False
    data: DataConfig
    admission: AdmissionRules = AdmissionRules()
    split: SplitConfig
    preprocessing: Preprocessing
    augment: AugmentConfig = AugmentConfig()
    model: ModelConfig
    fit: FitConfig = FitConfig()
    calibrate: CalibrateConfig = CalibrateConfig()
    baselines: bool = True
    isolation: Isolation = Isolation()

    @model_validator(mode="before")
    @classmethod
    def _one_seed(cls, content: Any) -> Any:
        """The study's seed is the split's too, unless the split names its own."""
        if isinstance(content, dict) and "seed" in content:
            split = content.get("split") or {}
            if isinstance(split, dict):
                return {**content, "split": {"seed": content["seed"], **split}}
        return content

    @model_validator(mode="after")
    def _variations_suit_the_kind(self) -> Self:
        unfit = self.augment.unfit_for(self.kind)
        if unfit:
            raise ValueError(f"augment: {self.kind} pictures do not vary by {', '.join(unfit)}")
        normalised = self.preprocessing.fundus.laterality == "right"
        if self.kind is Kind.FUNDUS and normalised and self.augment.mirror:
            raise ValueError("augment.mirror undoes fundus.laterality: set one of them off")
        return self

    @model_validator(mode="after")
    def _options_of_fit_go_together(self) -> Self:
        wrong = list(misfits(self.fit, method=self.model.method, task=self.data.task))
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    @property
    def kind(self) -> Kind:
        """What the images show."""
        return self.preprocessing.kind

    @property
    def architecture(self) -> Architecture:
        """The network that this study trains.

        Raises:
            StudyMisuse: study.yaml names neither labels nor findings.
        """
        space = self.data.label_space
        if not space:
            raise StudyMisuse(
                "This MedMNIST archive is to give several findings a picture, and study.yaml does "
                "not name them.",
                advice="Name them under `findings`, or write study.yaml with `medclf init`.",
            )
        return Architecture(
            backbone=self.model.backbone,
            channels=self.preprocessing.channels,
            size=self.preprocessing.size,
            classes=len(space),
            task=self.data.task,
        )


def load_study(path: Path) -> StudyConfig:
    """Read `study.yaml`; paths in it become absolute, relative to the file.

    Raises:
        ConfigError: the file is missing or breaks a rule.
    """
    study = load_yaml(path, StudyConfig)
    base = path.absolute().parent
    weights = study.model.weights
    if weights not in {"hub", "random"}:
        weights = str(base / weights)
    folder = study.data.folder
    return study.model_copy(
        update={
            "workspace": base / study.workspace,
            "data": study.data.model_copy(
                update={
                    "table": None if study.data.table is None else base / study.data.table,
                    "folder": None if folder is None else base / folder,
                }
            ),
            "model": study.model.model_copy(update={"weights": weights}),
        }
    )
