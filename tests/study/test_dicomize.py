import csv
import hashlib
import io
import subprocess
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pydicom
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from medclf.dicom.instance import Kind, open_instance, parse_instance
from medclf.errors import LabelsRefused, StudyMisuse
from medclf.pixels.decode import decode
from medclf.pixels.transforms.preprocessing import Preprocessing, geometry
from medclf.pixels.transforms.resample import luminance
from medclf.study.dicomize import dicomize

SHARED = {
    Kind.XRAY: "xray_pneumonia",
    Kind.FUNDUS: "fundus_dr",
    Kind.PATHOLOGY: "pathology_lung",
}


def picture(seed: int = 0, *, size: tuple[int, int] = (90, 120), colour: bool = True) -> np.ndarray:
    """A soft gradient with a few blobs, as JPEG likes it."""
    generator = np.random.default_rng(seed)
    coarse = generator.uniform(0, 255, (6, 8, 3 if colour else 1)).astype(np.float32)
    smooth = cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC)
    return np.clip(smooth, 0, 255).astype(np.uint8)


def encode(array: np.ndarray, kind: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, format=kind)
    return stream.getvalue()


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Six pictures: two of one patient, one of a group, one alone, one torn, one not there."""
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "a.png").write_bytes(encode(picture(1), "PNG"))
    (folder / "b.jpg").write_bytes(encode(picture(2), "JPEG"))
    (folder / "c.jpg").write_bytes(encode(picture(3, colour=False), "JPEG"))
    (folder / "d.png").write_bytes(encode(picture(4, colour=False), "PNG"))
    (folder / "torn.jpg").write_bytes(encode(picture(5), "JPEG")[:400])
    rows = [
        "path,label,patient_id,group_id,site,device,sex,age,view,laterality,remark",
        "a.png,ill,JANE-7,,North,Cam 1,F,61,PA,R,fine",
        "b.jpg,well,JANE-7,,North,Cam 1,F,61,AP,L,fine",
        "c.jpg,well,,tile-9,,,,,,,",
        'd.png,ill,,,,,,,,,"semi; and, comma"',
        "torn.jpg,ill,TOM-3,,,,,,,,",
        "absent.png,ill,TOM-3,,,,,,,,",
    ]
    path = folder / "labels.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize("kind", list(Kind))
def test_pixels_are_exactly_what_the_source_decodes_to(
    table: Path, tmp_path: Path, kind: Kind
) -> None:
    made = rows_of(dicomize(table, tmp_path / "out", kind=kind))
    assert len(made) == 4
    for name, row in zip(("a.png", "b.jpg", "c.jpg", "d.png"), made, strict=True):
        source = decode(open_instance(table.parent / name)).array
        instance = open_instance(tmp_path / "out" / row["path"])
        assert instance.kind is kind
        expected = luminance(source) if kind is Kind.XRAY else source
        assert np.array_equal(decode(instance).array, expected)
        assert instance.dataset is not None
        assert instance.dataset.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"


@pytest.mark.parametrize("kind", list(Kind))
def test_preprocessing_sees_no_difference(table: Path, tmp_path: Path, kind: Kind) -> None:
    made = rows_of(dicomize(table, tmp_path / "out", kind=kind))
    prepare = geometry(
        Preprocessing(kind=kind, size=64, channels=3, mean=(0.5,) * 3, std=(0.5,) * 3)
    )
    for name, row in zip(("a.png", "b.jpg", "c.jpg", "d.png"), made, strict=True):
        from_source = prepare(decode(open_instance(table.parent / name)))
        from_object = prepare(decode(open_instance(tmp_path / "out" / row["path"])))
        assert np.array_equal(from_source, from_object)


@given(st.integers(0, 255))
@settings(max_examples=20, deadline=None)
def test_grey_stored_as_colour_comes_back_as_the_same_grey(level: int) -> None:
    grey = np.full((9, 9), level, np.uint8)
    colour = decode(parse_instance(encode(np.dstack([grey] * 3), "PNG"))).array
    assert np.array_equal(luminance(colour), grey)


def test_new_table_carries_every_column_with_new_path_and_digest(
    table: Path, tmp_path: Path
) -> None:
    made = rows_of(dicomize(table, tmp_path / "out", kind=Kind.XRAY))
    for old, new in zip(rows_of(table), made, strict=False):
        carried = {name: value for name, value in new.items() if name not in ("path", "sha256")}
        assert "patient_id" not in new  # the object carries its pseudonym
        told = {n: v for n, v in old.items() if n not in ("path", "sha256", "patient_id")}
        assert carried == told
        data = (tmp_path / "out" / new["path"]).read_bytes()
        assert new["sha256"] == hashlib.sha256(data).hexdigest()


def test_patients_groups_and_files_become_patients_studies_and_series(
    table: Path, tmp_path: Path
) -> None:
    made = rows_of(dicomize(table, tmp_path / "out", kind=Kind.XRAY))
    a, b, c, d = (pydicom.dcmread(tmp_path / "out" / row["path"]) for row in made)
    assert a.PatientID == b.PatientID
    assert (a.StudyInstanceUID, a.SeriesInstanceUID) == (b.StudyInstanceUID, b.SeriesInstanceUID)
    assert (a.InstanceNumber, b.InstanceNumber) == (1, 2)
    assert len({x.PatientID for x in (a, c, d)}) == 3
    assert len({x.StudyInstanceUID for x in (a, c, d)}) == 3
    assert len({x.SOPInstanceUID for x in (a, b, c, d)}) == 4
    assert (a.PatientSex, a.PatientAge, a.ViewPosition, a.ImageLaterality) == (
        "F",
        "061Y",
        "PA",
        "R",
    )


def test_no_patient_number_or_file_name_is_left_in_the_objects(table: Path, tmp_path: Path) -> None:
    dicomize(table, tmp_path / "out", kind=Kind.FUNDUS)
    for name, data in contents(tmp_path / "out").items():
        if name.endswith(".dcm"):
            assert b"JANE" not in data
            assert b"tile-9" not in data
            assert "JANE" not in name


def test_byte_identical_pictures_of_two_patients_get_two_uids(tmp_path: Path) -> None:
    for name in ("x.png", "y.png"):
        (tmp_path / name).write_bytes(encode(picture(1), "PNG"))
    table = tmp_path / "labels.csv"
    table.write_text("path,label,patient_id\nx.png,ill,1\ny.png,ill,2\n")
    made = rows_of(dicomize(table, tmp_path / "out", kind=Kind.XRAY))
    uids = {open_instance(tmp_path / "out" / row["path"]).sop_instance_uid for row in made}
    assert len(uids) == 2


def test_lossy_source_is_declared(table: Path, tmp_path: Path) -> None:
    made = rows_of(dicomize(table, tmp_path / "out", kind=Kind.PATHOLOGY))
    png, jpeg = (pydicom.dcmread(tmp_path / "out" / row["path"]) for row in made[:2])
    assert png.LossyImageCompression == "00"
    assert jpeg.LossyImageCompression == "01"
    assert jpeg.LossyImageCompressionRatio > 1


def test_bad_pictures_are_listed_and_the_rest_goes_on(table: Path, tmp_path: Path) -> None:
    dicomize(table, tmp_path / "out", kind=Kind.XRAY)
    refused = rows_of(tmp_path / "out" / "refused.csv")
    assert [(row["path"], row["reason"]) for row in refused] == [
        ("torn.jpg", "truncated"),
        ("absent.png", "file_missing"),
    ]


def test_changed_file_and_file_that_is_dicom_already_are_listed(
    table: Path, tmp_path: Path
) -> None:
    made = dicomize(table, tmp_path / "out", kind=Kind.XRAY)
    first = made.parent / rows_of(made)[0]["path"]
    (table.parent / "e.dcm").write_bytes(first.read_bytes())
    again = table.parent / "again.csv"
    digest = "0" * 64
    again.write_text(f"path,label,sha256\na.png,ill,{digest}\ne.dcm,ill,\nd.png,ill,\n")
    dicomize(again, tmp_path / "out2", kind=Kind.XRAY)
    refused = rows_of(tmp_path / "out2" / "refused.csv")
    assert [row["reason"] for row in refused] == ["file_changed", "kind_wrong"]


def test_sixteen_bit_grey_is_kept_for_xrays_and_sixteen_bit_colour_listed(tmp_path: Path) -> None:
    deep = np.random.default_rng(0).integers(0, 65536, (20, 30, 3)).astype(np.uint16)
    (tmp_path / "grey.png").write_bytes(cv2.imencode(".png", deep[:, :, 0])[1].tobytes())
    (tmp_path / "colour.png").write_bytes(cv2.imencode(".png", deep)[1].tobytes())
    (tmp_path / "plain.png").write_bytes(encode(picture(1), "PNG"))
    table = tmp_path / "labels.csv"
    table.write_text("path,label\ngrey.png,ill\ncolour.png,ill\nplain.png,ill\n")
    made = rows_of(dicomize(table, tmp_path / "x", kind=Kind.XRAY))
    back = decode(open_instance(tmp_path / "x" / made[0]["path"])).array
    assert np.array_equal(back, deep[:, :, 0])
    dicomize(table, tmp_path / "f", kind=Kind.FUNDUS)
    refused = rows_of(tmp_path / "f" / "refused.csv")
    assert [row["path"] for row in refused] == ["grey.png", "colour.png"]


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("resolution", [(200, 100), (100, 130), (300, 299)])
def test_oblong_pixels_stay_oblong(tmp_path: Path, kind: Kind, resolution: tuple[int, int]) -> None:
    grey = picture(1, colour=False)[..., 0] if kind is Kind.XRAY else picture(1)
    tifffile.imwrite(tmp_path / "a.tif", grey, resolution=resolution, resolutionunit="inch")
    table = tmp_path / "labels.csv"
    table.write_text("path,label\na.tif,ill\n")
    (row,) = rows_of(dicomize(table, tmp_path / "out", kind=kind))
    source = decode(open_instance(tmp_path / "a.tif"))
    back = decode(open_instance(tmp_path / "out" / row["path"]))
    assert back.aspect == pytest.approx(source.aspect, rel=1e-6)
    prepare = geometry(
        Preprocessing(kind=kind, size=64, channels=3, mean=(0.5,) * 3, std=(0.5,) * 3)
    )
    assert np.array_equal(prepare(back), prepare(source))


def test_running_twice_gives_the_same_bytes_here_and_elsewhere(table: Path, tmp_path: Path) -> None:
    dicomize(table, tmp_path / "one", kind=Kind.PATHOLOGY)
    first = contents(tmp_path / "one")
    dicomize(table, tmp_path / "one", kind=Kind.PATHOLOGY)
    dicomize(table, tmp_path / "two", kind=Kind.PATHOLOGY)
    assert contents(tmp_path / "one") == first
    assert contents(tmp_path / "two") == first


def test_interrupted_run_is_taken_up(table: Path, tmp_path: Path) -> None:
    def interrupt(stage: str, done: int, total: int, note: str) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dicomize(table, tmp_path / "out", kind=Kind.XRAY, progress=interrupt)
    assert not (tmp_path / "out" / "labels.csv").exists()
    assert len(rows_of(dicomize(table, tmp_path / "out", kind=Kind.XRAY))) == 4


def test_limit_takes_the_first_pictures_and_may_be_raised_later(
    table: Path, tmp_path: Path
) -> None:
    told: list[tuple[int, int]] = []
    made = dicomize(
        table,
        tmp_path / "out",
        kind=Kind.XRAY,
        limit=2,
        progress=lambda stage, done, total, note: told.append((done, total)),
    )
    assert [row["remark"] for row in rows_of(made)] == ["fine", "fine"]
    assert told == [(1, 2), (2, 2)]
    assert len(rows_of(dicomize(table, tmp_path / "out", kind=Kind.XRAY))) == 4


def test_folder_with_other_content_is_refused_and_untouched(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("years of work")
    with pytest.raises(StudyMisuse):
        dicomize(table, out, kind=Kind.XRAY)
    assert contents(out) == {"thesis.txt": b"years of work"}


def test_objects_of_another_table_are_not_mixed_in(table: Path, tmp_path: Path) -> None:
    dicomize(table, tmp_path / "out", kind=Kind.XRAY)
    other = table.parent / "other.csv"
    other.write_text("path,label\na.png,ill\n")
    with pytest.raises(StudyMisuse):
        dicomize(other, tmp_path / "out", kind=Kind.XRAY)


@pytest.mark.parametrize(
    "text",
    ["path,patient_id\na.png,1\n", "label,patient_id\nill,1\n", "", "path,label\n"],
    ids=["no label", "no path", "empty", "no rows"],
)
def test_table_without_what_it_needs_is_refused(table: Path, tmp_path: Path, text: str) -> None:
    table.write_text(text)
    with pytest.raises(LabelsRefused):
        dicomize(table, tmp_path / "out", kind=Kind.XRAY)
    assert not (tmp_path / "out").exists()


def test_table_that_names_files_by_uid_only_is_refused(table: Path, tmp_path: Path) -> None:
    table.write_text("sop_instance_uid,label\n1.2.3,ill\n")
    with pytest.raises(LabelsRefused, match="path"):
        dicomize(table, tmp_path / "out", kind=Kind.XRAY)


def test_nothing_readable_is_an_error_and_leaves_no_table(table: Path, tmp_path: Path) -> None:
    table.write_text("path,label\nabsent.png,ill\n")
    with pytest.raises(LabelsRefused, match="file_missing"):
        dicomize(table, tmp_path / "out", kind=Kind.XRAY)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("kind", "limit"), [("ct", None), (Kind.XRAY, 0)])
def test_unknown_kind_and_empty_limit_are_misuse(
    table: Path, tmp_path: Path, kind: Kind, limit: int | None
) -> None:
    with pytest.raises(StudyMisuse):
        dicomize(table, tmp_path / "out", kind=kind, limit=limit)


@pytest.mark.peer
@pytest.mark.parametrize("kind", list(Kind))
def test_dciodvfy_finds_no_error_in_made_up_pictures(
    table: Path, tmp_path: Path, kind: Kind, program: Callable[[str], str]
) -> None:
    made = dicomize(table, tmp_path / "out", kind=kind)
    require_valid(made, program("dciodvfy"))


@pytest.mark.shared
@pytest.mark.parametrize("kind", list(Kind))
def test_real_pictures_come_through_exactly(tmp_path: Path, kind: Kind, shared_data: Path) -> None:
    source = shared_data / SHARED[kind] / "labels.csv"
    made = rows_of(dicomize(source, tmp_path / "out", kind=kind, limit=6))
    prepare = geometry(
        Preprocessing(kind=kind, size=224, channels=3, mean=(0.5,) * 3, std=(0.5,) * 3)
    )
    assert len(made) == 6
    for old, new in zip(rows_of(source), made, strict=False):
        before = decode(open_instance(source.parent / old["path"]))
        after = decode(open_instance(tmp_path / "out" / new["path"]))
        assert np.array_equal(prepare(before), prepare(after))
        if kind is not Kind.XRAY:
            assert np.array_equal(before.array, after.array)


@pytest.mark.shared
@pytest.mark.peer
@pytest.mark.parametrize("kind", list(Kind))
def test_dciodvfy_finds_no_error_in_real_pictures(
    tmp_path: Path, kind: Kind, shared_data: Path, program: Callable[[str], str]
) -> None:
    verify = program("dciodvfy")
    source = shared_data / SHARED[kind] / "labels.csv"
    require_valid(dicomize(source, tmp_path / "out", kind=kind, limit=3), verify)


def require_valid(table: Path, verify: str) -> None:
    for row in rows_of(table):
        path = str(table.parent / row["path"])
        told = subprocess.run([verify, "-new", path], capture_output=True, text=True)
        assert "Error" not in told.stdout + told.stderr
