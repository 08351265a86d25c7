"""From received bytes to a checked opinion: the part of a call that runs in a worker thread."""

import math

from medclf.dicom.instance import Limits, parse_instance
from medclf.digest import digest_bytes
from medclf.errors import InstanceRefused, PixelsRefused
from medclf.opinion import Opinion, Status
from medclf.service.failure import Failure, failed
from medclf.service.reader import ModelFacts, Reader


def read_upload(
    pieces: list[bytes], *, promised: str | None, reader: Reader, limits: Limits
) -> Opinion:
    """Join, check and read one file.

    Args:
        pieces: the file's bytes in order; emptied, so that the file lies in memory once.
        promised: the digest that the client told, if any.
        reader: the model.
        limits: what is refused for its size.

    Raises:
        UploadRefused: the bytes have another digest than the promised one.
        ServerUnavailable: the reader returned an opinion that cannot be right.
    """
    data = b"".join(pieces)
    pieces.clear()
    model = reader.model
    try:
        instance = parse_instance(data, limits=limits)
    except InstanceRefused as error:
        digest = digest_bytes(data)
        _keep_promise(digest, promised)
        return _rejected(error, digest, model)
    _keep_promise(instance.digest, promised)
    try:
        opinion = reader.read(instance)
    except (InstanceRefused, PixelsRefused) as error:
        return _rejected(error, instance.digest, model)
    _check(opinion, instance.digest, model)
    return opinion


def _keep_promise(digest: str, promised: str | None) -> None:
    if promised is not None and digest != promised:
        raise failed(
            Failure.FILE_CHANGED,
            f"The bytes received have {digest}; the header tells {promised}.",
            found=digest,
            expected=promised,
        )


def _rejected(error: InstanceRefused | PixelsRefused, digest: str, model: ModelFacts) -> Opinion:
    return Opinion(
        status=Status.REJECTED,
        package=model.package,
        instance=digest,
        reasons=(error.reason,),
        released=model.released,
    )


def _check(opinion: Opinion, digest: str, model: ModelFacts) -> None:
    """Refuse an opinion of another image, of another package, or without a usable number."""
    numbers = [number for f in opinion.findings for number in (f.probability, f.threshold)]
    faults = {
        "it is of other bytes": opinion.instance != digest,
        "it is of another package": opinion.package != model.package,
        "a number is not in [0, 1]": not all(
            math.isfinite(number) and 0.0 <= number <= 1.0 for number in numbers
        ),
        "status and findings contradict": (opinion.status is Status.OK) != bool(opinion.findings),
        "status and reasons contradict": (opinion.status is Status.OK) == bool(opinion.reasons),
    }
    found = [fault for fault, present in faults.items() if present]
    if found:
        raise failed(
            Failure.INTERNAL, f"The model's opinion was withheld: {'; '.join(found)}.", faults=found
        )
