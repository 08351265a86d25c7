"""The way round through pydicom names its plugin and gives the same values."""

import numpy as np
import pytest
import simplejpeg
from pydicom import uid

from medclf.errors import PixelsRefused
from medclf.pixels.by_pydicom import by_pydicom
from medclf.pixels.decode import decode
from medclf.pixels.header import read_header
from medclf.reasons import Reason

SMOOTH = (np.add.outer(np.arange(64), np.arange(80)) * 20).astype(np.uint16)  # 0..2840


def test_plugin_is_named_and_agrees_with_the_faster_decoder(make_instance):
    grey = (SMOOTH >> 4).astype(np.uint8)
    frame = simplejpeg.encode_jpeg(grey[:, :, None].copy(), colorspace="GRAY", quality=95)
    instance = make_instance(grey, frame=frame, syntax=uid.JPEGBaseline8Bit)
    header = read_header(instance.dataset, transfer_syntax=uid.JPEGBaseline8Bit)
    stored = by_pydicom(instance.dataset, header, frame=0)
    assert stored.decoder.startswith("pydicom ")
    assert stored.decoder.split()[-1] in {"pillow", "gdcm"}
    assert np.abs(stored.patterns.astype(int) - decode(instance).array).max() <= 1


def test_syntax_that_nobody_decodes_is_named(make_instance):
    instance = make_instance(SMOOTH, frame=b"\x00\x01" * 100, syntax=uid.MPEG2MPML)
    header = read_header(instance.dataset, transfer_syntax=uid.MPEG2MPML)
    with pytest.raises(PixelsRefused) as caught:
        by_pydicom(instance.dataset, header, frame=0)
    assert caught.value.reason is Reason.TRANSFER_SYNTAX_UNSUPPORTED


def test_damage_that_a_fast_decoder_finds_is_not_healed(make_instance):
    noise = np.random.default_rng(2).integers(0, 256, (64, 80), dtype=np.uint8)
    whole = simplejpeg.encode_jpeg(noise[:, :, None].copy(), colorspace="GRAY")
    frame = whole[: len(whole) // 2] + b"\xff\xd9"
    instance = make_instance(noise, frame=frame, syntax=uid.JPEGBaseline8Bit)
    header = read_header(instance.dataset, transfer_syntax=uid.JPEGBaseline8Bit)
    assert by_pydicom(instance.dataset, header, frame=0).patterns.shape == noise.shape  # lenient
    with pytest.raises(PixelsRefused):
        decode(instance)
