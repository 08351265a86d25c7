"""medclf: calibrated second opinions on medical images, with proof of what was done.

Every command of `medclf` on the command line is a function of the same name here.
Names are imported when they are first used, so that `import medclf` costs nothing.
"""

from importlib import import_module
from importlib.metadata import version as _version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medclf.api import (
        ask,
        ingest,
        init,
        leakage,
        models,
        plots,
        read,
        release,
        serve,
        train,
        train_folds,
        validate,
        variant,
    )
    from medclf.classifier import Classifier
    from medclf.dicom.instance import Instance, Kind, open_instance
    from medclf.errors import MedclfError
    from medclf.images import deidentify, demo, dicomize, phantoms
    from medclf.installation import (
        audit_export,
        audit_show,
        audit_verify,
        cache_list,
        cache_prune,
    )
    from medclf.opinion import Decision, Finding, Opinion, Status
    from medclf.reasons import Reason

_HOMES = {
    "medclf.api": (
        "ask",
        "ingest",
        "init",
        "leakage",
        "models",
        "plots",
        "read",
        "release",
        "serve",
        "train",
        "train_folds",
        "validate",
        "variant",
    ),
    "medclf.classifier": ("Classifier",),
    "medclf.dicom.instance": ("Instance", "Kind", "open_instance"),
    "medclf.errors": ("MedclfError",),
    "medclf.images": ("deidentify", "demo", "dicomize", "phantoms"),
    "medclf.installation": (
        "audit_export",
        "audit_show",
        "audit_verify",
        "cache_list",
        "cache_prune",
    ),
    "medclf.opinion": ("Decision", "Finding", "Opinion", "Status"),
    "medclf.reasons": ("Reason",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Classifier",
    "Decision",
    "Finding",
    "Instance",
    "Kind",
    "MedclfError",
    "Opinion",
    "Reason",
    "Status",
    "ask",
    "audit_export",
    "audit_show",
    "audit_verify",
    "cache_list",
    "cache_prune",
    "deidentify",
    "demo",
    "dicomize",
    "ingest",
    "init",
    "leakage",
    "models",
    "open_instance",
    "phantoms",
    "plots",
    "read",
    "release",
    "serve",
    "train",
    "train_folds",
    "validate",
    "variant",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return _version("medclf")
    if name in _HOME_OF:
        return getattr(import_module(_HOME_OF[name]), name)
    raise AttributeError(f"module 'medclf' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
