import json

import numpy as np
import pytest
from safetensors.torch import save

from medclf.classifier import Classifier
from medclf.dicom.instance import open_instance
from medclf.errors import ModelMisuse, RuntimeRefused, RuntimeUnavailable
from medclf.installation import open_home
from medclf.model import engine
from medclf.model.export import NETWORK
from medclf.model.runtime import RuntimeName
from medclf.model.runtime_torch import load_network
from medclf.registry.package import write_package
from medclf.study import exporting
from medclf.study.config import load_study
from medclf.study.exporting import check_runtime, export_network
from medclf.study.fitting import build_network
from medclf.study.prepare import prepare
from medclf.study.progress import silent

for module in ("onnx", "onnxscript", "onnxruntime", "openvino"):
    pytest.importorskip(module, reason="extras onnx and openvino are not installed")


@pytest.fixture(scope="module")
def parent(walked):
    return Classifier.load(walked.package)


@pytest.fixture(scope="module")
def prepared(walked):
    return prepare(load_study(walked.study), home=open_home(walked.home, "tester"), progress=silent)


@pytest.fixture(scope="module")
def network(parent):
    weights = parent.package.read("weights.safetensors")
    return load_network(parent.model.architecture, weights)


def export(parent, network, prepared, name):
    model = parent.model.model_copy(update={"runtime": name})
    return export_network(network, model, parent.novelty, prepared, progress=silent)


def packed(parent, exported, folder, name):
    files = {f: parent.package.read(f) for f in parent.package.files}
    model = {**json.loads(files["model.json"]), "runtime": name.value}
    files |= {"model.json": json.dumps(model).encode(), NETWORK: exported.network}
    return write_package(folder, files).path


@pytest.mark.parametrize("name", [RuntimeName.OPENVINO, RuntimeName.ONNX])
def test_a_package_for_another_runtime_gives_the_same_opinions(
    parent, network, prepared, walked, tmp_path, name
):
    exported = export(parent, network, prepared, name)
    facts = exported.facts
    assert facts["name"] == name.value
    assert facts["pictures"] == min(64, len(prepared.parts["calibrate"].rows))
    assert facts["largest_probability_difference"] <= facts["tolerance"] == 1e-5
    assert facts["abstentions_changed"] == facts["decisions_changed"] == 0
    assert {"torch", "onnx", "onnxscript", *exported.libraries} == set(facts["libraries"])
    path = packed(parent, exported, tmp_path, name)
    served = Classifier.load(path, released=True)
    assert served.runtime.name is name
    for film in walked.images()[:5]:
        ours, theirs = served.read(open_instance(film)), parent.read(open_instance(film))
        assert ours.status is theirs.status
        assert ours.released
        for mine, other in zip(ours.findings, theirs.findings, strict=True):
            assert mine.probability == pytest.approx(other.probability, abs=1e-5)
    by_torch = Classifier.load(path, released=True, runtime=RuntimeName.TORCH)
    assert by_torch.runtime.name is RuntimeName.TORCH
    assert not by_torch.released


def test_torch_needs_no_export(parent, network, prepared):
    exported = export(parent, network, prepared, RuntimeName.TORCH)
    assert exported.network is None
    assert exported.facts == {"name": "torch", "arithmetic": "float32"}


def test_an_engine_that_says_something_else_is_refused(parent, network, prepared, monkeypatch):
    honest = exporting.export_onnx

    def crooked(network):
        return honest(load_network(network.architecture, other))

    state = {k: v.clone() for k, v in network.state_dict().items()}
    state["head.bias"][0] += 0.01
    other = save(state)
    monkeypatch.setattr(exporting, "export_onnx", crooked)
    with pytest.raises(RuntimeRefused, match="says something else than PyTorch") as caught:
        export(parent, network, prepared, RuntimeName.ONNX)
    assert caught.value.facts["difference"] > 1e-5
    assert "runtime: torch" in caught.value.advice


def test_numbers_that_are_none_are_refused(parent, network, prepared):
    broken = load_network(parent.model.architecture, parent.package.read("weights.safetensors"))
    broken.head.bias.data.fill_(np.nan)
    model = parent.model.model_copy(update={"runtime": RuntimeName.ONNX})
    with pytest.raises(RuntimeRefused, match="nan"):
        export_network(broken, model, parent.novelty, prepared, progress=silent)


def test_a_missing_runtime_is_told_before_training(walked, monkeypatch):
    study = load_study(walked.study)
    model = study.model.model_copy(update={"runtime": RuntimeName.OPENVINO})
    config = study.model_copy(update={"model": model})
    network, _ = build_network(config)
    check_runtime(network, config)
    monkeypatch.setattr(engine, "find_spec", lambda module: None)
    check_runtime(network, study)
    with pytest.raises(RuntimeUnavailable, match="openvino"):
        check_runtime(network, config)


def test_a_runtime_that_the_package_lacks_is_refused(walked):
    with pytest.raises(ModelMisuse, match="not exported"):
        Classifier.load(walked.package, runtime=RuntimeName.ONNX)
