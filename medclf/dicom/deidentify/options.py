"""What a de-identification may keep: the options of PS3.15 Annex E that medclf offers."""

from collections.abc import Iterator

from medclf.config import Config

EDITION = "2026d"
"""Edition of PS3.15 that `profile.tsv` holds."""

# PS3.16 CID 7050: option (as the columns of `profile.tsv` name it) -> code, meaning.
BASIC = ("113100", "Basic Application Confidentiality Profile")
METHODS = {
    "descriptors": ("113105", "Clean Descriptors Option"),
    "dates": ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
    "patient": ("113108", "Retain Patient Characteristics Option"),
    "device": ("113109", "Retain Device Identity Option"),
}


class Deidentification(Config):
    """Which options of the profile hold beside the Basic Profile; none by default.

    Attributes:
        retain_device: keep what names the device: station, serial numbers, maker and model.
        modify_dates: keep dates, shifted by a secret number of whole days for each patient,
            and times of day; otherwise both are removed, emptied or replaced.
        clean_descriptors: keep those words of descriptions that are known to be harmless.
        retain_patient: keep sex, age (above 89 as 90), size and weight.
        accept_pixel_text: take objects whose pixels are likely to show text, which medclf
            does not remove: burned-in annotation declared, secondary captures, ultrasound,
            screen and film captures.
    """

    retain_device: bool = False
    modify_dates: bool = False
    clean_descriptors: bool = False
    retain_patient: bool = False
    accept_pixel_text: bool = False

    def chosen(self) -> Iterator[str]:
        """Give the chosen options by their names in `METHODS`, the one that decides first."""
        # An attribute under several options keeps the least: dates are shifted though the
        # device is retained, and descriptions cleaned though characteristics are.
        if self.modify_dates:
            yield "dates"
        if self.clean_descriptors:
            yield "descriptors"
        if self.retain_device:
            yield "device"
        if self.retain_patient:
            yield "patient"

    def methods(self) -> tuple[tuple[str, str], ...]:
        """Return code and meaning of everything applied (PS3.16 CID 7050)."""
        return (BASIC, *sorted(METHODS[name] for name in self.chosen()))
