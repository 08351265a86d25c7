"""The way round: pydicom's own decoders, for what the faster ones do not know.

Never for what a faster one has found damaged: some of the decoders behind pydicom fill gaps
with grey and report success, and GDCM ends the whole process on some damaged headers.
"""

from typing import Any

import pydicom
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.pixels.decoders.base import Decoder, get_decoder

from medclf.errors import PixelsRefused
from medclf.pixels.header import PixelHeader
from medclf.pixels.stored import Stored, as_stored
from medclf.reasons import Reason

_LAST = "gdcm"  # of pydicom's plugins, in the order of their names: it holds the GIL
# Unused bits stay: pydicom would clear the highest, wherever High Bit lies.
_OPTIONS: dict[str, Any] = {"correct_unused_bits": False}


def by_pydicom(dataset: Dataset, header: PixelHeader, *, frame: int) -> Stored:
    """Decode one frame with the first of pydicom's plugins that can; GDCM is the last.

    Raises:
        PixelsRefused: TRANSFER_SYNTAX_UNSUPPORTED.
        RuntimeError: none of the plugins can; `decode` wraps it, as it does whatever else they
            throw.
    """
    decoder = _decoder(header)
    plugins = sorted(decoder.available_plugins, key=lambda name: (name == _LAST, name))
    failure = RuntimeError(f"no plugin of pydicom for transfer syntax {header.transfer_syntax}")
    for plugin in plugins or [""]:  # native transfer syntaxes have none and need none
        try:
            array, facts = decoder.as_array(
                dataset, index=frame, decoding_plugin=plugin, **_OPTIONS
            )
        except RuntimeError as error:
            failure = error
            continue
        return as_stored(
            array.astype(array.dtype.newbyteorder("<"), copy=False),
            header,
            decoder=f"pydicom {pydicom.__version__} {plugin}".rstrip(),
            photometric=str(facts["photometric_interpretation"]),
        )
    raise failure


def no_codestream(header: PixelHeader) -> PixelsRefused:
    """Return the refusal of a compressed frame that begins as none of the known ones does.

    Raises:
        PixelsRefused: TRANSFER_SYNTAX_UNSUPPORTED where that is the reason.
    """
    _decoder(header)
    return PixelsRefused(
        Reason.PIXELS_UNDECODABLE,
        "The compressed frame has no header of a JPEG, JPEG-LS or JPEG 2000 codestream.",
    )


def _decoder(header: PixelHeader) -> Decoder:
    try:
        return get_decoder(uid.UID(header.transfer_syntax))
    except NotImplementedError as error:
        raise PixelsRefused(
            Reason.TRANSFER_SYNTAX_UNSUPPORTED,
            f"There is no decoder for transfer syntax {header.transfer_syntax}.",
            transfer_syntax=header.transfer_syntax,
        ) from error
