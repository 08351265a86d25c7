"""Which texts are a modality, so that nothing else that stands in its place is ever repeated.

Modality (0008,0060) is a code by the standard and free text in practice: a damaged or hand-made
header may hold a name there.
"""

import re

UNKNOWN_MODALITY = "UNKNOWN"
"""Stands for a text that is none; it agrees with no SOP class, as the text would not."""

# PS3.3 section C.7.3.1.1.1, defined terms; then the retired ones, which old archives hold, and
# SC, which is none but common.
_MODALITIES = frozenset(
    re.findall(
        r"\w+",
        "ANN AR ASMT AU BDUS BI BMD CFM CR CT CTPROTOCOL DG DMS DOC DX ECG EEG EMG EOG EPS ES FID "
        "GM HC HD IO IOL IVOCT IVUS KER KO LEN LS M3D MG MR NM OAM OCT OP OPM OPT OPTBSV OPTENF "
        "OPV OSS OT PA PLAN POS PR PT PX REG RESP RF RG RTDOSE RTIMAGE RTINTENT RTPLAN RTRAD "
        "RTRECORD RTSEGANN RTSTRUCT RWV SEG SM SMR SR SRF STAIN TEXTUREMAP TG US VA XA XAPROTOCOL "
        "XC AS CD CF CP CS DD DF DM DS EC FA FS LP MA MS OPR ST VF SC",
    )
)


def modality_of(text: str) -> str:
    """Return a modality in upper case, "" for nothing, and `UNKNOWN` for what is none.

    >>> modality_of("dx"), modality_of(""), modality_of("JONES")
    ('DX', '', 'UNKNOWN')
    """
    told = text.upper()
    return told if not told or told in _MODALITIES else UNKNOWN_MODALITY
