"""The frozen base of every configuration, and YAML in and out.

Each room owns its own configuration class beside the code that reads it. All are
frozen, refuse unknown keys, and give every number a range.
"""

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from medclf.durable import write_text
from medclf.errors import ConfigError


class Config(BaseModel):
    """Base of every configuration class: frozen, strict about unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


C = TypeVar("C", bound=Config)


def load_yaml(path: Path, kind: type[C]) -> C:
    """Read a YAML file into a configuration class.

    Raises:
        ConfigError: the file is missing, is not YAML, or breaks a rule of `kind`;
            the message names each offending key.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path} cannot be read ({type(error).__name__}).",
            advice="Check the path, or make a new file with `medclf init`.",
            path=str(path),
        ) from error
    try:
        content = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise ConfigError(
            f"{path} is not valid YAML{where}.",
            advice="Check the indentation and the colons there.",
            path=str(path),
        ) from error
    return parse(content, kind, where=str(path))


def parse(content: object, kind: type[C], *, where: str) -> C:
    """Check plain values against a configuration class.

    Args:
        content: what YAML or JSON gave, usually a dict.
        kind: the class to build.
        where: named in the error, usually the path.

    Raises:
        ConfigError: a key is unknown or missing, or a value is out of range.
    """
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc']) or 'the file'}: {fault['msg']}"
            for fault in error.errors()
        )
        raise ConfigError(
            f"{where} does not hold: {faults}.",
            advice="Correct these keys; the comments in the file say what each may be.",
            path=where,
        ) from error


def save_yaml(path: Path, config: Config) -> None:
    """Write a configuration as YAML, all or nothing."""
    write_text(path, yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False))
