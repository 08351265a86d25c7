"""What a report tells beside the figures: the package, the data, where all of it came from.

The caller gathers these facts; nothing here is computed, so that the report room needs
to know neither packages nor manifests. The protocol is not among them: it travels inside
the `Evaluation`, where no second copy can contradict it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from medclf.errors import ReportMisuse
from medclf.evaluate.evaluation import Estimate
from medclf.evaluate.readers import Compared

STANDING_LIMITATIONS = (
    "This report supports a regulatory submission; it never claims compliance with any law or "
    "standard. Whether the evidence suffices is for the sponsor and the regulator to decide.",
    "The figures hold for images like those described under “Data”. Another population, device or "
    "prevalence can change every one of them, predictive values first.",
    "The classifier gives a second opinion. It does not replace the reader who is responsible.",
)


@dataclass(frozen=True)
class OperatingPointFacts:
    """One frozen operating point of the package.

    Attributes:
        name: for example `youden`.
        label: the label it decides on.
        threshold: a case is positive at a probability of at least this, in [0, 1].
        rule: how the threshold was chosen, in words.
    """

    name: str
    label: str
    threshold: float
    rule: str


@dataclass(frozen=True)
class PackageFacts:
    """What the classifier under test is.

    Attributes:
        name: given by its makers.
        kind: of image, for example `xray`.
        backbone: architecture and input size, for example `mobilenet_v2, 224 px`.
        weights_source: where the first weights came from, with their licence.
        weights_digest: of that file; empty when training started from nothing.
        labels: the label space, in the package's order.
        preprocessing: step → setting, in order.
        temperature: of the calibration; 1 leaves scores as they are.
        temperatures: of several findings, each its own; else empty.
        operating_points: frozen before the test part was opened.
        novelty_threshold: what the abstention limit is, in words.
        training_parts: part of the training data → number of cases.
        software: program → version.
        training: further facts of training, such as seed and number of epochs.
    """

    name: str
    kind: str
    backbone: str
    weights_source: str
    weights_digest: str
    labels: tuple[str, ...]
    preprocessing: Mapping[str, str]
    temperature: float
    operating_points: tuple[OperatingPointFacts, ...]
    novelty_threshold: str
    training_parts: Mapping[str, int]
    software: Mapping[str, str]
    training: Mapping[str, str] = field(default_factory=dict)
    temperatures: Mapping[str, float] = field(default_factory=dict)

    @property
    def calibration(self) -> str:
        """The temperatures in words."""
        if not self.temperatures:
            return f"{self.temperature:.3f}"
        return ", ".join(f"{name} {value:.3f}" for name, value in self.temperatures.items())


@dataclass(frozen=True)
class DataDescription:
    """The data by part: a table with a column for each part.

    Attributes:
        source: one line that names the data set.
        parts: names of the columns, for example `train` and `test`.
        rows: name of the row → one value for each part.
        leakage: what was checked between the parts → what was found.
        manifest_digest: of the manifest that lists every case; empty when there is none.
    """

    source: str
    parts: tuple[str, ...]
    rows: Mapping[str, tuple[str, ...]]
    leakage: Mapping[str, str]
    manifest_digest: str = ""

    def __post_init__(self) -> None:
        for name, values in self.rows.items():
            if len(values) != len(self.parts):
                raise ReportMisuse(
                    f"Row {name!r} has {len(values)} values for {len(self.parts)} parts.",
                    advice="Give one value for each part; an empty string where there is none.",
                    row=name,
                )


@dataclass(frozen=True)
class ReportContext:
    """The facts around an evaluation.

    Attributes:
        title: heading of the report.
        package_digest: of the package that was validated.
        package: what it is.
        data: on which data.
        generated_at: aware of its time zone; printed once in the page, never in the JSON.
        baselines: simple readers of the same cases; the name tells reader and metric.
        deviations: from the protocol; empty is stated as `None`.
        limitations: of this study; `STANDING_LIMITATIONS` follow by themselves.
        lineage: further names to trace by, such as the audit root or the run in the registry.
        released: whether the package was released for use when it was validated.
        made_up: whether the data are simulated, which the page says in a banner.
    """

    title: str
    package_digest: str
    package: PackageFacts
    data: DataDescription
    generated_at: datetime
    baselines: Mapping[str, Estimate] = field(default_factory=dict)
    deviations: tuple[str, ...] = ()
    limitations: tuple[str, ...] = ()
    lineage: Mapping[str, str] = field(default_factory=dict)
    released: bool = False
    made_up: bool = False

    def __post_init__(self) -> None:
        if self.generated_at.tzinfo is None:
            raise ReportMisuse(
                "The time of a report must know its time zone.",
                advice="Pass a clock such as `lambda: datetime.now(UTC)`.",
            )


@dataclass(frozen=True)
class CardContext:
    """The facts of a model card: known when a package is packed, before any validation.

    Attributes:
        package: what it is.
        intended_use: who uses it, for what decision.
        population: whose images it learned from.
        reference_standard: how the truth was found.
        performance: on the part named in `performance_part`; metric → figure.
        performance_part: on which cases, for example `calibration part`.
        per_label: of several findings: finding → metric → figure, on the same part.
        beside: the model and simpler readers of the same cases; the model first.
        beside_notes: what to think of that, or why there are none.
        limitations: known beforehand.
        maintenance: whom to tell of a wrong opinion, and what happens then.
        made_up: whether the training data are simulated.
    """

    package: PackageFacts
    intended_use: str
    population: str
    reference_standard: str
    performance: Mapping[str, Estimate]
    performance_part: str
    per_label: Mapping[str, Mapping[str, Estimate]] = field(default_factory=dict)
    beside: tuple[Compared, ...] = ()
    beside_notes: tuple[str, ...] = ()
    limitations: tuple[str, ...] = ()
    maintenance: str = ""
    made_up: bool = False
