import pytest
import timm
import torch

from medclf.errors import WeightsRefused
from medclf.model.backbone import build_backbone
from medclf.model.weights_fit import fit_into

VIT = "timm/vit_tiny_patch16_224"
SWIN = "timm/swin_tiny_patch4_window7_224"


def test_position_embeddings_of_another_size_are_resized_by_timm():
    torch.manual_seed(0)
    state = build_backbone(VIT, channels=3, size=96).state_dict()
    network = build_backbone(VIT, channels=3, size=160)
    match = fit_into(network, state, source="w.pth")
    assert match.adapted == ("pos_embed 1 × 37 × 192 → 1 × 101 × 192",)
    assert match.missing == ()
    theirs = timm.layers.resample_abs_pos_embed(state["pos_embed"], [10, 10], [6, 6])
    assert torch.equal(network.state_dict()["pos_embed"], theirs)
    assert torch.equal(network.state_dict()["norm.weight"], state["norm.weight"])


def test_a_resized_network_sees_a_smooth_picture_much_as_before():
    torch.manual_seed(0)
    small = build_backbone(VIT, channels=3, size=96).eval()
    large = build_backbone(VIT, channels=3, size=192).eval()
    fit_into(large, small.state_dict(), source="w.pth")
    grey = torch.ones(1, 3, 1, 1) * 0.7
    with torch.no_grad():
        a = small(grey.expand(-1, -1, 96, 96))
        b = large(grey.expand(-1, -1, 192, 192))
    assert torch.nn.functional.cosine_similarity(a, b).item() > 0.99


@pytest.mark.slow
@pytest.mark.parametrize("size", [96, 256])
def test_swins_tables_of_position_bias_are_resized_where_windows_shrink(size):
    torch.manual_seed(0)
    state = build_backbone(SWIN, channels=3, size=224).state_dict()
    network = build_backbone(SWIN, channels=3, size=size).eval()
    match = fit_into(network, state, source="w.pth")
    assert match.missing == ()
    shrunk = {96: True, 256: False}[size]
    assert any("relative_position_bias_table" in told for told in match.adapted) is shrunk
    assert network(torch.zeros(1, 3, size, size)).isfinite().all()


@pytest.mark.parametrize("channels", [1, 4])
@pytest.mark.parametrize("name", ["torchvision/squeezenet1_1", "timm/resnet10t", VIT])
def test_pretrained_kernels_are_fitted_to_the_channels(name, channels):
    torch.manual_seed(0)
    original = build_backbone(name, channels=3, size=64).eval()
    network = build_backbone(name, channels=channels, size=64).eval()
    match = fit_into(network, original.state_dict(), source="w.pth")
    assert len(match.adapted) == 1
    assert match.missing == ()
    grey = torch.rand(2, 1, 64, 64)
    if channels == 1:
        with torch.no_grad():
            theirs = original(grey.expand(-1, 3, -1, -1))
            assert torch.allclose(network(grey), theirs, atol=1e-4)


def test_a_file_for_one_channel_fits_three():
    original = build_backbone("medclf/spotnet", channels=1, size=64).eval()
    network = build_backbone("medclf/spotnet", channels=3, size=64).eval()
    fit_into(network, original.state_dict(), source="w.pth")
    grey = torch.rand(2, 1, 64, 64)
    assert torch.allclose(network(grey.expand(-1, 3, -1, -1)), original(grey), atol=1e-5)


def test_a_file_of_torchvision_fits_the_resnet_of_timm():
    import torchvision

    theirs = torchvision.models.resnet18(weights=None)
    match = fit_into(
        build_backbone("timm/resnet18", channels=3, size=64), theirs.state_dict(), source="w.pth"
    )
    assert match.missing == ()
    assert set(match.unexpected) == {"fc.weight", "fc.bias"}


@pytest.mark.slow
def test_a_file_of_torchvision_fits_the_densenet_of_timm_under_its_old_names():
    import torchvision

    theirs = torchvision.models.densenet121(weights=None).state_dict()
    old = {
        key.replace(".norm1.", ".norm.1.").replace(".norm2.", ".norm.2.")
        if "denselayer" in key
        else key: value
        for key, value in theirs.items()
    }
    assert old.keys() != theirs.keys()
    network = build_backbone("timm/densenet121", channels=3, size=64)
    assert fit_into(network, old, source="w.pth").missing == ()


def test_a_deeper_network_of_the_same_make_is_refused():
    deeper = build_backbone("timm/resnet34", channels=3, size=64).state_dict()
    network = build_backbone("timm/resnet18", channels=3, size=64)
    with pytest.raises(WeightsRefused, match="no place for") as caught:
        fit_into(network, deeper, source="w.pth")
    assert "deeper" in caught.value.advice


def test_layer_scale_is_never_left_out_in_silence():
    """A UNI-like file fits every tensor of a plain ViT; without its scales it is another one."""
    scaled = timm.create_model("vit_tiny_patch16_224", num_classes=0, img_size=64, init_values=1.0)
    network = build_backbone(VIT, channels=3, size=64)
    with pytest.raises(WeightsRefused, match=r"ls1\.gamma"):
        fit_into(network, scaled.state_dict(), source="w.pth")


def test_values_that_are_no_numbers_are_refused_and_nothing_is_changed():
    network = build_backbone("medclf/lenet5", channels=1, size=32)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    state = {key: value + 1 for key, value in before.items()}
    state["dense.0.bias"][3] = float("nan")
    with pytest.raises(WeightsRefused, match=r"finite numbers, in dense\.0\.bias"):
        fit_into(network, state, source="w.pth")
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


def test_a_position_embedding_of_no_square_grid_is_refused_with_advice():
    network = build_backbone(VIT, channels=3, size=64)
    state = {**network.state_dict(), "pos_embed": torch.zeros(1, 12, 192)}
    with pytest.raises(WeightsRefused) as caught:
        fit_into(network, state, source="w.pth")
    assert caught.value.advice


def test_half_precision_becomes_float32():
    network = build_backbone("medclf/lenet5", channels=1, size=32)
    state = {key: value.half() for key, value in network.state_dict().items()}
    fit_into(network, state, source="w.pth")
    assert {value.dtype for value in network.state_dict().values()} == {torch.float32, torch.int64}
