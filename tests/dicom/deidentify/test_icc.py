"""A colour profile loses its words and still turns colours as before."""

from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

from medclf.dicom.deidentify.icc import without_words

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
LAB = ImageCms.createProfile("LAB")


def test_words_go_and_colours_stay():
    assert "sRGB".encode("utf-16-be") in PROFILE
    told = without_words(PROFILE)
    assert told is not None
    assert len(told) == len(PROFILE)
    for word in ("sRGB", "No copyright", "built-in"):
        assert word.encode() not in told
        assert word.encode("utf-16-be") not in told
    array = np.random.default_rng(1).integers(0, 256, (8, 8, 3), np.uint8)
    before, after = (
        ImageCms.profileToProfile(
            Image.fromarray(array), ImageCms.ImageCmsProfile(BytesIO(data)), LAB, outputMode="LAB"
        )
        for data in (PROFILE, told)
    )
    assert np.array_equal(np.asarray(before), np.asarray(after))


def test_the_day_it_was_made_goes():
    told = without_words(PROFILE)
    assert told is not None
    assert told[24:36] == bytes(12)


def test_what_is_no_profile_is_dropped():
    assert without_words(b"Smith".ljust(200)) is None
    assert without_words(b"") is None
    assert without_words(PROFILE[:140]) is None
