"""Of five hundred planted secrets none is found after de-identification, wherever one looks."""

from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from zlib import crc32

import numpy as np
import pyarrow.parquet as pq
import pydicom
import pytest
from canaries import (
    CHARSETS,
    INSIDE,
    NESTED,
    TOP,
    Planter,
    Secret,
    found_below,
    found_in,
    in_charset,
    plant_lies,
    plant_meta,
    plant_nested,
    plant_odd,
    plant_top,
    put,
    written,
)
from PIL import Image
from pydicom.encaps import encapsulate

from medclf import api
from medclf.dicom.create import Facts, Subject, create_image, dataset_bytes, uid_from
from medclf.dicom.instance import Kind, open_instance
from medclf.images import deidentify
from medclf.registry.lineage import Lineage

COUNT = 500
EVERYTHING = {
    "retain_device": True,
    "modify_dates": True,
    "clean_descriptors": True,
    "retain_patient": True,
    "accept_pixel_text": True,
}
# Real objects of other makers, small ones, in all the encodings that they come in.
REAL = (
    "highdicom/data/test_files/ct_image.dcm",
    "highdicom/data/test_files/dx_image.dcm",
    "highdicom/data/test_files/sm_image.dcm",
    "highdicom/data/test_files/seg_image_ct_binary.dcm",
    "pydicom-data/data_store/data/emri_small_jpeg_ls_lossless.dcm",
    "pydicom-data/data_store/data/US1_J2KI.dcm",
    "pydicom-data/data_store/data/SC_rgb.dcm",
    "pynetdicom/pynetdicom/tests/dicom_files/MRImageStorage_ExplicitVRBigEndian.dcm",
    "pylibjpeg-data/ljdata/ds/JPEGBaseline/JPEGBaseline_1s_1f_u_08_08.dcm",
)


def picture(seed: int, kind: Kind = Kind.XRAY) -> pydicom.Dataset:
    """A made-up object of its own patient, study and series."""
    shape = (200, 200) if kind is Kind.XRAY else (40, 40, 3)
    array = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    facts = Facts(
        kind=kind,
        study_uid=uid_from(f"study {seed}"),
        series_uid=uid_from(f"series {seed}"),
        sop_instance_uid=uid_from(f"image {seed}"),
        taken_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        manufacturer="Philips",
        device="Machine 7",
        view="PA" if kind is Kind.XRAY else "",
    )
    who = Subject(patient_id=f"P-{seed}", sex="F", birth_date=date(1950, 1, 2), age_years=76)
    made = create_image(array, subject=who, facts=facts)
    return pydicom.dcmread(BytesIO(dataset_bytes(made)))


def jpeg_with_words(planter: Planter) -> bytes:
    """A compressed object whose picture carries a comment and Exif."""
    dataset = picture(99, Kind.PATHOLOGY)
    exif = Image.Exif()
    exif[0x010E] = planter.word("Zj")
    stream = BytesIO()
    Image.fromarray(dataset.pixel_array).save(stream, "JPEG", comment=planter.word("Zj"), exif=exif)
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.50"
    dataset.PixelData = encapsulate([stream.getvalue() + planter.word("Zj").encode()])
    dataset["PixelData"].is_undefined_length = True
    return written(dataset)


def plant(folder: Path, bases: list[Path]) -> Planter:
    """Fill a folder with objects that hold exactly 500 secrets."""
    planter = Planter()
    kinds = list(Kind)

    def base(number: int) -> pydicom.Dataset:
        if number < len(bases):
            return pydicom.dcmread(bases[number])
        return picture(number, kinds[number % 3])

    files: list[bytes] = []
    for number, path in enumerate(NESTED):
        dataset = base(number)
        plant_nested(planter, dataset, path, INSIDE)
        if number == 0:
            plant_odd(planter, dataset)
        if number == 1:
            plant_meta(planter, dataset)
        files.append(written(dataset))
    for number in (0, 12):
        dataset = base(number)
        put(dataset, 0x00080018, "UI", uid_from(f"lies {number}"))
        if dataset.original_encoding == (False, True):
            plant_lies(planter, dataset)
        files.append(written(dataset))
    for number, name in enumerate(CHARSETS):
        files.append(in_charset(planter, name, lambda number=number: picture(50 + number)))
    files.append(jpeg_with_words(planter))
    hidden = picture(98)
    hidden.PixelData += planter.word("Zx").encode() + b" "
    unknown = planter.word("ZQ").upper().encode().ljust(10)  # pydicom warns of such a charset
    planter.secrets[-1] = Secret((unknown.strip(),))
    files.append(written(hidden).replace(b"ISO_IR 192", unknown))
    torn = picture(97)
    plant_top(planter, torn, ["PatientName", "PatientID"])
    files.append(written(torn)[:-100])
    names = [f"{planter.word('Zw')}/{planter.word('Zw')}.dcm" for _ in range(3)]
    number = 20
    while len(planter.secrets) < COUNT:
        dataset = base(number - 20)
        left = COUNT - len(planter.secrets)
        plant_top(planter, dataset, (TOP if number % 2 else TOP[::-1])[:left])
        if "SOPInstanceUID" in dataset:
            files.append(written(dataset))
        number += 1
    for number, data in enumerate(files):
        place = folder / (names[number] if number < len(names) else f"{number}.dcm")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    return planter


def known_home(folder: Path) -> Path:
    """Make a home whose pseudonyms and UIDs are the same in every run.

    Drawn anew each time, the digits of a UID would now and then hold a planted date by chance.
    """
    home = folder / "home"
    home.mkdir()
    (home / "pseudonym.key").write_bytes(bytes(range(32)))
    return home


@pytest.fixture(scope="module", params=["made", "real"])
def planted(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    bases = []
    if request.param == "real":
        shared = request.getfixturevalue("shared_data")
        bases = [shared / "dicom" / name for name in REAL]
    planter = plant(folder / "source", bases)
    assert len(planter.secrets) == COUNT
    data = b"".join(path.read_bytes() for path in sorted((folder / "source").rglob("*.dcm")))
    names = "".join(str(path) for path in (folder / "source").rglob("*")).encode()
    assert len(found_in(data + names, planter.secrets)) == COUNT  # they are really there
    return folder, planter.secrets


@pytest.mark.parametrize(
    "options",
    [{}, EVERYTHING | {"retain_device": False}, EVERYTHING],
    ids=["basic", "all but the device", "all"],
)
def test_of_500_secrets_none_is_left_anywhere(
    planted, options, tmp_path, caplog, capfd, recwarn
) -> None:
    source, secrets = planted[0] / "source", planted[1]
    if options.get("retain_device"):
        secrets = [secret for secret in secrets if not secret.device]
        assert len(secrets) > COUNT - 60
    out, home = tmp_path / "out", known_home(tmp_path)
    caplog.set_level("DEBUG")
    done = deidentify(
        [source], out, table=tmp_path / "kept.csv", home=home, actor="tester", **options
    )
    files = len(list(source.rglob("*.dcm")))
    assert done.written + len(done.refused) == files
    if options:
        assert [item.reason.value for item in done.refused] == ["truncated"]
    assert not found_below(out, secrets)
    assert not found_below(home, secrets)
    assert not found_in(caplog.text.encode(), secrets)
    assert not found_in("".join(str(item.message) for item in recwarn.list).encode(), secrets)
    shown = capfd.readouterr()
    assert not found_in((shown.out + shown.err + repr(done.refused)).encode(), secrets)
    for path in out.rglob("*.dcm"):
        told = str(pydicom.dcmread(path)).encode()  # inflated and decoded as well
        assert not found_in(told, secrets)


@pytest.mark.slow
def test_manifest_and_lineage_of_the_output_hold_no_secret(planted, tmp_path) -> None:
    source, secrets = planted[0] / "source", planted[1]
    out, home = tmp_path / "out", known_home(tmp_path)
    deidentify(
        [source],
        out,
        table=tmp_path / "kept.csv",
        home=home,
        actor="tester",
        modify_dates=True,
        clean_descriptors=True,
        accept_pixel_text=True,
    )
    images = [path for path in out.rglob("*.dcm") if open_instance(path).kind is Kind.XRAY]
    pixels = [pydicom.dcmread(path).PixelData for path in images]  # one picture, one label
    lines = [
        f"{path.relative_to(tmp_path)},{'ab'[crc32(data) % 2]}"
        for path, data in zip(images, pixels, strict=True)
    ]
    (tmp_path / "labels.csv").write_text("path,label\n" + "\n".join(lines) + "\n")
    study = api.init(
        "xray",
        tmp_path / "labels.csv",
        out=tmp_path / "study" / "study.yaml",
        backbone="medclf/spotnet",
        weights="random",
        positive="b",
    )
    done = api.ingest(study, home=home, actor="tester")
    assert len(done.manifest) >= 2
    Lineage.in_folder(home / "lineage", clock=lambda: datetime.now(UTC)).log_training(
        "chest",
        package_digest="sha256:" + "0" * 64,
        parameters={"cases": len(done.manifest)},
        metrics={"auc": [0.5]},
        data_digests={"manifest": done.manifest.digest},
        tags={},
        artifacts={
            path.name: path.read_bytes() for path in done.folder.iterdir() if path.is_file()
        },
    )
    assert (home / "lineage").is_dir()
    assert not found_below(home, secrets)
    assert not found_below(tmp_path / "study", secrets)
    for path in done.folder.rglob("*.parquet"):
        assert not found_in(repr(pq.read_table(path).to_pylist()).encode(), secrets)
