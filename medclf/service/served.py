"""A classifier as the server takes it: the same `read`, with the facts a client may ask for."""

from dataclasses import dataclass

from medclf.classifier import Classifier
from medclf.dicom.instance import Instance
from medclf.opinion import Opinion
from medclf.service.reader import ModelFacts


@dataclass(frozen=True)
class ServedClassifier:
    """A `Reader` over one loaded package."""

    classifier: Classifier

    @property
    def model(self) -> ModelFacts:
        """The model that reads."""
        return ModelFacts(
            package=self.classifier.package.digest,
            kind=self.classifier.kind,
            labels=tuple(point.label for point in self.classifier.model.operating_points),
            released=self.classifier.released,
        )

    def read(self, instance: Instance) -> Opinion:
        """Return the package's opinion of one image."""
        return self.classifier.read(instance)
