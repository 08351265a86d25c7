"""One package and one image in, one second opinion out: the function that everything calls.

Validation, the gRPC service and the command line all go through `Classifier.read`, so
that what is validated is what is served. It does no I/O beyond loading the package:
whoever calls it records the opinion in the audit trail.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays

from medclf.calibrate.findings import finding_probabilities
from medclf.calibrate.novelty import Novelty
from medclf.calibrate.scaling import Temperature
from medclf.config import Config, parse
from medclf.dicom.admission import AdmissionRules, objection_to
from medclf.dicom.instance import Instance, Kind
from medclf.errors import CalibrationRefused, ConfigError, PackageRefused, PixelsRefused
from medclf.model.engine import Arithmetic
from medclf.model.export import NETWORK
from medclf.model.network import Architecture
from medclf.model.runtime import Runtime, RuntimeName
from medclf.model.task import Task
from medclf.opinion import Decision, Finding, Opinion, Status
from medclf.pixels.decode import decode
from medclf.pixels.isolation import Decode
from medclf.pixels.picture import POLICY, Picture
from medclf.pixels.quality import assess
from medclf.pixels.transforms.preprocessing import Preprocessing, geometry, normalise
from medclf.reasons import Reason
from medclf.registry.package import Package


class PackedPoint(Config):
    """An operating point as it was frozen on the calibrate part."""

    name: str
    label: str
    threshold: float = Field(ge=0, le=1)
    rule: str
    sensitivity: float
    specificity: float
    n: int


class PackedModel(Config):
    """What `model.json` in a package says.

    Attributes:
        format: of this file.
        name: of the study that made the package.
        architecture: of the network.
        preprocessing: from picture to input.
        pixels: the rules by which stored values become a picture.
        labels: the label space, in the order of the scores.
        positive: the label a two-class model reports; None when every label is a finding.
        temperature: scores are divided by it before the softmax; 1 for several findings.
        temperatures: of several findings, one for each in the order of `labels`: the score
            is divided by it before the sigmoid. Empty where labels exclude each other.
        operating_points: one for each finding.
        admission: which objects of the kind it was made for; what ingest admitted to the
            training and the validation is what is admitted in service.
        made_up: whether it learned from simulated images.
        runtime: what runs the network; that of packages from before there was a choice is torch.
        arithmetic: in what it is computed; another than float32 makes a package a variant.
    """

    format: Literal["medclf-model/1"] = "medclf-model/1"
    name: str
    architecture: Architecture
    preprocessing: Preprocessing
    pixels: str
    labels: tuple[str, ...] = Field(min_length=1)
    positive: str | None
    temperature: float = Field(gt=0)
    temperatures: tuple[Annotated[float, Field(gt=0)], ...] = ()
    operating_points: tuple[PackedPoint, ...] = Field(min_length=1)
    admission: AdmissionRules = AdmissionRules()
    made_up: bool = False
    runtime: RuntimeName = RuntimeName.TORCH
    arithmetic: Arithmetic = Arithmetic.FLOAT32

    @model_validator(mode="after")
    def _points_are_labels(self) -> Self:
        names = {self.positive} if self.positive else set(self.labels)
        if {point.label for point in self.operating_points} != names:
            raise ValueError("there must be one operating point for each finding")
        return self

    @model_validator(mode="after")
    def _labels_fit_the_task(self) -> Self:
        several = self.task is Task.FINDINGS
        if len(self.labels) != self.architecture.classes:
            raise ValueError("the network must give one score for each label")
        if len(self.temperatures) != (len(self.labels) if several else 0):
            raise ValueError("there must be one temperature for each of several findings")
        return self

    @property
    def task(self) -> Task:
        """How the labels relate."""
        return self.architecture.task

    def probabilities(
        self, scores: np.ndarray[Any, np.dtype[np.float64]]
    ) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return calibrated probabilities, (n, labels) float64 in [0, 1], of raw scores."""
        if self.task is Task.FINDINGS:
            return finding_probabilities(scores, self.temperatures)
        return Temperature(self.temperature).apply(scores)


@dataclass(frozen=True)
class Classifier:
    """A loaded package, ready to be asked; safe to call from several threads.

    Attributes:
        package: what was loaded.
        model: what its `model.json` says.
        runtime: runs the network.
        novelty: tells what is unlike the training.
        released: whether a signed release record was found for it.
        decode: turns an image into a picture. Every door that takes files from elsewhere puts
            `DecodingPool.decode` here: the same function, in a process that may be killed.
    """

    package: Package
    model: PackedModel
    runtime: Runtime
    novelty: Novelty
    released: bool = False
    decode: Decode = field(default=decode, repr=False)

    @classmethod
    def load(
        cls,
        path: Path | str,
        *,
        released: bool = False,
        device: str = "cpu",
        runtime: RuntimeName | None = None,
        threads: int | None = None,
    ) -> "Classifier":
        """Load a package after checking every byte of it.

        Args:
            path: the package's folder.
            released: whether a signed release record was found for it; opinions carry it.
            device: where the network runs.
            runtime: another than the package's own, for research: its opinions are never
                released ones. There is no other way to get another one.
            threads: that one reading may take; what PyTorch would take when None.

        Raises:
            PackageTampered: a file is not the one the package was named by.
            PackageRefused: the folder is not a package this version can read.
            RuntimeUnavailable: what the package's runtime needs is not on this machine.
            RuntimeRefused: the exported network cannot be read.
            ModelMisuse: a runtime that the package was not exported for.
        """
        package = Package.load(Path(path))
        try:
            model = parse(package.json("model.json"), PackedModel, where=f"{path}/model.json")
            novelty = Novelty.from_arrays(load_arrays(package.read("novelty.safetensors")))
        except (ConfigError, SafetensorError, CalibrationRefused, KeyError) as error:
            raise PackageRefused(
                f"{path} is whole, but not a package that this version can read: {error}",
                advice="Serve it with the medclf version that made it, or train again.",
            ) from error
        if model.pixels != POLICY:
            raise PackageRefused(
                f"{path} was made for pixel rules {model.pixels}; this version has {POLICY}.",
                advice="Serve it with the medclf version named in its lineage, or train again.",
                found=model.pixels,
                expected=POLICY,
            )
        name = runtime or model.runtime
        return cls(
            package=package,
            model=model,
            runtime=Runtime(
                model.architecture,
                package.read("weights.safetensors"),
                device=device,
                name=name,
                exported=package.read(NETWORK) if NETWORK in package.files else None,
                arithmetic=model.arithmetic,
                threads=threads,
            ),
            novelty=novelty,
            released=released and name is model.runtime,
        )

    @property
    def kind(self) -> Kind:
        """What the model was made to read."""
        return self.model.preprocessing.kind

    def read(self, instance: Instance) -> Opinion:
        """Give the package's opinion of one image.

        Never raises for a bad image: a picture that must not be read is REJECTED, one the
        model cannot judge is ABSTAINED, each with its reasons and without a number.

        Raises:
            DecodingUnavailable: decoding in a child process, and none can be started.
        """
        rules = self.model.admission
        objection = objection_to(instance, kind=self.kind, rules=rules)
        if objection is not None:
            return self._without(Status.REJECTED, instance, (objection.reason,))
        try:
            picture = self.decode(instance, frame=0)  # of several, the rules allow the first
        except PixelsRefused as error:
            return self._without(Status.REJECTED, instance, (error.reason,))
        reasons = assess(picture, self.kind, refuse_text=rules.burned_in == "refuse")
        if reasons:
            return self._without(Status.REJECTED, instance, reasons, picture)
        prepared = geometry(self.model.preprocessing)(picture)  # (size, size[, 3]) uint8
        scores, features = self.runtime.run(normalise(prepared[None], self.model.preprocessing))
        if not (np.isfinite(scores).all() and np.isfinite(features).all()):
            reason = (Reason.OUTPUT_NOT_FINITE,)
            return self._without(Status.ABSTAINED, instance, reason, picture)
        distance = float(self.novelty.distance(features)[0])
        if distance > 1:
            reason = (Reason.UNLIKE_TRAINING,)
            return self._without(Status.ABSTAINED, instance, reason, picture, distance)
        return Opinion(
            status=Status.OK,
            package=self.package.digest,
            instance=instance.digest,
            findings=self._findings(scores),
            decoder=picture.decoder,
            pixels=picture.policy,
            released=self.released,
            novelty=distance,
        )

    def _findings(self, scores: np.ndarray[Any, Any]) -> tuple[Finding, ...]:
        probabilities = self.model.probabilities(scores)[0]  # (labels,)
        findings = []
        for point in self.model.operating_points:
            probability = float(probabilities[self.model.labels.index(point.label)])
            positive = probability >= point.threshold
            decision = Decision.POSITIVE if positive else Decision.NEGATIVE
            findings.append(
                Finding(point.label, probability, decision, point.name, point.threshold)
            )
        return tuple(findings)

    def _without(
        self,
        status: Status,
        instance: Instance,
        reasons: tuple[Reason, ...],
        picture: Picture | None = None,
        novelty: float | None = None,
    ) -> Opinion:
        return Opinion(
            status=status,
            package=self.package.digest,
            instance=instance.digest,
            reasons=reasons,
            decoder="" if picture is None else picture.decoder,
            pixels="" if picture is None else picture.policy,
            released=self.released,
            novelty=novelty,
        )
