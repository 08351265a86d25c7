import pytest
from hypothesis import given
from hypothesis import strategies as st

from medclf.errors import UploadRefused
from medclf.service._pb.v1 import opinion_pb2 as pb
from medclf.service.upload import Upload


@given(st.lists(st.binary(max_size=50) | st.just(bytes(70_000)), max_size=12))
def test_however_a_file_is_cut_the_same_bytes_come_out(chunks):
    upload = Upload(limit_bytes=1 << 20)
    upload.take(pb.RequestOpinionRequest(header=pb.UploadHeader()))
    for chunk in chunks:
        upload.take(pb.RequestOpinionRequest(chunk=chunk))
    assert b"".join(upload.finish()) == b"".join(chunks)
    assert upload.size_bytes == len(b"".join(chunks))


def test_tiny_chunks_are_gathered_into_few_pieces():
    upload = Upload(limit_bytes=1 << 20)
    upload.take(pb.RequestOpinionRequest(header=pb.UploadHeader()))
    for _ in range(70_000):
        upload.take(pb.RequestOpinionRequest(chunk=b"x"))
    assert len(upload.finish()) == 2


@pytest.mark.parametrize("text", ["AB" * 32, "sha256:" + "ab" * 32])
def test_a_digest_is_understood_with_and_without_its_algorithm(text):
    upload = Upload(limit_bytes=10)
    upload.take(pb.RequestOpinionRequest(header=pb.UploadHeader(sha256=text)))
    assert upload.digest == "sha256:" + "ab" * 32


def test_without_a_digest_nothing_is_promised():
    assert Upload(limit_bytes=10).digest is None


def test_the_byte_after_the_limit_is_refused():
    upload = Upload(limit_bytes=3)
    upload.take(pb.RequestOpinionRequest(header=pb.UploadHeader()))
    upload.take(pb.RequestOpinionRequest(chunk=b"abc"))
    with pytest.raises(UploadRefused, match="4 bytes or more; at most 3"):
        upload.take(pb.RequestOpinionRequest(chunk=b"d"))
