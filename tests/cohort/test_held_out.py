from collections import Counter

from medclf.cohort.held_out import share_held_out


def parts(make_manifest, *cases):
    return share_held_out(make_manifest(*cases).table).column("part").to_pylist()


def test_val_becomes_tune_and_calibrate_and_the_rest_stays(make_manifest) -> None:
    cases = [{"part": "val"} for _ in range(400)] + [{"part": "train"}, {"part": "test"}]
    found = parts(make_manifest, *cases)
    counts = Counter(found[:400])
    assert set(counts) == {"tune", "calibrate"}
    assert min(counts.values()) > 140  # 6 standard deviations below 200
    assert found[400:] == ["train", "test"]


def test_a_patient_a_group_and_copies_stay_together(make_manifest) -> None:
    for shared in ({"patient": "p"}, {"group": "g"}, {"picture": "same"}):
        assert len(set(parts(make_manifest, *[{"part": "val", **shared} for _ in range(20)]))) == 1


def test_whatever_joins_pictures_joins_their_parts(make_manifest) -> None:
    """As in `medclf.cohort.units`: a group stays whole though one picture names no patient."""
    cases: list[dict[str, object]] = []
    for n in range(20):
        cases.append({"part": "val", "patient": f"p{n}", "group": f"g{n}"})
        cases.append({"part": "val", "group": f"g{n}", "sop_instance_uid": f"1.{n}"})
        cases.append({"part": "val", "patient": f"q{n}", "sop_instance_uid": f"1.{n}"})
    found = parts(make_manifest, *cases)
    assert all(len(set(found[n : n + 3])) == 1 for n in range(0, 60, 3))
    assert set(found) == {"tune", "calibrate"}


def test_order_and_company_do_not_matter(make_manifest) -> None:
    cases = [{"part": "val", "path": f"{n}.png"} for n in range(10, 40)]
    alone = dict(zip(range(10, 40), parts(make_manifest, *cases), strict=True))
    some = dict(zip(range(20, 30), parts(make_manifest, *cases[10:20]), strict=True))
    assert some.items() <= alone.items()


def test_without_val_nothing_changes(make_manifest) -> None:
    table = make_manifest({"part": "tune"}, {"part": ""}).table
    assert share_held_out(table) is table
