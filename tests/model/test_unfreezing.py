from hypothesis import given
from hypothesis import strategies as st

from medclf.model.blocks import parameter_blocks
from medclf.model.network import Architecture, Network
from medclf.model.unfreezing import trained_blocks, unfreeze_blocks


@given(st.integers(2, 60), st.floats(0.01, 1), st.integers(1, 40))
def test_the_head_begins_and_all_learn_in_the_end(epochs, unfreeze, blocks):
    counts = [
        trained_blocks(e, epochs=epochs, unfreeze=unfreeze, blocks=blocks) for e in range(epochs)
    ]
    assert counts[0] == 0
    assert counts == sorted(counts)
    assert counts[-1] == blocks
    assert all(counts[e] == blocks for e in range(epochs) if e >= max(unfreeze * epochs, 1) + 0.5)


def test_blocks_thaw_from_the_head_down():
    network = Network(Architecture(backbone="medclf/spotnet", channels=1, size=64, classes=2))
    blocks = parameter_blocks(network)
    unfreeze_blocks(network, 2)
    learning = {name for name, value in network.named_parameters() if value.requires_grad}
    assert learning == {name for block in blocks[-3:] for name in block}
    unfreeze_blocks(network, None)
    assert all(value.requires_grad for value in network.parameters())
