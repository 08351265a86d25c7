"""What a frozen backbone says of a cohort's pictures: computed once, kept beside the pictures.

A feature is known by the digest of its image and by all that decides on it: how the picture was
prepared, the backbone's own weights, the software that runs it. So a second probe, another label
column or another penalty costs no pass of the network, and an image that was added costs one.
Features lie in the cache of prepared pictures and are checked, bounded and pruned as these are.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from importlib.metadata import version
from typing import Any

import numpy as np
import torch

import medclf.model
from medclf.cohort.cache import make_room
from medclf.cohort.deciding import code_digest
from medclf.cohort.shard import RECORD
from medclf.cohort.store import PictureStore
from medclf.digest import digest_array, digest_json
from medclf.errors import CacheUnavailable
from medclf.model.features import Outputs, compute_outputs
from medclf.model.network import Network
from medclf.pixels.transforms.preprocessing import normalise
from medclf.study.config import StudyConfig
from medclf.study.prepare import Prepared
from medclf.study.progress import Progress

FORMAT = "medclf-features/1"

_SOFTWARE = ("medclf", "numpy", "timm", "torch", "torchvision")
_BATCH = 32
_KEPT_AT_ONCE = 16 * _BATCH  # pictures whose features a killed process loses at most

_Features = np.ndarray[Any, np.dtype[np.float32]]


def outputs_of(
    network: Network,
    prepared: Prepared,
    rows: Sequence[int],
    config: StudyConfig,
    *,
    frozen: bool,
    progress: Progress,
) -> Outputs:
    """Return scores and features of some rows, for calibration.

    Args:
        network: as it will be packed.
        prepared: whose pictures.
        rows: which of them, in this order.
        config: how pictures become the network's input.
        frozen: whether the backbone is as it was pretrained, so that its features may be kept.
        progress: told about each batch.
    """
    if not frozen:
        return compute_outputs(
            network,
            prepared.pictures.array,
            rows,
            normalise=lambda batch: normalise(batch, config.preprocessing),
            progress=lambda done, total: progress("calibrate", done, total, ""),
        )
    features = frozen_features(network, prepared, rows, config, progress=progress)
    place = next(network.parameters()).device
    with torch.inference_mode():
        scores = network.head(torch.as_tensor(features, device=place))  # (rows, classes)
    return Outputs(scores.double().cpu().numpy(), features.astype(np.float64))


def frozen_features(
    network: Network,
    prepared: Prepared,
    rows: Sequence[int],
    config: StudyConfig,
    *,
    progress: Progress,
) -> _Features:
    """Return the features of some rows from the cache, after computing those it lacks.

    Where the cache cannot be written they are computed all the same, and not kept.

    Args:
        network: whose backbone; its head does not matter.
        prepared: whose pictures.
        rows: which of them, in this order.
        config: how pictures become the network's input.
        progress: told about each batch that had to be computed.

    Returns:
        (rows, features) float32.

    Raises:
        CacheUnavailable: the cache cannot be read.
    """
    pictures = prepared.pictures
    store = PictureStore(pictures.folder.parent, _facts(network, prepared, config))
    wanted = np.asarray(rows, np.int64)
    names = pictures.names[wanted]
    found = store.find(names, threads=config.isolation.workers)
    features = np.empty((len(wanted), *store.form.shape), np.float32)
    known = np.flatnonzero(~found.absent)
    features[known] = found[known]
    absent = np.flatnonzero(found.absent)
    if not len(absent):
        return features
    _, first, again = np.unique(names[absent], return_index=True, return_inverse=True)
    once = absent[first]  # each image once

    def compute(some: np.ndarray[Any, Any], done: int) -> _Features:
        return _compute(
            network,
            prepared,
            wanted[some],
            config,
            progress=lambda more: progress("features", min(done + more, len(once)), len(once), ""),
        )

    features[absent] = _computed_and_kept(store, names, once, compute, prepared.cache_bytes)[again]
    return features


def _computed_and_kept(
    store: PictureStore,
    names: np.ndarray[Any, Any],
    places: np.ndarray[Any, Any],
    compute: Callable[[np.ndarray[Any, Any], int], _Features],
    limit: int | None,
) -> _Features:
    """Compute features block by block and keep each block as far as the cache takes it."""
    needed = len(places) * (store.form.row_bytes + RECORD.itemsize)
    computed = np.empty((len(places), *store.form.shape), np.float32)
    with suppress(CacheUnavailable), ExitStack() as open_writer:
        write: Callable[[bytes, Any], None] | None = None
        with suppress(CacheUnavailable):
            write = open_writer.enter_context(
                store.writer(make_room=lambda: make_room(store.root, needed, limit=limit))
            )
        for start in range(0, len(places), _KEPT_AT_ONCE):
            block = slice(start, start + _KEPT_AT_ONCE)
            computed[block] = compute(places[block], start)
            try:
                for name, row in zip(names[places[block]], computed[block], strict=True):
                    if write is not None:
                        write(bytes(name), row)
            except CacheUnavailable:
                write = None
    return computed


def _compute(
    network: Network,
    prepared: Prepared,
    rows: np.ndarray[Any, Any],
    config: StudyConfig,
    *,
    progress: Callable[[int], None],
) -> _Features:
    """Run whole batches only: an incomplete one may be computed in another order of additions.

    So a picture's features do not depend on which others the cache happened to lack.
    """
    filled = np.resize(rows, -(-len(rows) // _BATCH) * _BATCH)
    outputs = compute_outputs(
        network,
        prepared.pictures.array,
        filled.tolist(),
        normalise=lambda batch: normalise(batch, config.preprocessing),
        batch=_BATCH,
        progress=lambda done, _: progress(done),
    )
    return outputs.features[: len(rows)].astype(np.float32)


def _facts(network: Network, prepared: Prepared, config: StudyConfig) -> dict[str, Any]:
    """Return everything that can change a feature, as plain JSON values."""
    place = next(network.parameters()).device
    state = network.backbone.state_dict()
    return {
        "format": FORMAT,
        "shape": [network.head.in_features],
        "dtype": "float32",
        "preprocessing": config.preprocessing.model_dump(mode="json"),
        "pictures": digest_json(prepared.pictures.facts),
        "backbone": config.model.backbone,
        "weights": digest_json(
            {name: digest_array(value.cpu().numpy()) for name, value in state.items()}
        ),
        "software": {name: version(name) for name in _SOFTWARE},
        "code": code_digest(medclf.model),
        "device": place.type if place.type == "cpu" else torch.cuda.get_device_name(place),
    }
