"""From a path to a picture, through the same checked door as everything else in medclf."""

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

from monai.config.type_definitions import KeysCollection
from monai.transforms.transform import MapTransform, Transform

from medclf.dicom.instance import Instance, Limits, open_instance, parse_instance
from medclf.pixels.decode import decode
from medclf.pixels.picture import Picture

_DEFAULT_LIMITS = Limits()


class LoadInstance(Transform):
    """A DICOM, PNG, JPEG or TIFF file to a `Picture`: checked, decoded, as a person would see it.

    MONAI's own `LoadImaged` neither scans the file first nor applies the windows, the polarity
    and the palettes of DICOM.
    """

    def __init__(self, *, limits: Limits = _DEFAULT_LIMITS) -> None:
        self.limits = limits

    def __call__(self, data: Path | str | bytes | Instance) -> Picture:
        """Open and decode one image.

        Args:
            data: where the file is, its bytes, or an instance that is open already.

        Raises:
            InstanceRefused: the file is not an image that medclf accepts.
            PixelsRefused: its pixels cannot be decoded.
        """
        if isinstance(data, bytes):
            data = parse_instance(data, limits=self.limits)
        if not isinstance(data, Instance):
            data = open_instance(data, limits=self.limits)
        return decode(data)


class LoadInstanced(MapTransform):
    """`LoadInstance` for each key.

    Inside `Compose`, MONAI wraps an error in `RuntimeError`; the refusal with its reason is its
    `__cause__`. Leave MONAI's `log_stats` off: it writes paths, which may name a patient.
    """

    def __init__(
        self,
        keys: KeysCollection,
        *,
        limits: Limits = _DEFAULT_LIMITS,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.load = LoadInstance(limits=limits)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Replace each key's path, bytes or `Instance` by its `Picture`."""
        result = dict(data)
        for key in self.key_iterator(result):
            result[key] = self.load(result[key])
        return result
