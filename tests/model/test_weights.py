import pickle

import pytest
import torch
from safetensors.torch import save_file

from medclf.digest import digest_file
from medclf.errors import WeightsRefused, WeightsUnavailable
from medclf.model.backbone import build_backbone
from medclf.model.weights import load_weights, recognise


@pytest.fixture
def lenet():
    torch.manual_seed(0)
    return build_backbone("medclf/lenet5", channels=1, size=32)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("prefix", ["", "module.", "backbone."])
def test_a_local_file_is_loaded_whole(tmp_path, lenet, suffix, prefix):
    path = tmp_path / f"weights{suffix}"
    state = {prefix + k: v + 1 for k, v in lenet.state_dict().items()}
    if suffix == ".pth":
        torch.save({"state_dict": state}, path)
    else:
        save_file(state, path)
    other = build_backbone("medclf/lenet5", channels=1, size=32)
    report = load_weights(other, "medclf/lenet5", str(path))
    assert report.missing == ()
    assert report.digest == digest_file(path)
    for name, value in other.state_dict().items():
        assert torch.equal(value, lenet.state_dict()[name] + 1)


def test_a_classifier_in_the_file_is_told_as_unexpected(tmp_path, lenet):
    path = tmp_path / "weights.pth"
    torch.save({**lenet.state_dict(), "classifier.weight": torch.zeros(10, 84)}, path)
    report = load_weights(lenet, "medclf/lenet5", str(path))
    assert report.unexpected == ("classifier.weight",)


def test_another_architecture_is_refused(tmp_path, lenet):
    path = tmp_path / "weights.pth"
    torch.save({"conv1.weight": torch.zeros(3, 3)}, path)
    with pytest.raises(WeightsRefused, match=r"0\.0 %"):
        load_weights(lenet, "medclf/lenet5", str(path))


def test_a_refused_file_leaves_the_backbone_as_it_was(tmp_path, lenet):
    before = {k: v.clone() for k, v in lenet.state_dict().items()}
    path = tmp_path / "weights.pth"
    torch.save({"maps.0.bias": torch.ones(16)}, path)
    with pytest.raises(WeightsRefused):
        load_weights(lenet, "medclf/lenet5", str(path))
    assert all(torch.equal(v, before[k]) for k, v in lenet.state_dict().items())


class Evil:
    def __reduce__(self):
        return (print, ("code ran",))


def test_a_tensor_that_would_stay_random_is_refused(tmp_path, lenet):
    path = tmp_path / "weights.pth"
    state = dict(lenet.state_dict())
    state["maps.1.running_mean"] = torch.zeros(8)  # of another width
    torch.save(state, path)
    with pytest.raises(WeightsRefused, match="stay random"):
        load_weights(lenet, "medclf/lenet5", str(path))


def test_a_file_that_would_run_code_is_refused(tmp_path, lenet, capsys):
    path = tmp_path / "weights.pth"
    path.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(WeightsRefused):
        load_weights(lenet, "medclf/lenet5", str(path))
    assert "code ran" not in capsys.readouterr().out


@pytest.mark.parametrize("content", [b"", b"no weights at all", b"\x80\x02"])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_garbage_is_refused(tmp_path, lenet, content, suffix):
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(content)
    with pytest.raises(WeightsRefused):
        load_weights(lenet, "medclf/lenet5", str(path))


def test_a_missing_file_is_never_a_random_start(tmp_path, lenet):
    with pytest.raises(WeightsUnavailable, match="is not a file") as caught:
        load_weights(lenet, "medclf/lenet5", str(tmp_path / "none.pth"))
    assert "random" in caught.value.advice


def test_a_backbone_without_hub_weights_says_so(lenet):
    with pytest.raises(WeightsUnavailable, match="No pretrained weights"):
        load_weights(lenet, "medclf/lenet5", "hub")


def test_known_names_tell_backbone_and_normalisation():
    known = recognise("mobilenet_v2_tfslim_int8deq-7e7a259e.pth")
    assert known is not None
    assert (known.backbone, known.mean[0]) == ("torchvision/mobilenet_v2", 0.5)
    ordinary = recognise("squeezenet1_1_caffe_imagenetnorm-7e39d2ab.pth")
    assert ordinary is not None
    assert ordinary.std == (0.229, 0.224, 0.225)
    assert recognise("my-best-model.pth") is None


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "file", "matched"),
    [
        ("torchvision/mobilenet_v2", "mobilenet_v2_tfslim_int8deq-7e7a259e.pth", 312),
        ("torchvision/squeezenet1_1", "squeezenet1_1_caffe_imagenetnorm-7e39d2ab.pth", 50),
    ],
)
def test_real_weights_fit_their_backbone_wholly(shared_data, name, file, matched):
    backbone = build_backbone(name, channels=3, size=224)
    report = load_weights(backbone, name, str(shared_data / "weights" / file))
    assert (len(report.matched), report.missing) == (matched, ())
    assert all(key.startswith("classifier.") for key in report.unexpected)


def test_the_licence_is_what_the_study_states_or_not_stated(tmp_path, lenet):
    path = tmp_path / "weights.pth"
    torch.save(lenet.state_dict(), path)
    stated = load_weights(lenet, "medclf/lenet5", str(path), licence="CC-BY-4.0")
    assert (stated.licence, stated.facts()["licence"]) == ("CC-BY-4.0", "CC-BY-4.0")
    assert load_weights(lenet, "medclf/lenet5", str(path)).licence == "not stated"


def test_a_file_with_another_digest_than_the_study_names_is_refused(tmp_path, lenet):
    path = tmp_path / "weights.pth"
    torch.save(lenet.state_dict(), path)
    named = digest_file(path)
    assert load_weights(lenet, "medclf/lenet5", str(path), digest=named).digest == named
    with pytest.raises(WeightsRefused, match="the study names"):
        load_weights(lenet, "medclf/lenet5", str(path), digest="sha256:" + "0" * 64)


def test_the_report_reads_as_a_sentence_and_names_what_was_not_used(tmp_path, lenet):
    path = tmp_path / "weights.pth"
    torch.save({**lenet.state_dict(), "fc.weight": torch.zeros(10, 84)}, path)
    report = load_weights(lenet, "medclf/lenet5", str(path))
    assert str(report) == (
        "weights.pth: 18 tensors loaded, 1 not used (fc.weight); licence not stated"
    )
    assert report.facts()["unexpected_names"] == ["fc.weight"]
    assert str(load_weights(lenet, "medclf/lenet5", "random")).startswith("random")


def test_googlenets_file_is_known_to_expect_values_from_minus_one_to_one():
    known = recognise("googlenet-1378be20.pth")
    assert known is not None
    assert (known.backbone, known.mean) == ("torchvision/googlenet", (0.5, 0.5, 0.5))
