"""Row 2 exists because fundus photographs and slides come as large colour JPEGs.

A 2000 × 2000 baseline JPEG, 4:2:0, quality 92, inside a DICOM object, from the parsed data
set to RGB. libjpeg-turbo is under both; pydicom converts the colours in numpy.
"""

from pathlib import Path

import numpy as np
import simplejpeg
from pydicom import uid
from pydicom.pixels import pixel_array

from medclf.dicom.instance import parse_instance
from medclf.pixels.decode import decode
from validation.benchmarks.pictures import as_dicom, colour
from validation.benchmarks.row import AtLeast, Race, Row, Trials, require

# Fixed-point YBR to RGB here, float with its own rounding there.
_TOLERANCE = 2


def trials(folder: Path, tiny: bool) -> Trials:
    array = colour(200 if tiny else 2000)
    frame = simplejpeg.encode_jpeg(array, quality=92, colorsubsampling="420")
    data = as_dicom(array, frame=frame, syntax=uid.JPEGBaseline8Bit, photometric="YBR_FULL_422")
    instance = parse_instance(data)

    def parity() -> None:
        ours = decode(instance).array.astype(int)
        peer = pixel_array(instance.dataset).astype(int)
        require(ours.shape == array.shape, "ours is not RGB")
        off = int(np.abs(ours - peer).max())
        require(off <= _TOLERANCE, f"the pictures differ by {off} of 255")

    yield Race(
        "DICOM, 4:2:0", parity, lambda: decode(instance), lambda: pixel_array(instance.dataset)
    )


ROW = Row(
    number=2,
    title="decode 2000 × 2000 colour JPEG",
    peer="pydicom with Pillow",
    bars={"DICOM, 4:2:0": AtLeast(9)},
    trials=trials,
)
