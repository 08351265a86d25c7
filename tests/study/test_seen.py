from medclf.cohort.case import Case
from medclf.cohort.manifest import Manifest
from medclf.digest import canonical_json
from medclf.registry.package import write_package
from medclf.study.seen import seen_in_training


def packed(folder):
    data = {
        "pictures": {"train": ["p1"], "tune": ["p2"], "calibrate": [], "test": ["p3"]},
        "patients": {"train": ["ann"], "tune": [], "calibrate": ["bob"], "test": ["cid"]},
    }
    return write_package(folder, {"data.json": canonical_json(data)})


def manifest(folder):
    cases = [
        Case(path=f"{i}.png", digest=f"d{i}", picture=picture, label="x", patient=patient)
        for i, (picture, patient) in enumerate(
            [("p1", "eve"), ("p9", "ann"), ("p3", "cid"), ("p8", "bob"), ("p7", "")]
        )
    ]
    return Manifest.from_cases(cases, base=folder)


def test_a_picture_that_was_learned_from_is_left_out(tmp_path):
    seen = seen_in_training(packed(tmp_path), manifest(tmp_path), leave_out_patients=False)
    assert seen.rows == {0}
    assert seen.excluded == {"picture_seen_in_training": 1}
    assert (seen.pictures, seen.patients) == (1, 2)


def test_patients_are_left_out_when_the_protocol_says_so(tmp_path):
    seen = seen_in_training(packed(tmp_path), manifest(tmp_path), leave_out_patients=True)
    assert seen.rows == {0, 1, 3}
    assert seen.excluded == {"picture_seen_in_training": 1, "patient_seen_in_training": 2}
