"""Counts how often sealed test images were opened, because each look makes the next one easier.

A test part proves something the first time. Whoever looks, changes the model and looks
again is learning from it, slowly and without a trace. So each validation records
`test.unsealed` before the first picture is decoded, with how many there were before, and the
report says so. The file name of a table does not matter: images are told by their content.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from medclf.audit.trail import read_events
from medclf.cohort.manifest import Manifest
from medclf.digest import digest_json
from medclf.registry.package import Package
from medclf.study.home import Home

ACTION = "test.unsealed"


@dataclass(frozen=True, slots=True)
class Unsealing:
    """One opening of test images.

    Attributes:
        sealed_part: whether images of the package's own sealed test part are among them.
        count: how often the same part, or exactly the same set of images, was opened in
            this installation, this time included.
        of_study: likewise for any test part of the manifest that the package learned from;
            0 when none of its own test images are among them.
    """

    sealed_part: bool
    count: int
    of_study: int

    def __str__(self) -> str:
        what = "sealed test part" if self.sealed_part else "set of images"
        if self.count == 1:
            return f"This is the first time that this {what} was opened here."
        return f"This {what} has been opened {self.count:,} times here, this time included."

    @property
    def limitation(self) -> str:
        """What the reader of a report must know; "" the first time."""
        opened = max(self.count, self.of_study)
        if opened < 2:
            return ""
        what = "sealed test part" if self.count > 1 and self.sealed_part else "set of images"
        if self.count < 2:
            return (
                f"Test parts of this study have been opened {self.of_study:,} times here. If the "
                "model was changed in between, the figures are too good."
            )
        return (
            f"The {what} has been opened {self.count:,} times here, this time included. If the "
            "model was changed in between, the figures are too good."
        )


def record_unsealing(home: Home, package: Package, manifest: Manifest) -> Unsealing:
    """Record that the images of a manifest are opened for a package, and count the times.

    The count is of events in the audit trail; two validations that start at the same
    moment may record the same number, and the trail then still holds both.

    Args:
        home: whose audit trail counts.
        package: that is judged.
        manifest: of the images, before any are left out.

    Raises:
        AuditUnavailable: the event could not be written; nothing may be read then.
        AuditTampered: an earlier event cannot be read.
    """
    own = set(package.json("data.json")["pictures"].get("test", ()))
    found = set(manifest.column("picture"))
    opened = bool(own & found)
    facts = {
        "package": package.digest,
        "images": digest_json(sorted(found)),
        "test_part": digest_json(sorted(own)) if opened else "",
        "study_manifest": _study_manifest(package) if opened else "",
    }
    with home.open_trail() as trail:
        earlier = [event.facts for event in read_events(home.audit_folder, action=ACTION)]
        unsealing = Unsealing(
            sealed_part=opened,
            count=1 + sum(_same(facts, before, "images", "test_part") for before in earlier),
            of_study=opened + sum(_same(facts, before, "study_manifest") for before in earlier),
        )
        counts = {"count": unsealing.count, "of_study": unsealing.of_study}
        trail.append(ACTION, actor=home.actor, facts={**facts, **counts})
    return unsealing


def record_cohort_opening(
    home: Home, manifest: Manifest, *, test_part: Sequence[str], plan: str
) -> Unsealing:
    """Record that a cross-validation looks at a whole cohort, and so at its sealed test part.

    The same cross-validation that goes on after an interruption shows nothing new, and is
    recorded and counted once.

    Args:
        home: whose audit trail counts.
        manifest: of the cohort.
        test_part: pictures that a plain training of this study seals; empty when it seals none.
        plan: digest of all that the cross-validation will do.

    Raises:
        AuditUnavailable: the event could not be written; nothing may be read then.
        AuditTampered: an earlier event cannot be read.
    """
    facts = {
        "package": "",
        "images": digest_json(sorted(set(manifest.column("picture")))),
        "test_part": digest_json(sorted(set(test_part))) if test_part else "",
        "study_manifest": manifest.digest,
        "folds": plan,
    }
    with home.open_trail() as trail:
        earlier = [event.facts for event in read_events(home.audit_folder, action=ACTION)]
        known = next((before for before in earlier if before.get("folds") == plan), None)
        others = [before for before in earlier if before is not known]
        unsealing = Unsealing(
            sealed_part=bool(test_part),
            count=1 + sum(_same(facts, before, "images", "test_part") for before in others),
            of_study=1 + sum(_same(facts, before, "study_manifest") for before in others),
        )
        if known is None:
            counts = {"count": unsealing.count, "of_study": unsealing.of_study}
            trail.append(ACTION, actor=home.actor, facts={**facts, **counts})
    return unsealing


def _study_manifest(package: Package) -> str:
    return str(package.json("lineage.json").get("manifest", ""))


def _same(facts: Mapping[str, Any], before: Mapping[str, Any], *names: str) -> bool:
    return any(facts[name] and facts[name] == before.get(name) for name in names)
