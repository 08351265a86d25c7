"""Writes a network down as ONNX, which other engines than PyTorch can run.

The bytes hold the graph and its weights and nothing of the machine that wrote them: no path, no
source line. The same weights give the same bytes with the same versions of torch and onnxscript.
"""

import copy
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from typing import Any

import torch

from medclf.errors import RuntimeRefused
from medclf.model.engine import need
from medclf.model.exportable import make_exportable
from medclf.model.network import Network

NETWORK = "network.onnx"
"""Name of the exported network in a package."""

OPSET = 20

_LARGEST_BYTES = 2**31 - 1  # of a protobuf message, by its own specification
_BATCH = 2  # of the example; 1 would be taken for a constant


def export_onnx(network: Network) -> bytes:
    """Return a network as ONNX, in float32, for any number of pictures at a time.

    Input `pictures` (batch, channels, size, size) float32, outputs `scores` (batch, classes) and
    `features` (batch, features), as the network in evaluation mode gives them.

    Args:
        network: not changed.

    Raises:
        RuntimeUnavailable: onnx or onnxscript is not installed.
        RuntimeRefused: the exporter cannot express this backbone, or the network is too large.
    """
    need("onnx", "onnxscript", extra="onnx")
    still = copy.deepcopy(network).cpu().float().eval().requires_grad_(requires_grad=False)
    make_exportable(still)
    shape = network.architecture
    example = torch.zeros(_BATCH, shape.channels, shape.size, shape.size)
    weight = sum(p.numel() * p.element_size() for p in still.state_dict().values())
    if weight > _LARGEST_BYTES:
        raise RuntimeRefused(
            f"The network has {weight / 1e9:.1f} GB of weights; ONNX holds 2.1 GB in one file.",
            advice="Set `runtime: torch` under `model` in study.yaml.",
            bytes=weight,
        )
    try:
        with _quiet():
            program = torch.onnx.export(
                still,
                (example,),
                dynamo=True,
                opset_version=OPSET,
                input_names=["pictures"],
                output_names=["scores", "features"],
                dynamic_shapes=({0: torch.export.Dim("batch")},),
                external_data=False,
                verbose=False,
            )
    except (torch.onnx.OnnxExporterError, RuntimeError, ValueError, TypeError) as error:
        raise RuntimeRefused(
            f"{shape.backbone} cannot be exported as ONNX ({type(error).__name__}).",
            advice="Set `runtime: torch` under `model` in study.yaml, or take another backbone.",
            backbone=shape.backbone,
        ) from error
    if program is None:
        raise RuntimeRefused(
            f"{shape.backbone} cannot be exported as ONNX.",
            advice="Set `runtime: torch` under `model` in study.yaml, or take another backbone.",
            backbone=shape.backbone,
        )
    model = program.model_proto
    _forget_origin(model)
    return bytes(model.SerializeToString(deterministic=True))


def refuse_references(exported: bytes) -> None:
    """Refuse an exported network that would make an engine open other files.

    ONNX names such a file under the key `location`, a word that our own graphs never hold; so
    nothing has to be parsed to be sure.

    Raises:
        RuntimeRefused: the word is there.
    """
    if b"location" in exported:
        raise RuntimeRefused(
            "The exported network of this package refers to other files.",
            advice="Do not use this package; it was not written by medclf.",
        )


def _forget_origin(model: Any) -> None:
    """Take everything off an ONNX model that tells where and from which source it was made."""
    model.doc_string = ""
    del model.metadata_props[:]
    graph = model.graph
    graph.name, graph.doc_string = "network", ""
    del graph.metadata_props[:]
    for group in (graph.node, graph.input, graph.output, graph.value_info, graph.initializer):
        for item in group:
            item.doc_string = ""
            if hasattr(item, "metadata_props"):
                del item.metadata_props[:]
    del graph.value_info[:]  # shapes in between, which engines find by themselves


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's talk off the terminal; what fails still raises."""
    noisy = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    before = [logger.level for logger in noisy]
    for logger in noisy:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), redirect_stdout(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(noisy, before, strict=True):
            logger.setLevel(level)
