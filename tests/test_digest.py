import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medclf.digest import canonical_json, digest_array, digest_bytes, digest_file, digest_json


def test_digest_names_its_algorithm_and_equals_the_published_value():
    # FIPS 180-2, appendix B.1
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert digest_bytes(b"abc") == f"sha256:{expected}"


@given(st.binary(max_size=3_000_000))
def test_a_file_has_the_digest_of_its_bytes(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("digest") / "file"
    path.write_bytes(data)
    assert digest_file(path) == digest_bytes(data)


def test_arrays_differ_by_shape_and_type_but_not_by_layout():
    array = np.arange(6, dtype=np.int32).reshape(2, 3)
    assert digest_array(array) == digest_array(np.asfortranarray(array))
    assert digest_array(array) == digest_array(array.astype(">i4"))
    assert digest_array(array) != digest_array(array.reshape(3, 2))
    assert digest_array(array) != digest_array(array.astype(np.int64))


@given(st.dictionaries(st.text(max_size=5), st.integers(-1000, 1000), max_size=6))
def test_the_order_of_keys_does_not_change_the_digest(values):
    backwards = dict(reversed(list(values.items())))
    assert canonical_json(values) == canonical_json(backwards)
    assert digest_json(values) == digest_json(backwards)


def test_a_number_that_json_cannot_hold_is_refused():
    with pytest.raises(ValueError, match=r"."):
        canonical_json(float("nan"))
