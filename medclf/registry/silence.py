"""Keeps MLflow quiet and quick to give up, for the length of one call."""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

# MLflow reads these at each request. A server that is down must be an error in seconds, not
# after MLflow's own seven retries, which take minutes; what the operator has set wins.
_PATIENCE = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_JITTER": "0",
}
# Nothing is sent out of the hospital, and nothing is printed: these hold whatever is set.
_SILENCE = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_DISABLE_AGENT_HINT": "true",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
}
_LOGGERS = ("mlflow", "alembic")


@contextmanager
def quiet() -> Iterator[None]:
    """Set MLflow's environment and silence its loggers for one call, then restore both."""
    before = {name: os.environ.get(name) for name in (*_PATIENCE, *_SILENCE)}
    levels = {name: logging.getLogger(name).level for name in _LOGGERS}
    os.environ.update({**_PATIENCE, **_set(before), **_SILENCE})
    try:
        import mlflow  # noqa: F401  (its import sets levels; ours must come after)

        for name in _LOGGERS:
            logging.getLogger(name).setLevel(logging.ERROR)
        yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _set(values: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value is not None}
