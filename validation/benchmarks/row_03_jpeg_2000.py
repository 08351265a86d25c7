"""Row 3 exists because JPEG 2000 is the slowest way in which films arrive.

Films of 3000 × 2500, 12 in 16 bits, lossless, from the parsed object to the picture. One after
the other against two at a time, each by one thread, as the service decodes them: the decoder lets
the GIL go. Then the same films as squares of 512 from the cache of prepared pictures, against
decoding and preparing them again.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom import uid

from medclf.cohort.case import Case
from medclf.cohort.dataset import PreparedImages
from medclf.cohort.manifest import Manifest
from medclf.dicom.instance import Instance, Kind, parse_instance
from medclf.pixels.decode import decode
from medclf.pixels.transforms.preprocessing import Preprocessing, geometry
from validation.benchmarks.pictures import as_dicom, film
from validation.benchmarks.row import AtLeast, Race, Row, Trials, require

_CONFIG = Preprocessing(kind=Kind.XRAY, size=512)


def trials(folder: Path, tiny: bool) -> Trials:
    rows, columns, films = (300, 250, 2) if tiny else (3000, 2500, 4)
    cases, instances = [], []
    for number in range(films):
        array = film(rows, columns, seed=number)
        frame = imagecodecs.jpeg2k_encode(array, level=0, codecformat="j2k", reversible=True)
        data = as_dicom(array, frame=frame, syntax=uid.JPEG2000Lossless)
        (folder / f"{number}.dcm").write_bytes(data)
        instances.append(parse_instance(data))
        digest = instances[-1].digest
        cases.append(Case(path=f"{number}.dcm", digest=digest, picture=digest, label=""))
    manifest = Manifest.from_cases(cases, base=folder)

    with ThreadPoolExecutor(2) as pool:

        def two_at_a_time() -> list[NDArray[np.uint16]]:
            return list(pool.map(_pixels, instances))

        def serially() -> list[NDArray[np.uint16]]:
            return [_pixels(instance) for instance in instances]

        def same() -> None:
            pairs = zip(two_at_a_time(), serially(), strict=True)
            require(all(np.array_equal(a, b) for a, b in pairs), "threads change a picture")

        yield Race("two threads", same, two_at_a_time, serially, rounds=3)

    see = geometry(_CONFIG)
    images = PreparedImages.build(manifest, _CONFIG, folder / "cache")

    def from_cache() -> list[NDArray[np.uint8]]:
        return [np.array(images[row]) for row in range(films)]

    def again() -> list[NDArray[np.uint8]]:
        return [see(decode(instance)) for instance in instances]

    def exact() -> None:
        pairs = zip(from_cache(), again(), strict=True)
        require(all(np.array_equal(a, b) for a, b in pairs), "the cache holds another picture")

    yield Race("from cache", exact, from_cache, again, rounds=3)


def _pixels(instance: Instance) -> NDArray[np.uint16]:
    return decode(instance).array


ROW = Row(
    number=3,
    title="decode 3000 × 2500 JPEG 2000 lossless",
    peer="medclf itself: one after the other; without the cache",
    bars={"two threads": AtLeast(1.7), "from cache": AtLeast(10)},
    trials=trials,
    threads=2,
)
