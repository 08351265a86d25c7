"""Puts a package into the lineage store, from what the package itself says of its making."""

from collections.abc import Mapping, Sequence

from medclf.registry.package import Package
from medclf.study.home import Home


def register(
    home: Home,
    package: Package,
    *,
    metrics: Mapping[str, Sequence[float]] | None = None,
    step: str = "training",
) -> None:
    """Log how a package came to be and register its model version as candidate.

    Args:
        home: whose lineage store.
        package: the model.
        metrics: of the training, by name, a value for each step.
        step: `import` for a package that was trained elsewhere.

    Raises:
        RegistryUnavailable: the store cannot be reached or written.
    """
    lineage = package.json("lineage.json")
    settings = lineage["configuration"]
    home.lineage().log_training(
        settings["name"],
        package_digest=package.digest,
        parameters={
            "backbone": settings["model"]["backbone"],
            "method": settings["model"]["method"],
            "weights": lineage["weights"]["source"],
            "size": settings["preprocessing"]["size"],
            "seed": settings["seed"],
            **{f"fit.{name}": value for name, value in settings["fit"].items()},
        },
        metrics=metrics or {},
        data_digests={
            name: digest
            for name, digest in (
                ("manifest", lineage["manifest"]),
                ("split", lineage["split"]),
                ("weights", lineage["weights"]["digest"]),
            )
            if digest
        },
        tags={
            "kind": settings["preprocessing"]["kind"],
            "configuration": lineage["configuration_digest"],
        },
        artifacts={
            name: package.read(name) for name in package.files if name.endswith((".json", ".md"))
        },
        step=step,
    )


def ensure_registered(home: Home, package: Package) -> None:
    """Register a package that was trained elsewhere; nothing happens to a known one.

    Raises:
        RegistryUnavailable: the store cannot be reached or written.
    """
    if not home.lineage().knows(package.digest):
        register(home, package, step="import")
