"""Second opinions without a server: the same classifier, the same audit record."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from medclf.audit.trail import Trail
from medclf.classifier import Classifier
from medclf.dicom.instance import Instance, open_instance
from medclf.digest import digest_file
from medclf.errors import InstanceRefused
from medclf.opinion import Opinion, Status, opinion_facts
from medclf.pixels.isolation import DecodingPool, Isolation
from medclf.reasons import Reason
from medclf.study.home import Home

_ONE = Isolation(workers=1)  # images are read one after the other


@dataclass(frozen=True)
class Read:
    """One opinion with the image it is about.

    Attributes:
        path: as the caller named it.
        opinion: audited.
        instance: None when the file is no acceptable image.
    """

    path: Path
    opinion: Opinion
    instance: Instance | None

    def __str__(self) -> str:
        """Say in one line what was said of which file."""
        return f"{self.path.name}: {self.opinion}"


def load_classifier(package: Path, home: Home) -> Classifier:
    """Load a package and find out whether it was released here.

    Raises:
        PackageTampered: a byte of the package or of its release record differs.
        PackageRefused: the folder is not a package.
    """
    classifier = Classifier.load(package)
    return replace(classifier, released=home.find_release(classifier.package) is not None)


def read(package: Path, images: Iterable[Path], *, home: Home) -> Iterator[Read]:
    """Give a package's opinion of some images, one after the other.

    Each opinion is yielded after its audit record is durable.

    Raises:
        PackageTampered: a byte of the package differs.
        AuditUnavailable: an opinion could not be recorded and is withheld.
        DecodingUnavailable: no process to decode in can be started.
    """
    with DecodingPool(_ONE) as pool, home.open_trail() as trail:
        classifier = replace(load_classifier(package, home), decode=pool.decode)
        for path in images:
            yield _read_one(classifier, path, trail, home.actor)


def _read_one(classifier: Classifier, path: Path, trail: Trail, actor: str) -> Read:
    instance = None
    try:
        instance = open_instance(path)
        opinion = classifier.read(instance)
    except InstanceRefused as error:
        opinion = Opinion(
            status=Status.REJECTED,
            package=classifier.package.digest,
            instance="" if error.reason is Reason.FILE_MISSING else _digest_of(path),
            reasons=(error.reason,),
            released=classifier.released,
        )
    receipt = trail.append("opinion.given", actor=actor, facts=opinion_facts(opinion))
    return Read(path, replace(opinion, audit_sequence=receipt.sequence), instance)


def _digest_of(path: Path) -> str:
    """Return the digest of a refused file, so that the record says which bytes it was."""
    try:
        return digest_file(path)
    except OSError:
        return ""
