"""Windows, tables and rescale by the letter of PS3.3."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from medclf.errors import PixelsRefused
from medclf.pixels.window import LookupTable, Window, read_lookup, read_modality, read_window


@given(
    centre=st.floats(-1e4, 1e4),
    width=st.floats(1, 1e4),
    function=st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]),
)
def test_windows_rise_from_black_to_white(centre, width, function):
    shown = Window(centre, width, function).apply(np.linspace(-3e4, 3e4, 999))
    assert (np.diff(shown) >= 0).all()
    assert shown[0] < 0.02
    assert shown[-1] > 0.98


def test_examples_of_the_standard():
    """PS3.3 C.11.2.1.2.1: centre 2048, width 4096 is the identity; width 1 is a step."""
    values = np.arange(4096.0)
    assert np.allclose(Window(2048, 4096).apply(values), values / 4095)
    assert Window(0, 1).apply(np.array([-1.0, -0.5, 0.0])).tolist() == [0, 0, 1]
    assert np.allclose(Window(50, 100, "LINEAR_EXACT").apply(np.array([0.0, 50, 100])), [0, 0.5, 1])


def test_values_outside_a_table_take_its_ends():
    table = LookupTable(10, np.array([3.0, 5.0, 9.0]), 255)
    assert table.apply(np.array([-4, 10, 11, 12, 900])).tolist() == [3, 3, 5, 9, 9]


@pytest.mark.parametrize(("bits", "data"), [(8, bytes([1, 2, 3, 4])), (16, b"\1\0\2\0\3\0\4\0")])
def test_table_data_of_bytes_or_words(bits, data):
    item = Dataset()
    item.LUTDescriptor, item.LUTData = [4, 0, bits], data
    item["LUTData"].VR = "OW"
    dataset = Dataset()
    dataset.VOILUTSequence = Sequence([item])
    table = read_lookup(dataset, "VOILUTSequence")
    assert table is not None
    assert table.entries.tolist() == [1, 2, 3, 4]


def test_numbers_that_are_not_finite_are_refused():
    dataset = Dataset()
    dataset.RescaleSlope, dataset.RescaleIntercept = "1e308", "1"
    assert read_modality(dataset).apply(np.array([1.0]))[0] > 1e307
    dataset.WindowCenter, dataset.WindowWidth = "1e999", "5"
    with pytest.raises(PixelsRefused):
        read_window(dataset)


def test_unknown_window_function_is_refused():
    dataset = Dataset()
    dataset.WindowCenter, dataset.WindowWidth, dataset.VOILUTFunction = "5", "5", "CUBIC"
    with pytest.raises(PixelsRefused):
        read_window(dataset)
