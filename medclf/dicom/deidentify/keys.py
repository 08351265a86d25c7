"""Everything that is derived from the hospital's secret: pseudonyms, UIDs, shifts of dates.

One secret gives the same answers in every run, so that images of one patient stay together
and references among objects still lead somewhere. Without the secret nobody can list
patient numbers or UIDs and compare. Each use has its own prefix, so that no answer tells
anything about another.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass, field

from pydicom import config
from pydicom.uid import UID

from medclf.dicom.uid import uid_from

# SOP classes and transfer syntaxes newer than the dictionary (PS3.6 annex A): too short and
# regular to hide a number in.
_REGISTERED = re.compile(
    r"1\.2\.840\.10008\.(5\.1\.4\.1\.1(\.\d{1,3}){1,5}|1\.2(\.\d{1,3}){0,3})", re.ASCII
)
_EARLIEST_DAYS, _LATEST_DAYS = 365, 3650


@dataclass(frozen=True, slots=True)
class Keys:
    """Answers that only the holder of a secret can give.

    Attributes:
        secret: at least 32 bytes, kept by the hospital.
    """

    secret: bytes = field(repr=False)

    def _digest(self, use: str, text: str) -> bytes:
        return hmac.new(
            self.secret, f"{use}\0{text}".encode("utf-8", "surrogateescape"), hashlib.sha256
        ).digest()

    def patient(self, patient_id: str, issuer: str = "") -> str:
        """Return the pseudonym of a patient: 32 hex digits.

        It is the one of `medclf.dicom.instance.patient_key`, so that a manifest made from the
        originals and the de-identified objects name the same patient.
        """
        text = f"{issuer}\0{patient_id}".encode("utf-8", "surrogateescape")
        return hmac.new(self.secret, text, hashlib.sha256).hexdigest()[:32]

    def stranger(self, seed: str) -> str:
        """Return the pseudonym of somebody without a number, told apart by `seed`."""
        return self._digest("stranger", seed).hex()[:32]

    def uid(self, old: str) -> str:
        """Return the new UID for an old one; registered UIDs of DICOM stay what they are."""
        return old if is_registered(old) else uid_from(self._digest("uid", old).hex())

    def identifier(self, old: str) -> str:
        """Return the replacement of the identifier of a thing, such as a slide: 16 hex digits."""
        return self._digest("identifier", old).hex()[:16]

    def name(self, text: str) -> str:
        """Return what stands for a file's name in lists that leave the hospital."""
        return self._digest("file", text).hex()[:16]

    def shift_days(self, pseudonym: str) -> int:
        """Return by how many whole days a patient's dates move: one to ten years back."""
        number = int.from_bytes(self._digest("shift", pseudonym)[:8], "big")
        return -(_EARLIEST_DAYS + number % (_LATEST_DAYS - _EARLIEST_DAYS + 1))

    def fingerprint(self) -> str:
        """Return what tells two secrets apart and says nothing about either."""
        return self._digest("fingerprint", "").hex()[:16]


def is_registered(uid: str) -> bool:
    """Tell whether a UID is one that DICOM itself assigns (PS3.6 annex A)."""
    named = UID(uid, validation_mode=config.IGNORE).name != uid  # the name is from the dictionary
    return named or _REGISTERED.fullmatch(uid) is not None
