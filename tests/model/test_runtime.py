from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from medclf.errors import ModelMisuse, RuntimeRefused, RuntimeUnavailable, WeightsRefused
from medclf.model import engine
from medclf.model.engine import Arithmetic
from medclf.model.export import export_onnx
from medclf.model.network import Architecture, Network
from medclf.model.runtime import Runtime, RuntimeName, dump_weights, need_runtime

MODULES = {RuntimeName.ONNX: "onnxruntime", RuntimeName.OPENVINO: "openvino"}
SHAPE = Architecture(backbone="medclf/spotnet", channels=3, size=96, classes=3)


@pytest.fixture(scope="module")
def weights() -> bytes:
    torch.manual_seed(0)
    return dump_weights(Network(SHAPE))


@pytest.fixture(scope="module")
def exported(weights) -> bytes:
    pytest.importorskip("onnx", reason="extra onnx is not installed")
    pytest.importorskip("onnxscript", reason="extra onnx is not installed")
    torch.manual_seed(0)
    return export_onnx(Network(SHAPE))


@pytest.fixture(params=list(MODULES), ids=str)
def name(request) -> RuntimeName:
    """Each engine beside PyTorch that is installed."""
    pytest.importorskip(MODULES[request.param], reason=f"extra {request.param} is not installed")
    return request.param


@pytest.fixture
def pictures() -> torch.Tensor:
    return torch.randn(8, 3, 96, 96, generator=torch.Generator().manual_seed(5))


def test_a_runtime_says_what_runs(weights, exported, name):
    assert Runtime(SHAPE, weights).about == "torch in float32"
    assert Runtime(SHAPE, weights, name=name, exported=exported).about == f"{name} in float32"


def test_all_engines_agree(weights, exported, name, pictures):
    scores, features = Runtime(SHAPE, weights).run(pictures)
    found = Runtime(SHAPE, weights, name=name, exported=exported).run(pictures)
    assert found[0].dtype == found[1].dtype == np.float64
    assert found[0] == pytest.approx(scores, abs=1e-5)
    assert found[1] == pytest.approx(features, abs=1e-5)


def test_an_answer_does_not_depend_on_the_batch(weights, exported, name, pictures):
    runtime = Runtime(SHAPE, weights, name=name, exported=exported)
    together = runtime.run(pictures)
    for i in range(len(pictures)):
        alone = runtime.run(pictures[i : i + 1])
        assert np.array_equal(alone[0][0], together[0][i])
        assert np.array_equal(alone[1][0], together[1][i])


def test_channels_last_pictures_give_the_same(weights, exported, name, pictures):
    runtime = Runtime(SHAPE, weights, name=name, exported=exported)
    last = pictures.contiguous(memory_format=torch.channels_last)
    assert np.array_equal(runtime.run(last)[0], runtime.run(pictures)[0])


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("runtime_name", list(RuntimeName))
def test_calls_from_several_threads_never_mix(weights, exported, runtime_name, threads, pictures):
    pytest.importorskip(MODULES.get(runtime_name, "torch"), reason="extra is not installed")
    runtime = Runtime(SHAPE, weights, name=runtime_name, exported=exported, threads=threads)
    expected = [runtime.run(pictures[i : i + 1])[0] for i in range(len(pictures))]

    def ask(i: int) -> bool:
        return np.array_equal(runtime.run(pictures[i : i + 1])[0], expected[i])

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(ask, list(range(len(pictures))) * 10))


def test_a_call_of_torch_leaves_the_threads_of_the_caller_alone(weights, pictures):
    before = torch.get_num_threads()
    other = 1 if before > 1 else 2
    runtime = Runtime(SHAPE, weights, threads=other)
    assert runtime.threads == other
    runtime.run(pictures)
    assert torch.get_num_threads() == before


def test_openvino_is_told_arithmetic_threads_and_pinning(weights, exported):
    pytest.importorskip("openvino", reason="extra openvino is not installed")
    runtime = Runtime(SHAPE, weights, name=RuntimeName.OPENVINO, exported=exported, threads=1)
    compiled = runtime._engine._compiled  # type: ignore[attr-defined]
    assert compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name() == "f32"
    streams = compiled.get_property("NUM_STREAMS")
    assert compiled.get_property("INFERENCE_NUM_THREADS") == int(streams)
    assert compiled.get_property("ENABLE_CPU_PINNING") is False


def test_bfloat16_computes_otherwise_and_is_told(weights, exported, pictures):
    pytest.importorskip("openvino", reason="extra openvino is not installed")
    plain = Runtime(SHAPE, weights, name=RuntimeName.OPENVINO, exported=exported)
    try:
        short = Runtime(
            SHAPE,
            weights,
            name=RuntimeName.OPENVINO,
            exported=exported,
            arithmetic=Arithmetic.BFLOAT16,
        )
    except RuntimeUnavailable as error:
        pytest.skip(str(error))
    assert short.about == "openvino in bfloat16"
    difference = np.abs(short.run(pictures)[0] - plain.run(pictures)[0]).max()
    assert 0 < difference < 0.05


@pytest.mark.parametrize("runtime_name", [RuntimeName.TORCH, RuntimeName.ONNX])
def test_bfloat16_is_for_openvino_alone(weights, runtime_name):
    with pytest.raises(ModelMisuse, match="float32 only"):
        Runtime(SHAPE, weights, name=runtime_name, arithmetic=Arithmetic.BFLOAT16)


def test_without_an_exported_network_there_is_no_other_engine(weights, name):
    with pytest.raises(ModelMisuse, match="not exported") as caught:
        Runtime(SHAPE, weights, name=name)
    assert f"runtime: {name}" in caught.value.advice


def test_an_exported_network_that_is_none_is_refused(weights, name):
    with pytest.raises(RuntimeRefused, match="cannot read"):
        Runtime(SHAPE, weights, name=name, exported=b"no network at all")


def test_a_device_that_an_engine_does_not_know_is_refused(weights, exported, name):
    with pytest.raises(ModelMisuse, match="on the CPU"):
        Runtime(SHAPE, weights, name=name, exported=exported, device="cuda")


@pytest.mark.parametrize("runtime_name", list(MODULES))
def test_a_missing_library_is_told_with_its_extra_and_never_replaced(
    weights, monkeypatch, runtime_name
):
    monkeypatch.setattr(engine, "find_spec", lambda module: None)
    with pytest.raises(RuntimeUnavailable, match=MODULES[runtime_name]) as caught:
        Runtime(SHAPE, weights, name=runtime_name, exported=b"")
    assert f"medclf[{runtime_name}]" in caught.value.advice
    with pytest.raises(RuntimeUnavailable):
        need_runtime(runtime_name)
    need_runtime(RuntimeName.TORCH)


def test_weights_of_another_network_are_refused(weights):
    other = SHAPE.model_copy(update={"classes": 4})
    with pytest.raises(WeightsRefused, match="do not fit"):
        Runtime(other, weights)
