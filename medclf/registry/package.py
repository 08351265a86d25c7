"""A package: what a model *is*, as a folder of data named by the digest of its content.

`package.json` lists every other file with its SHA-256, as canonical JSON; its own digest is
the package's. Nothing in a package can be executed: only data formats are let in, no pickle,
no script, no link, no folder.
"""

import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medclf.digest import canonical_json, digest_bytes, digest_file
from medclf.durable import new_folder
from medclf.errors import PackageRefused, PackageTampered, RegistryUnavailable

LISTING = "package.json"

_FORMAT = "medclf-package/1"
_ENDINGS = (".json", ".safetensors", ".onnx", ".html", ".md", ".txt")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,119}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_LISTING_BYTES = 1 << 20  # a list of some files; a larger one is not ours


@dataclass(frozen=True)
class Package:
    """A package whose every byte was checked when it was loaded.

    Attributes:
        path: the folder.
        digest: `sha256:` and 64 hex digits, of `package.json`.
        files: digest of each file by name, `package.json` itself not among them.
    """

    path: Path
    digest: str
    files: Mapping[str, str]

    @classmethod
    def load(cls, path: Path) -> "Package":
        """Check a package folder, every byte of it.

        Raises:
            PackageRefused: the folder is not a package, or of a format not known here.
            PackageTampered: a file is changed, missing or extra; the message names it.
            RegistryUnavailable: a file cannot be read.
        """
        try:
            listing = _read_listing(path)
            digest = digest_bytes(listing)
            files = _parse_listing(path, listing)
            _check_name(path, digest)
            _check_names(path, files)
            for name, expected in files.items():
                _check_digest(path, name, expected, found=digest_file(path / name))
        except OSError as error:
            raise _unavailable(path, error) from error
        return cls(path, digest, files)

    def read(self, name: str) -> bytes:
        """Return a file's bytes, checked again, so that what is used is what was listed.

        Raises:
            PackageRefused: the package lists no such file.
            PackageTampered: the file was changed or removed since the package was loaded.
            RegistryUnavailable: the file cannot be read.
        """
        expected = self.files.get(name)
        if expected is None:
            raise PackageRefused(
                f"Package {self.digest} has no file {name}; it has {', '.join(self.files)}.",
                advice="Train the model again with this version.",
                file=name,
            )
        try:
            if (self.path / name).is_symlink():
                raise _tampered(self.path, name, expected, found="a symbolic link")
            data = (self.path / name).read_bytes()
        except FileNotFoundError as error:
            raise _tampered(self.path, name, expected, found="no file") from error
        except OSError as error:
            raise _unavailable(self.path, error) from error
        _check_digest(self.path, name, expected, found=digest_bytes(data))
        return data

    def json(self, name: str) -> Any:
        """Return a JSON file's content, checked again.

        Raises:
            PackageRefused: the package lists no such file, or it is not JSON.
            PackageTampered: the file was changed or removed since the package was loaded.
            RegistryUnavailable: the file cannot be read.
        """
        try:
            return json.loads(self.read(name))
        except ValueError as error:
            raise PackageRefused(
                f"{name} of package {self.digest} is not JSON.",
                advice="Train the model again with this version.",
                file=name,
            ) from error


def write_package(parent: Path, files: Mapping[str, bytes]) -> Package:
    """Write a package to `parent/<64 hex digits>`, all or nothing.

    The same content always gives the same folder; where it is there already and whole,
    nothing is written.

    Args:
        parent: the folder of packages, made when missing.
        files: content by name. Names end in .json, .safetensors, .onnx, .html, .md or .txt.

    Raises:
        PackageRefused: a name that is not let in, or no files.
        PackageTampered: a folder of that name is there and holds something else.
        RegistryUnavailable: the folder cannot be written; nothing is left behind.
    """
    if not files:
        raise PackageRefused("A package without files was asked for.", advice="Give its files.")
    for name in files:
        if fault := _name_fault(name):
            raise PackageRefused(
                f"A package cannot hold {name!r}: {fault}.",
                advice=f"A package is data only: names end in {', '.join(_ENDINGS)}.",
                file=name,
            )
    digests = {name: digest_bytes(data) for name, data in files.items()}
    listing = canonical_json({"format": _FORMAT, "files": digests})
    path = parent / digest_bytes(listing).removeprefix("sha256:")
    if path.exists():
        return Package.load(path)
    try:
        with new_folder(path) as folder:
            for name, data in files.items():
                (folder / name).write_bytes(data)
            (folder / LISTING).write_bytes(listing)
    except OSError as error:
        raise RegistryUnavailable(
            f"The package cannot be written to {parent} ({error.strerror or error}).",
            advice="Free disk space or correct the permissions; nothing was left behind.",
            path=str(parent),
        ) from error
    return Package.load(path)


def _name_fault(name: str) -> str | None:
    if not _NAME.fullmatch(name):
        return "a name is letters, digits, '_', '-' and '.', and begins with no '.' or '-'"
    if name == LISTING:
        return "that name is the list of files"
    if not name.endswith(_ENDINGS):
        return "files of that kind are not let in"
    return None


def _read_listing(path: Path) -> bytes:
    if path.is_dir():
        try:
            status = (path / LISTING).lstat()
        except FileNotFoundError:
            pass
        else:
            if stat.S_ISREG(status.st_mode) and status.st_size <= _LISTING_BYTES:
                return (path / LISTING).read_bytes()
    raise PackageRefused(
        f"{path} is not a package: it has no file {LISTING}.",
        advice="Give the folder that `medclf train` printed.",
        path=str(path),
    )


def _parse_listing(path: Path, listing: bytes) -> dict[str, str]:
    try:
        content = json.loads(listing)
        found = content["format"]
        files = dict(content["files"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise PackageRefused(
            f"{path} is not a package: its {LISTING} is not a list of files.",
            advice="Restore the folder from where it was copied.",
            path=str(path),
        ) from error
    if found != _FORMAT:
        raise PackageRefused(
            f"{path} has the format {found!r}, expected {_FORMAT!r}.",
            advice="Use the version of medclf that wrote it.",
            path=str(path),
        )
    for name, digest in files.items():
        fault = _name_fault(name)
        if fault is None and not (isinstance(digest, str) and _DIGEST.fullmatch(digest)):
            fault = "its digest is not one"
        if fault:
            raise PackageRefused(
                f"{path} lists {name!r}: {fault}.",
                advice="Do not use this package; it was not written by medclf.",
                file=name,
            )
    if canonical_json(content) != listing or set(content) != {"files", "format"}:
        raise PackageRefused(
            f"{path} has a {LISTING} that is not canonical JSON of format and files.",
            advice="Do not use this package; it was not written by medclf.",
            path=str(path),
        )
    return files


def _check_name(path: Path, digest: str) -> None:
    name = path.resolve().name
    if re.fullmatch(r"[0-9a-f]{64}", name) and f"sha256:{name}" != digest:
        raise _tampered(path, LISTING, f"sha256:{name}", found=digest)


def _check_names(path: Path, files: Mapping[str, str]) -> None:
    """Check that the folder holds exactly the listed names, each a plain file."""
    with os.scandir(path) as entries:
        plain = {entry.name: entry.is_file(follow_symlinks=False) for entry in entries}
    for name in sorted(set(plain) - set(files) - {LISTING}):
        raise _tampered(path, name, "no such file", found="an extra file")
    for name in sorted(files):
        if name not in plain:
            raise _tampered(path, name, files[name], found="no file")
        if not plain[name]:
            raise _tampered(path, name, files[name], found="no plain file")


def _check_digest(path: Path, name: str, expected: str, *, found: str) -> None:
    if found != expected:
        raise _tampered(path, name, expected, found=found)


def _tampered(path: Path, name: str, expected: str, *, found: str) -> PackageTampered:
    return PackageTampered(
        f"{name} of the package in {path} is not the listed one: "
        f"expected {expected}, found {found}.",
        advice="Do not use this package; copy it again from where it was released.",
        file=name,
        expected=expected,
        found=found,
    )


def _unavailable(path: Path, error: OSError) -> RegistryUnavailable:
    return RegistryUnavailable(
        f"The package in {path} cannot be read ({error.strerror or type(error).__name__}).",
        advice="Check the disk and the permissions.",
        path=str(path),
    )
