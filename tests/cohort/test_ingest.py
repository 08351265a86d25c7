import csv
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from medclf.cohort.examine import table_pseudonym
from medclf.cohort.ingest import IngestConfig, Source, ingest
from medclf.cohort.journal import Journal
from medclf.cohort.layout import Layout
from medclf.cohort.manifest import Manifest
from medclf.cohort.split import SplitConfig, split_cohort
from medclf.dicom.admission import AdmissionRules
from medclf.dicom.instance import Instance, Kind, open_instance, patient_key
from medclf.digest import digest_file
from medclf.errors import LabelsRefused, PixelsRefused
from medclf.reasons import Reason

XRAY = IngestConfig(kind=Kind.XRAY)


def no_objection(instance: Instance) -> tuple[Reason, ...]:
    return ()


@pytest.fixture
def run(tmp_path: Path, secret: bytes) -> Callable[..., Manifest]:
    """Ingest `tmp_path / labels.csv`, written from the text given."""

    def run(table: str | None, config: IngestConfig = XRAY, *, folder=None, check=no_objection):
        path = None
        if table is not None:
            path = tmp_path / "labels.csv"
            path.write_text(table)
        source = Source(table=path, folder=folder)
        return ingest(source, config, secret=secret, check=check)

    return run


def reasons(manifest: Manifest) -> dict[str, Reason]:
    return {refusal.path: refusal.reason for refusal in manifest.refused}


def test_a_table_of_pictures_becomes_a_manifest(
    tmp_path: Path, run: Callable[..., Manifest], write_png: Callable[..., Path], secret: bytes
) -> None:
    write_png(tmp_path / "sub dir" / "a b.png", 1)
    write_png(tmp_path / "c.png", 2)
    manifest = run("path,label,patient_id,age,note\nsub dir/a b.png,x,P1,40,n\nc.png,y,P1,,n\n")
    first, second = manifest.cases()
    assert (first.path, first.label, first.line) == ("c.png", "y", 3)
    assert second.digest == digest_file(tmp_path / "sub dir" / "a b.png")
    assert (second.age_years, second.rows, second.columns) == (40.0, 64, 64)
    assert (second.kind, second.format) == ("xray", "png")
    assert first.patient == second.patient == table_pseudonym("P1", secret=secret)
    assert "P1" not in first.patient
    assert manifest.facts["ignored_columns"] == ["note"]
    assert manifest.refused == ()


def test_a_study_takes_the_objects_that_its_rules_admit(
    tmp_path: Path, run: Callable[..., Manifest], write_dicom: Callable[..., Path]
) -> None:
    capture = "1.2.840.10008.5.1.4.1.1.7"
    write_dicom(tmp_path / "a.dcm", 1, SOPClassUID=capture)
    write_dicom(tmp_path / "b.dcm", 2, BodyPartExamined="HAND")
    table = "path,label\na.dcm,x\nb.dcm,y\n"
    assert reasons(run(table)) == {
        "a.dcm": Reason.SECONDARY_CAPTURE,
        "b.dcm": Reason.KIND_WRONG,
    }
    rules = AdmissionRules(region="any", secondary_capture=True)
    manifest = run(table, XRAY.model_copy(update={"admission": rules}))
    assert (len(manifest), manifest.refused) == (2, ())


def test_one_bad_file_of_each_sort_is_refused_and_the_rest_stays(
    tmp_path: Path,
    run: Callable[..., Manifest],
    write_png: Callable[..., Path],
    write_dicom: Callable[..., Path],
) -> None:
    write_png(tmp_path / "good.png")
    write_dicom(tmp_path / "good.dcm", 1)
    write_dicom(tmp_path / "ct.dcm", 2, SOPClassUID="1.2.840.10008.5.1.4.1.1.2", Modality="CT")
    write_dicom(tmp_path / "lateral.dcm", 3, ViewPosition="LL")
    write_dicom(tmp_path / "frames.dcm", 4, NumberOfFrames=2, PixelData=bytes(4800))
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.png").write_text("not a picture")
    write_png(tmp_path / "changed.png", 5)
    write_png(tmp_path / "blank.png", 6)
    write_png(tmp_path / "torn.png", 7)
    write_png(tmp_path / "unlabelled.png", 8)
    names = "good.png good.dcm ct.dcm lateral.dcm frames.dcm empty.png text.png blank.png torn.png"
    table = "path,label,sha256\n" + "".join(f"{name},x,\n" for name in names.split())
    table += f"gone.png,x,\nchanged.png,x,{'0' * 64}\nunlabelled.png,,\n"
    blank, torn = (digest_file(tmp_path / name) for name in ("blank.png", "torn.png"))

    def check(instance: Instance) -> tuple[Reason, ...]:
        if instance.digest == torn:
            raise PixelsRefused(Reason.PIXELS_UNDECODABLE, "The decoder stopped.")
        return (Reason.BLANK,) if instance.digest == blank else ()

    manifest = run(table, check=check)
    assert manifest.column("path") == ["good.dcm", "good.png"]
    assert reasons(manifest) == {
        "blank.png": Reason.BLANK,
        "changed.png": Reason.FILE_CHANGED,
        "ct.dcm": Reason.KIND_WRONG,
        "empty.png": Reason.FILE_EMPTY,
        "frames.dcm": Reason.MULTI_FRAME,
        "gone.png": Reason.FILE_MISSING,
        "lateral.dcm": Reason.VIEW_UNSUPPORTED,
        "text.png": Reason.FORMAT_UNKNOWN,
        "torn.png": Reason.PIXELS_UNDECODABLE,
        "unlabelled.png": Reason.LABEL_MISSING,
    }
    manifest.save(tmp_path / "out")
    with (tmp_path / "out" / "refused.csv").open(newline="") as stream:
        listed = list(csv.DictReader(stream))
    assert list(listed[0]) == ["path", "reason", "message"]
    assert len(listed) == 10
    assert all(row["message"] for row in listed)


def test_the_header_of_a_dicom_file_fills_what_the_table_leaves_open(
    tmp_path: Path, run: Callable[..., Manifest], write_dicom: Callable[..., Path], secret: bytes
) -> None:
    facts = {"ViewPosition": "PA", "PatientSex": "F", "PatientAge": "050Y", "StationName": "R1"}
    path = write_dicom(tmp_path / "a.dcm", 1, **facts)
    write_dicom(tmp_path / "b.dcm", 2, **facts)
    manifest = run("path,label,patient_id,sex,site\na.dcm,x,,,\nb.dcm,y,patient-1,M,S\n")
    a, b = manifest.cases()
    assert (a.view, a.sex, a.age_years, a.site) == ("PA", "F", 50.0, "R1")
    assert (b.sex, b.site) == ("M", "S")
    assert a.patient == b.patient == patient_key(open_instance(path), secret=secret)
    assert a.sop_instance_uid


def test_contradicting_copies_are_left_out_and_agreeing_ones_kept_together(
    tmp_path: Path, run: Callable[..., Manifest], write_png: Callable[..., Path]
) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2), ("d", 2), ("e", 3)):
        write_png(tmp_path / f"{name}.png", seed)
    table = "path,label\na.png,x\nb.png,y\nc.png,x\nd.png,x\ne.png,y\n"
    manifest = run(table)
    assert manifest.column("path") == ["c.png", "d.png", "e.png"]
    assert reasons(manifest) == {"a.png": Reason.LABEL_CONFLICT, "b.png": Reason.LABEL_CONFLICT}
    with pytest.raises(LabelsRefused, match=r"lines 2, 3 \(x / y\)"):
        run(table, IngestConfig(kind=Kind.XRAY, conflicts="refuse"))


def test_one_picture_under_two_instance_uids_is_found(
    tmp_path: Path, run: Callable[..., Manifest], write_dicom: Callable[..., Path]
) -> None:
    write_dicom(tmp_path / "a.dcm", 1)
    write_dicom(tmp_path / "b.dcm", 1, PatientID="another")
    manifest = run("path,label\na.dcm,x\nb.dcm,y\n")
    assert set(reasons(manifest).values()) == {Reason.LABEL_CONFLICT}


def test_a_folder_with_labels_by_instance_uid(
    tmp_path: Path, run: Callable[..., Manifest], write_dicom: Callable[..., Path]
) -> None:
    folder = tmp_path / "films"
    a = open_instance(write_dicom(folder / "1" / "a.dcm", 1)).sop_instance_uid
    b = open_instance(write_dicom(folder / "2" / "b.dcm", 2, ViewPosition="LL")).sop_instance_uid
    write_dicom(folder / "c.dcm", 3)
    table = f"sop_instance_uid,label\n{a},x\n{b},y\n1.2.3,y\n"
    manifest = run(table, folder=folder)
    assert [(case.path, case.label) for case in manifest.cases()] == [("1/a.dcm", "x")]
    assert reasons(manifest) == {
        "2/b.dcm": Reason.VIEW_UNSUPPORTED,
        "c.dcm": Reason.LABEL_MISSING,
        "1.2.3": Reason.FILE_MISSING,
    }


def test_a_folder_without_a_table_is_an_unlabelled_cohort(
    tmp_path: Path, run: Callable[..., Manifest], write_dicom: Callable[..., Path]
) -> None:
    write_dicom(tmp_path / "a.dcm", 1)
    (tmp_path / "notes.txt").write_text("not an image")
    manifest = run(None, folder=tmp_path)
    assert manifest.column("label") == [""]
    assert reasons(manifest) == {"notes.txt": Reason.FORMAT_UNKNOWN}


def test_nothing_to_look_at_is_refused(run: Callable[..., Manifest]) -> None:
    with pytest.raises(LabelsRefused, match="Neither"):
        run(None)


def test_when_all_is_refused_the_reasons_remain(run: Callable[..., Manifest]) -> None:
    manifest = run("path,label\ngone.png,x\n")
    assert len(manifest) == 0
    assert reasons(manifest) == {"gone.png": Reason.FILE_MISSING}


def test_progress_counts_up_and_an_interrupt_leaves_at_once(
    tmp_path: Path, secret: bytes, write_png: Callable[..., Path]
) -> None:
    for number in range(30):
        write_png(tmp_path / f"{number}.png", number)
    seen = []

    def progress(done: int, total: int) -> None:
        seen.append((done, total))
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ingest(Source(folder=tmp_path), XRAY, secret=secret, check=no_objection, progress=progress)
    assert seen == [(number, 30) for number in range(1, 6)]


def test_the_order_of_the_table_does_not_change_the_parts(
    tmp_path: Path, run: Callable[..., Manifest], write_png: Callable[..., Path]
) -> None:
    rows = [f"{number}.png,{'xy'[number % 2]}\n" for number in range(40)]
    for number in range(40):
        write_png(tmp_path / f"{number}.png", number)
    found = []
    for table in (rows, rows[::-1]):
        manifest = run("path,label\n" + "".join(table))
        split = split_cohort(manifest, SplitConfig(seed=0))
        found.append(dict(zip(manifest.column("path"), split.parts, strict=True)))
    assert found[0] == found[1]


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the code catches it."""


def test_a_killed_ingest_goes_on_to_the_same_manifest(
    tmp_path: Path, secret: bytes, write_png: Callable[..., Path]
) -> None:
    files = tmp_path / "files"
    for number in range(60):
        write_png(files / f"{number:02d}.png", number % 50)  # ten pairs of copies
    (files / "58.png").write_text("not a picture")
    rows = "".join(f"{number:02d}.png,{'xy'[number % 2]}\n" for number in range(60))
    (files / "labels.csv").write_text("path,label\n" + rows + "gone.png,x\n")
    looked: list[str] = []

    def run(stop: int = -1, **changed: object) -> Manifest:
        def progress(done: int, total: int) -> None:
            if done == stop:
                raise KeyboardInterrupt

        def check(instance: Instance) -> tuple[Reason, ...]:
            looked.append(instance.digest)
            return ()

        return ingest(
            Source(table=files / "labels.csv"),
            XRAY.model_copy(update=changed),
            secret=secret,
            check=check,
            progress=progress,
            journal=Journal(tmp_path / "journal"),
        )

    whole = ingest(Source(table=files / "labels.csv"), XRAY, secret=secret, check=no_objection)
    for stop in (7, 7 + 20, 59):
        with pytest.raises(KeyboardInterrupt):
            run(stop)
    seen = len(looked)
    resumed = run()
    assert len(looked) - seen <= 2
    assert resumed.digest == whole.digest
    assert resumed.refused == whole.refused
    assert run(threads=1).digest == whole.digest
    looked.clear()
    run(conflicts="exclude", label_column="label", labels=("x", "y"))
    assert len(looked) == 59  # another configuration: all are looked at anew


def test_an_error_beside_keeps_whole_segments_only(
    tmp_path: Path, secret: bytes, write_png: Callable[..., Path]
) -> None:
    write_png(tmp_path / "files" / "a.png")

    def progress(done: int, total: int) -> None:
        raise Killed

    with pytest.raises(Killed):
        ingest(
            Source(folder=tmp_path / "files"),
            XRAY,
            secret=secret,
            check=no_objection,
            progress=progress,
            journal=Journal(tmp_path / "journal"),
        )
    assert not (tmp_path / "journal").exists()


def test_class_folders_become_a_cohort_with_parts(
    tmp_path: Path, secret: bytes, write_png: Callable[..., Path]
) -> None:
    for number in range(24):
        part, label = ("train", "val", "test")[number % 3], ("well", "ill")[number // 3 % 2]
        write_png(tmp_path / part / label / f"{number}.png", number)
    write_png(tmp_path / "loose.png", 99)
    config = IngestConfig(kind=Kind.XRAY, layout=Layout(format="folders"))
    manifest = ingest(Source(folder=tmp_path), config, secret=secret, check=no_objection)
    assert Counter(manifest.column("label")) == {"well": 12, "ill": 12}
    counts = Counter(manifest.column("part"))
    assert counts["train"] == counts["test"] == counts["tune"] + counts["calibrate"] == 8
    assert reasons(manifest) == {"loose.png": Reason.LABEL_MISSING}
    assert manifest.facts["source"] == "folders"
    with pytest.raises(LabelsRefused, match="no folder is named"):
        ingest(Source(table=tmp_path / "x.csv"), config, secret=secret, check=no_objection)


def test_findings_are_carried_as_the_table_tells_them(
    tmp_path: Path, run: Callable[..., Manifest], write_png: Callable[..., Path]
) -> None:
    for number in range(3):
        write_png(tmp_path / f"{number}.png", number)
    layout = Layout(format="findings", findings=("edema", "mass"), uncertain="absent")
    table = "path,edema,mass,projection\n0.png,1,,\n1.png,-1,0,frontal\n2.png,1,1,lateral\n"
    manifest = run(table, IngestConfig(kind=Kind.XRAY, layout=layout))
    assert [case.findings for case in manifest.cases()] == [(1, -2), (-1, 0)]
    assert manifest.column("label") == ["", ""]
    assert manifest.facts["findings"] == ["edema", "mass"]
    assert manifest.facts["uncertain"] == "absent"
    assert reasons(manifest) == {"2.png": Reason.VIEW_UNSUPPORTED}


def test_copies_with_contradicting_findings_are_left_out_or_refused(
    tmp_path: Path, run: Callable[..., Manifest], write_png: Callable[..., Path]
) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2), ("d", 2)):
        write_png(tmp_path / f"{name}.png", seed)
    layout = Layout(format="findings", findings=("edema", "mass"))
    table = "path,edema,mass\na.png,1,0\nb.png,0,1\nc.png,1,-1\nd.png,1,\n"
    config = IngestConfig(kind=Kind.XRAY, layout=layout)
    manifest = run(table, config)
    assert manifest.column("path") == ["c.png", "d.png"]
    assert reasons(manifest) == {"a.png": Reason.LABEL_CONFLICT, "b.png": Reason.LABEL_CONFLICT}
    with pytest.raises(LabelsRefused, match=r"lines 2, 3 .*present / absent"):
        run(table, config.model_copy(update={"conflicts": "refuse"}))
