from types import SimpleNamespace

import grpc
import pytest

from medclf.errors import DecodingUnavailable
from medclf.service._pb.v1 import opinion_pb2 as pb


def test_without_a_process_to_decode_in_the_caller_may_try_again(
    serving, reader, stub_of, trail, png
):
    broken = []

    def read(instance):
        if broken:
            raise DecodingUnavailable("No process to decode in can be started (OSError).")
        return reader.read(instance)

    requests = [
        pb.RequestOpinionRequest(header=pb.UploadHeader()),
        pb.RequestOpinionRequest(chunk=png),
    ]
    with serving(model=SimpleNamespace(model=reader.model, read=read)) as address:
        broken.append(True)
        with pytest.raises(grpc.RpcError) as caught:
            stub_of(address).RequestOpinion(iter(requests), timeout=10)
    told = dict(caught.value.trailing_metadata())
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert told["medclf-reason"] == "decoding_unavailable"
    assert "opinion.given" not in [event.action for event in trail.events()]
