"""Where a model came from, kept in MLflow; the only door to it.

MLflow is a notebook, not a judge: nothing here decides what is served, the signed release
record does (`store`). MLflow never loads a model here (no pyfunc), and stages, which MLflow
gives up, are not used: the aliases `candidate` and `released` say what a version is.
"""

import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medclf.errors import RegistryMisuse, RegistryUnavailable
from medclf.registry.artifacts import Artifacts, lay_out
from medclf.registry.silence import quiet

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Run
    from mlflow.entities.model_registry import ModelVersion

CANDIDATE = "candidate"
RELEASED = "released"

_PACKAGE_TAG = "medclf.package"
_BATCH = 100  # MLflow takes at most 100 parameters or tags at once (and 1,000 metrics)
_DIGEST_CHARACTERS = 36  # of a data set in MLflow's table; the whole digest is its source

_one_at_a_time = threading.RLock()

Metrics = Mapping[str, float | Sequence[float]]
"""A last value, or the history by step, of each metric."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """Where MLflow keeps a run.

    Attributes:
        run_id: MLflow's own.
        model_name: registered model.
        version: of the registered model, counted by MLflow from 1.
    """

    run_id: str
    model_name: str
    version: str


class Lineage:
    """A connection to one MLflow store."""

    def __init__(
        self, tracking_uri: str, artifact_root: Path | None, *, clock: Callable[[], datetime]
    ) -> None:
        """Name the store; nothing is touched until the first call.

        Args:
            tracking_uri: `sqlite:///…`, `postgresql://…` or `http(s)://…`.
            artifact_root: folder for artifacts; None leaves it to the server.
            clock: gives the time now, with time zone.
        """
        self.tracking_uri = tracking_uri
        self._artifact_root = artifact_root
        self._clock = clock

    @classmethod
    def in_folder(cls, folder: Path, *, clock: Callable[[], datetime]) -> "Lineage":
        """Keep everything in one folder: SQLite in `mlflow.db`, artifacts beside it."""
        home = folder.resolve()
        return cls(f"sqlite:///{home / 'mlflow.db'}", home / "artifacts", clock=clock)

    def log_training(
        self,
        name: str,
        *,
        package_digest: str,
        parameters: Mapping[str, object],
        metrics: Metrics,
        data_digests: Mapping[str, str],
        tags: Mapping[str, str],
        artifacts: Artifacts,
        step: str = "training",
    ) -> RunRecord:
        """Record a training run and register its package as the candidate.

        Args:
            name: of the registered model and its experiment.
            package_digest: of the package that the run wrote.
            parameters: the configuration, flat.
            metrics: by name.
            data_digests: of each part or manifest, by name.
            tags: further facts, such as versions and seeds.
            artifacts: files to keep with the run.
            step: `import` for a package that was trained elsewhere.

        Raises:
            RegistryMisuse: MLflow does not accept a name or value.
            RegistryUnavailable: the store cannot be reached or written.
        """
        with self._client() as client:
            with self._run(client, name, *_named(step, package_digest)) as run:
                run_id = run.info.run_id
                self._log(client, run_id, parameters, metrics, tags, artifacts)
                client.log_inputs(run_id, _datasets(data_digests))
                self._ensure_model(client, name)
                version = client.create_model_version(
                    name,
                    source=run.info.artifact_uri,
                    run_id=run_id,
                    tags={_PACKAGE_TAG: package_digest},
                )
                client.set_registered_model_alias(name, CANDIDATE, version.version)
            return RunRecord(run_id, name, str(version.version))

    def log_validation(
        self, package_digest: str, *, metrics: Metrics, artifacts: Artifacts
    ) -> RunRecord:
        """Record a validation of a registered package as a run of its own.

        Raises:
            RegistryMisuse: no registered version has this package.
            RegistryUnavailable: the store cannot be reached or written.
        """
        with self._client() as client:
            version = _version_of(client, package_digest)
            with self._run(client, version.name, *_named("validation", package_digest)) as run:
                self._log(client, run.info.run_id, {}, metrics, {}, artifacts)
                client.set_model_version_tag(
                    version.name, version.version, "medclf.validation_run", run.info.run_id
                )
            return RunRecord(run.info.run_id, version.name, str(version.version))

    def log_folds(
        self,
        name: str,
        *,
        summary_digest: str,
        parameters: Mapping[str, object],
        metrics: Metrics,
        data_digests: Mapping[str, str],
        artifacts: Artifacts,
        runs: Mapping[str, Mapping[str, float]],
    ) -> str:
        """Record a cross-validation: one run over all, and one below it for each network.

        Args:
            name: of the experiment; nothing is registered, as no package comes out.
            summary_digest: of the summary that the run keeps.
            parameters: the configuration, flat.
            metrics: over all networks, by name.
            data_digests: of manifest, splits and weights, by name.
            artifacts: files to keep with the run over all.
            runs: name of each network → its figures.

        Returns:
            MLflow's own id of the run over all.

        Raises:
            RegistryMisuse: MLflow does not accept a name or value.
            RegistryUnavailable: the store cannot be reached or written.
        """
        tags = {"medclf.summary": summary_digest, "medclf.step": "folds"}
        title = f"folds {summary_digest.removeprefix('sha256:')[:8]}"
        with self._client() as client, self._run(client, name, title, tags) as run:
            run_id = str(run.info.run_id)
            self._log(client, run_id, parameters, metrics, {}, artifacts)
            client.log_inputs(run_id, _datasets(data_digests))
            for network, figures in runs.items():
                below = {"medclf.step": "fold", "mlflow.parentRunId": run_id}
                with self._run(client, name, network, below) as one:
                    self._log(client, one.info.run_id, {}, figures, {}, {})
            return run_id

    def promote(self, name: str, package_digest: str, *, alias: str = RELEASED) -> RunRecord:
        """Let an alias of a registered model mean this package.

        Raises:
            RegistryMisuse: the model has no version with this package.
            RegistryUnavailable: the store cannot be reached or written.
        """
        with self._client() as client:
            version = _version_of(client, package_digest, name=name)
            client.set_registered_model_alias(name, alias, version.version)
            return RunRecord(str(version.run_id), name, str(version.version))

    def knows(self, package_digest: str) -> bool:
        """Return whether a registered model version has this package.

        Raises:
            RegistryUnavailable: the store cannot be reached.
        """
        with self._client() as client:
            return bool(_versions_of(client, package_digest))

    def package_of(self, name: str, *, alias: str) -> str | None:
        """Return the digest of the package that an alias means, None where there is none.

        Raises:
            RegistryUnavailable: the store cannot be reached.
        """
        with self._client() as client:
            for model in client.search_registered_models(f"name = '{_checked_name(name)}'"):
                if alias in model.aliases:
                    version = client.get_model_version(name, model.aliases[alias])
                    return version.tags.get(_PACKAGE_TAG)
            return None

    @contextmanager
    def _client(self) -> Iterator["MlflowClient"]:
        """Give a client; everything that goes wrong with it becomes an error of ours."""
        with _one_at_a_time, quiet():
            from mlflow import MlflowClient
            from mlflow.exceptions import MlflowException
            from mlflow.telemetry.client import get_telemetry_client, set_telemetry_client
            from sqlalchemy.exc import SQLAlchemyError

            if get_telemetry_client() is not None:  # MLflow was imported before us
                set_telemetry_client()  # type: ignore[no-untyped-call]
            try:
                if self._artifact_root is not None:
                    self._artifact_root.mkdir(parents=True, exist_ok=True)
                yield MlflowClient(self.tracking_uri, self.tracking_uri)
            except MlflowException as error:
                if error.error_code in ("INVALID_PARAMETER_VALUE", "BAD_REQUEST"):
                    raise RegistryMisuse(
                        f"MLflow does not accept this: {_first_line(error)}",
                        advice="Correct the name or value that it names.",
                    ) from error
                raise _unavailable(error) from error
            except (SQLAlchemyError, OSError) as error:
                raise _unavailable(error) from error

    @contextmanager
    def _run(
        self, client: "MlflowClient", name: str, title: str, tags: Mapping[str, str]
    ) -> Iterator["Run"]:
        """Give a new run, which ends FINISHED, or FAILED when the block raises."""
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        run = client.create_run(
            self._experiment(client, _checked_name(name)),
            start_time=self._now_ms(),
            tags=dict(tags),
            run_name=title,
        )
        try:
            yield run
        except BaseException:
            # The first error is the one to tell.
            with suppress(MlflowException, SQLAlchemyError, OSError):
                client.set_terminated(run.info.run_id, "FAILED", self._now_ms())
            raise
        client.set_terminated(run.info.run_id, "FINISHED", self._now_ms())

    def _ensure_model(self, client: "MlflowClient", name: str) -> None:
        from mlflow.exceptions import MlflowException

        try:
            client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _experiment(self, client: "MlflowClient", name: str) -> str:
        found = client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        root = self._artifact_root
        location = None if root is None else (root.resolve() / name).as_uri()
        # The page then opens on the figures of training, not on those of language models.
        tags = {"mlflow.experimentKind": "custom_model_development"}
        return str(client.create_experiment(name, artifact_location=location, tags=tags))

    def _log(
        self,
        client: "MlflowClient",
        run_id: str,
        parameters: Mapping[str, object],
        metrics: Metrics,
        tags: Mapping[str, str],
        artifacts: Artifacts,
    ) -> None:
        from mlflow.entities import Param, RunTag

        for piece in _pieces([Param(key, str(value)) for key, value in parameters.items()]):
            client.log_batch(run_id, params=piece)
        for piece in _pieces([RunTag(key, str(value)) for key, value in tags.items()]):
            client.log_batch(run_id, tags=piece)
        for piece in _pieces(_history(metrics, self._now_ms())):
            client.log_batch(run_id, metrics=piece)
        if artifacts:
            with tempfile.TemporaryDirectory() as name:
                lay_out(Path(name), artifacts)
                client.log_artifacts(run_id, name)

    def _now_ms(self) -> int:
        return int(self._clock().timestamp() * 1000)


def _versions_of(
    client: "MlflowClient", package_digest: str, name: str | None = None
) -> list["ModelVersion"]:
    query = f"tag.`{_PACKAGE_TAG}` = '{_checked_name(package_digest, also=':')}'"
    if name is not None:
        query += f" and name = '{_checked_name(name)}'"
    return list(client.search_model_versions(query))


def _version_of(
    client: "MlflowClient", package_digest: str, *, name: str | None = None
) -> "ModelVersion":
    versions = _versions_of(client, package_digest, name)
    if not versions:
        raise RegistryMisuse(
            f"No registered model version has the package {package_digest}.",
            advice="Train with this lineage store first, or correct the digest.",
            package=package_digest,
        )
    return max(versions, key=lambda version: int(version.creation_timestamp))


def _history(metrics: Metrics, now_ms: int) -> list["Metric"]:
    from mlflow.entities import Metric

    return [
        Metric(key, float(value), now_ms, step)
        for key, values in metrics.items()
        for step, value in enumerate(values if isinstance(values, Sequence) else [values])
    ]


def _datasets(digests: Mapping[str, str]) -> list[Any]:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    return [
        DatasetInput(
            Dataset(
                name=name,
                digest=digest.removeprefix("sha256:")[:_DIGEST_CHARACTERS],
                source_type="sha256",
                source=digest,
            ),
            [InputTag("mlflow.data.context", name)],
        )
        for name, digest in digests.items()
    ]


def _named(step: str, package_digest: str) -> tuple[str, dict[str, str]]:
    """Return title and tags of a run that is about a package."""
    title = f"{step} {package_digest.removeprefix('sha256:')[:8]}"
    return title, {_PACKAGE_TAG: package_digest, "medclf.step": step}


def _pieces(items: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(items), _BATCH):
        yield items[start : start + _BATCH]


def _checked_name(name: str, *, also: str = "") -> str:
    """Return a name that cannot break out of MLflow's query text or of a path."""
    if not name or not all(c.isalnum() or c in "_-." + also for c in name) or name[0] == ".":
        raise RegistryMisuse(
            f"{name!r} is not a name that MLflow may be given.",
            advice="Use letters, digits, '_', '-' and '.'.",
        )
    return name


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0][:300]


def _unavailable(error: Exception) -> RegistryUnavailable:
    return RegistryUnavailable(
        f"The MLflow store cannot be used: {type(error).__name__}.",
        advice="Check that the server runs or the disk has space; the package is not affected.",
        cause=_first_line(error),
    )
