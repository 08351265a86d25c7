"""One frame among many is found by every kind of table, and by none."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, encapsulate_extended, generate_frames

from medclf.errors import PixelsRefused
from medclf.pixels.frames import index_frames
from medclf.reasons import Reason


def _object(data: bytes, **elements: object) -> Dataset:
    dataset = Dataset()
    dataset.PixelData = data
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


def _frames(dataset: Dataset, count: int) -> list[bytes]:
    index = index_frames(dataset, frames=count)
    return [bytes(index.frame(number)) for number in range(count)]


def _made(count: int, size: int = 40) -> list[bytes]:
    return [bytes([number + 1]) * (size + 2 * number) + b"\xff\xd9" for number in range(count)]


@given(
    count=st.integers(1, 5),
    fragments=st.integers(1, 3),
    table=st.booleans(),
    size=st.integers(20, 60).map(lambda half: 2 * half),
)
def test_frames_are_the_ones_that_pydicom_finds(count, fragments, table, size):
    made = _made(count, size)
    data = encapsulate(made, fragments_per_frame=fragments, has_bot=table)
    found = _frames(_object(data), count)
    assert found == list(generate_frames(data, number_of_frames=count)) == made


def test_extended_table_tells_the_exact_length():
    made = [frame + b"\0" for frame in _made(3)]  # odd, hence padded in the file
    data, offsets, _ = encapsulate_extended(made)  # pydicom counts the padding in
    lengths = struct.pack("<3Q", *map(len, made))
    dataset = _object(data, ExtendedOffsetTable=offsets, ExtendedOffsetTableLengths=lengths)
    assert _frames(dataset, 3) == made


def test_frame_in_one_fragment_is_a_view():
    dataset = _object(encapsulate(_made(2)))
    assert index_frames(dataset, frames=2).frame(1).obj is dataset.PixelData


def test_single_frame_takes_all_fragments_whatever_they_end_with():
    data = encapsulate([b"\x01\x02" * 30], fragments_per_frame=3, has_bot=False)
    assert _frames(_object(data), 1) == [b"\x01\x02" * 30]


@pytest.mark.parametrize("table", [True, False])
@pytest.mark.parametrize("said", [1, 3])
def test_another_number_of_frames_than_the_header_says_is_refused(table, said):
    if not table and said == 1:
        return  # nothing tells two frames from two fragments of one
    data = encapsulate(_made(2), has_bot=table)
    with pytest.raises(PixelsRefused) as caught:
        index_frames(_object(data), frames=said)
    assert caught.value.reason in {Reason.MALFORMED, Reason.TRUNCATED}


def test_table_that_points_beside_the_fragments_is_refused():
    data = bytearray(encapsulate(_made(2)))
    data[12:16] = struct.pack("<L", 7)
    with pytest.raises(PixelsRefused) as caught:
        index_frames(_object(bytes(data)), frames=2)
    assert caught.value.reason is Reason.MALFORMED
    made, offsets, lengths = encapsulate_extended(_made(2))
    lengths = struct.pack("<QQ", 40, 1 << 40)
    dataset = _object(made, ExtendedOffsetTable=offsets, ExtendedOffsetTableLengths=lengths)
    with pytest.raises(PixelsRefused) as caught:
        index_frames(dataset, frames=2)
    assert caught.value.reason is Reason.MALFORMED
