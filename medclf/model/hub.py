"""Fetches pretrained weights from the model hubs and says exactly which ones they are.

What was downloaded once is taken from the cache of the machine, also where no hub can be
reached. Whatever came, its bytes are held against the digest that the hub names it by.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from medclf.digest import digest_file
from medclf.errors import ModelMisuse, WeightsRefused, WeightsUnavailable
from medclf.model.foundation import FOUNDATION
from medclf.model.timm_body import unknown

_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_IN_NAME = re.compile(r"-([0-9a-f]{8,})\.")
_NOT_STATED = "not stated"


@dataclass(frozen=True, slots=True)
class Fetched:
    """A weights file from a hub.

    Attributes:
        path: in the cache of this machine.
        repository: `owner/name` on the Hugging Face hub, or the address of a single file.
        revision: the commit, 40 hex digits; empty for a single file, whose name is its own.
        digest: of the file's bytes.
        licence: as the publisher states it.
    """

    path: Path
    repository: str
    revision: str
    digest: str
    licence: str


def fetch(backbone: str, revision: str | None) -> Fetched:
    """Fetch the pretrained weights of a backbone.

    Args:
        backbone: `provider/architecture`.
        revision: commit, branch or tag of the hub's repository; its main branch when None.

    Raises:
        WeightsUnavailable: none exist, or the hub does not give them.
        WeightsRefused: the bytes are not those that the hub names.
        ModelMisuse: the architecture is unknown, or a revision is asked of a single file.
    """
    provider, _, architecture = backbone.partition("/")
    if provider == "timm":
        return _fetch_timm(architecture, revision)
    if provider == "torchvision":
        if revision is not None:
            raise ModelMisuse(
                "torchvision's weights are single files and have no revisions.",
                advice="Leave `revision` out; the digest in the lineage names the file.",
            )
        return _fetch_torchvision(architecture)
    home = FOUNDATION[architecture].home if architecture in FOUNDATION else ""
    raise WeightsUnavailable(
        f"The weights of {backbone} are handed out by their publishers alone."
        if home
        else f"No pretrained weights exist for {backbone}.",
        advice=f"Ask for them at {home} and set `weights: path/to/file`."
        if home
        else "Say `weights: random`, or choose another backbone from `medclf models`.",
        backbone=backbone,
    )


def fetch_from_repository(
    repository: str, *, filenames: tuple[str, ...], revision: str | None, licence: str
) -> Fetched:
    """Fetch the first of some files that a repository of the Hugging Face hub has.

    `HF_ENDPOINT`, `HF_HOME`, `HF_TOKEN` and `HF_HUB_OFFLINE` work as everywhere.
    """
    from huggingface_hub import errors, hf_hub_download

    transport = getattr(errors, "HTTPError", OSError)  # httpx's root; requests' is an OSError
    for filename in filenames:
        try:
            path = Path(hf_hub_download(repository, filename, revision=revision))
        except errors.GatedRepoError as error:
            raise WeightsUnavailable(
                f"The hub gives {repository} only to those who accepted its licence.",
                advice="Accept it on the hub, log in with `hf auth login`, then try again.",
                repository=repository,
            ) from error
        except errors.RevisionNotFoundError as error:
            raise WeightsUnavailable(
                f"{repository} has no revision {revision!r}.",
                advice="Correct `revision` in study.yaml, or leave it out.",
                repository=repository,
                revision=str(revision),
            ) from error
        except errors.RemoteEntryNotFoundError:
            continue  # the repository has no such file; it may have the next
        except (OSError, ValueError, RuntimeError, transport) as error:
            raise _not_given(repository, error) from error
        return _told(path, repository, licence)
    raise WeightsUnavailable(
        f"{repository} holds none of {', '.join(filenames)}.",
        advice="Download its weights by hand and set `weights: path/to/file`.",
        repository=repository,
    )


def fetch_file(url: str, *, licence: str) -> Fetched:
    """Fetch a single file whose name ends in the first digits of its own SHA-256."""
    from torch.hub import download_url_to_file, get_dir

    name = url.rsplit("/", 1)[-1]
    path = Path(get_dir()) / "checkpoints" / name
    found = _IN_NAME.search(name)
    prefix = found[1] if found else ""
    if not path.is_file():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            download_url_to_file(url, str(path), prefix or None, progress=False)
        except (OSError, RuntimeError, ValueError) as error:
            raise _not_given(url, error) from error
    digest = digest_file(path)
    if not digest.removeprefix("sha256:").startswith(prefix):
        raise _changed(path)
    return Fetched(path, url.removeprefix("https://"), "", digest, licence)


def _fetch_timm(architecture: str, revision: str | None) -> Fetched:
    import timm

    if not timm.is_model(architecture):
        raise unknown(architecture, "timm")
    told = timm.get_pretrained_cfg(architecture)
    licence = _as_spdx(getattr(told, "license", None))
    if told is not None and told.hf_hub_id:
        repository, _, pinned = told.hf_hub_id.partition("@")
        names = (told.hf_hub_filename,) if told.hf_hub_filename else ()
        return fetch_from_repository(
            repository,
            filenames=names or ("model.safetensors", "pytorch_model.bin"),
            revision=revision or pinned or None,
            licence=licence,
        )
    url = told.url if told is not None else None
    if isinstance(url, str) and url and not url.endswith(".npz") and revision is None:
        return fetch_file(url, licence=licence)
    raise WeightsUnavailable(
        f"No pretrained weights exist for timm/{architecture} on the hub.",
        advice="Say `weights: random`, name a file, or choose another backbone.",
        backbone=f"timm/{architecture}",
    )


def _fetch_torchvision(architecture: str) -> Fetched:
    import torchvision.models

    if architecture not in torchvision.models.list_models(module=torchvision.models):
        raise unknown(architecture, "torchvision")
    found = torchvision.models.get_model_weights(architecture).DEFAULT
    return fetch_file(found.url, licence="BSD-3-Clause")


def _told(path: Path, repository: str, licence: str) -> Fetched:
    """Read commit and digest off the layout of the cache: snapshots/<commit>/<file> → blobs/."""
    commit = next((part for part in reversed(path.parts) if _COMMIT.fullmatch(part)), "")
    digest = digest_file(path)
    blob = path.resolve().name  # of large files: their SHA-256, as the hub tells it
    if _SHA256.fullmatch(blob) and digest != f"sha256:{blob}":
        raise _changed(path)
    return Fetched(path, repository, commit, digest, licence)


def _not_given(source: str, error: Exception) -> WeightsUnavailable:
    return WeightsUnavailable(
        f"The hub did not give the pretrained weights of {source} ({type(error).__name__}).",
        advice="Connect to the hub, or download the file elsewhere and set "
        "`weights: path/to/file.safetensors`, or say `weights: random` on purpose.",
        source=source,
    )


def _changed(path: Path) -> WeightsRefused:
    return WeightsRefused(
        f"The cached file {path} is not the one that the hub names: its digest differs.",
        advice="Delete it and download it again.",
        path=str(path),
    )


def _as_spdx(licence: str | None) -> str:
    """Return the name of a licence as SPDX writes it.

    >>> _as_spdx("apache-2.0"), _as_spdx("cc-by-nc-4.0"), _as_spdx(None)
    ('Apache-2.0', 'CC-BY-NC-4.0', 'not stated')
    """
    known = {"apache-2.0": "Apache-2.0", "bsd-3-clause": "BSD-3-Clause", "mit": "MIT"}
    if not licence:
        return _NOT_STATED
    named = known.get(licence.lower(), licence)
    return named.upper() if named.startswith("cc-") else named
