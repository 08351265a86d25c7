import subprocess
import sys

import pytest
import torch
from torch import nn

from medclf.errors import RuntimeRefused
from medclf.model.export import export_onnx, refuse_references
from medclf.model.exportable import MaximumOverBins, make_exportable
from medclf.model.listed import LISTED
from medclf.model.network import Architecture, Network
from medclf.model.runtime import Runtime, RuntimeName, dump_weights

pytest.importorskip("onnx", reason="extra onnx is not installed")
pytest.importorskip("onnxscript", reason="extra onnx is not installed")

SMALL = {"medclf/lenet5", "medclf/spotnet"}
# The foundation models are timm's ViTs with layer scale, which random weights hardly move.
LARGE = [i for i in LISTED if i.name not in SMALL and not i.name.startswith("foundation/")]


def network_of(backbone: str, size: int, channels: int = 3) -> Network:
    """A network whose scores differ between pictures, as those of a trained one do."""
    torch.manual_seed(0)
    shape = Architecture(backbone=backbone, channels=channels, size=size, classes=3)
    network = Network(shape, dropout=0.3)
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.momentum = None  # the plain mean, settled after a few passes
    with torch.no_grad():
        network.train()
        for _ in range(3):  # statistics of batch normalisation, so that signals keep their size
            network(torch.randn(4, channels, size, size))
        _, features = network.eval()(torch.randn(4, channels, size, size))
        spread = features.std(dim=0).norm()
        network.head.weight.mul_(2 / (network.head.weight.norm(dim=1).mean() * spread + 1e-12))
    return network.eval()


def check_engines(network: Network) -> None:
    """Both engines give PyTorch's probabilities within 1e-5, where pictures are told apart."""
    shape = network.architecture
    exported, weights = export_onnx(network), dump_weights(network)
    x = torch.randn(3, shape.channels, shape.size, shape.size)
    scores, features = Runtime(shape, weights).run(x)
    expected = torch.softmax(torch.from_numpy(scores), dim=1)
    assert float(expected.std(dim=0).max()) > 1e-4
    for name in (RuntimeName.ONNX, RuntimeName.OPENVINO):
        found, vectors = Runtime(shape, weights, name=name, exported=exported).run(x)
        assert torch.softmax(torch.from_numpy(found), dim=1).numpy() == pytest.approx(
            expected.numpy(), abs=1e-5
        )
        assert vectors == pytest.approx(features, rel=1e-3, abs=1e-4)


@pytest.fixture(scope="module")
def lenet() -> Network:
    return network_of("medclf/lenet5", 61, channels=1)


@pytest.fixture(scope="module")
def exported(lenet) -> bytes:
    return export_onnx(lenet)


@pytest.mark.parametrize("item", [i for i in LISTED if i.name in SMALL], ids=lambda i: i.name)
def test_a_small_backbone_says_the_same_in_every_engine(item):
    pytest.importorskip("onnxruntime", reason="extra onnx is not installed")
    pytest.importorskip("openvino", reason="extra openvino is not installed")
    check_engines(network_of(item.name, item.size))


@pytest.mark.slow
@pytest.mark.parametrize("item", LARGE, ids=lambda i: i.name)
def test_a_large_backbone_says_the_same_in_every_engine(item):
    pytest.importorskip("onnxruntime", reason="extra onnx is not installed")
    pytest.importorskip("openvino", reason="extra openvino is not installed")
    check_engines(network_of(item.name, item.size))


def test_the_graph_has_the_agreed_names_and_any_number_of_pictures(exported):
    import onnx

    graph = onnx.load_model_from_string(exported).graph
    assert [i.name for i in graph.input] == ["pictures"]
    assert [o.name for o in graph.output] == ["scores", "features"]
    batch, *rest = graph.input[0].type.tensor_type.shape.dim
    assert batch.dim_param
    assert [d.dim_value for d in rest] == [1, 61, 61]
    onnx.checker.check_model(exported, full_check=True)


def test_dropout_is_off(exported):
    import onnx

    nodes = onnx.load_model_from_string(exported).graph.node
    assert "Dropout" not in {node.op_type for node in nodes}


def test_exporting_leaves_the_network_as_it_was(lenet):
    lenet.train()
    before = dump_weights(lenet)
    export_onnx(lenet)
    assert lenet.training
    assert dump_weights(lenet) == before
    assert all(p.requires_grad for p in lenet.parameters())
    assert any(isinstance(m, nn.AdaptiveMaxPool2d) for m in lenet.modules())
    lenet.eval()


@pytest.mark.slow
def test_the_same_weights_give_the_same_bytes_in_another_process(lenet, exported, tmp_path):
    (tmp_path / "weights").write_bytes(dump_weights(lenet))
    program = f"""
import sys
from pathlib import Path
from medclf.model.export import export_onnx
from medclf.model.network import Architecture
from medclf.model.runtime_torch import load_network
shape = Architecture.model_validate_json('{lenet.architecture.model_dump_json()}')
network = load_network(shape, (Path(sys.argv[1]) / "weights").read_bytes())
(Path(sys.argv[1]) / "exported").write_bytes(export_onnx(network))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout == ""
    assert (tmp_path / "exported").read_bytes() == exported


def test_nothing_tells_where_the_export_was_made(exported):
    import onnx

    model = onnx.load_model_from_string(exported)
    assert not [node.name for node in model.graph.node if node.doc_string or node.metadata_props]
    for word in (b".py", b"medclf", b"site-packages", sys.prefix.encode()):
        assert word not in exported


def test_a_backbone_that_cannot_be_exported_is_refused_with_advice(lenet):
    class Odd(nn.Module):
        def forward(self, x):
            return torch.linalg.svdvals(x[:, 0])[:, : lenet.head.in_features]

    odd = network_of("medclf/lenet5", 84, channels=1)
    odd.backbone = Odd()
    with pytest.raises(RuntimeRefused, match="cannot be exported") as caught:
        export_onnx(odd)
    assert "runtime: torch" in caught.value.advice


def test_a_network_that_refers_to_other_files_is_refused(exported):
    import onnx

    model = onnx.load_model_from_string(exported)
    tensor = model.graph.initializer[0]
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../secret")
    with pytest.raises(RuntimeRefused, match="other files"):
        refuse_references(model.SerializeToString())
    refuse_references(exported)


@pytest.mark.parametrize("length", range(5, 20))
def test_bins_are_those_of_adaptive_pooling(length):
    x = torch.randn(2, 3, length, 24 - length + 1)
    assert torch.equal(MaximumOverBins(5, 4)(x), nn.AdaptiveMaxPool2d((5, 4))(x))


def test_only_what_cannot_be_exported_is_replaced():
    layers = nn.Sequential(nn.AdaptiveMaxPool2d(3), nn.AdaptiveAvgPool2d(3), nn.MaxPool2d(2))
    make_exportable(layers)
    kinds = [type(layer) for layer in layers]
    assert kinds == [MaximumOverBins, nn.AdaptiveAvgPool2d, nn.MaxPool2d]
