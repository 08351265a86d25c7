from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medclf.cohort.case import Case, Refusal
from medclf.cohort.manifest import Manifest
from medclf.digest import digest_file
from medclf.errors import InstanceRefused, LabelsRefused, ManifestTampered
from medclf.reasons import Reason

FILES = ("manifest.parquet", "manifest.rows", "manifest.json", "refused.csv")
REFUSED = (
    Refusal("b, c.png", Reason.BLANK, 'says "blank"\nin two lines'),
    Refusal("a.png", Reason.FILE_MISSING, "gone"),
)


def make(base: Path = Path("/data"), *, order: int = 1) -> Manifest:
    cases = [
        Case(path="x.png", digest="sha256:1", picture="sha256:1", label="a", patient="p", line=2),
        Case(path="y.png", digest="sha256:2", picture="sha256:2", label="b", age_years=40.5),
    ]
    return Manifest.from_cases(cases[::order], base=base, refused=REFUSED, facts={"kind": "xray"})


def test_a_saved_manifest_comes_back_the_same(tmp_path: Path) -> None:
    manifest = make()
    manifest.save(tmp_path)
    loaded = Manifest.load(tmp_path)
    assert list(loaded.cases()) == list(manifest.cases())
    assert loaded.refused == tuple(sorted(REFUSED, key=lambda refusal: refusal.path))
    assert (loaded.base, loaded.facts, loaded.digest) == (
        Path("/data"),
        {"kind": "xray"},
        manifest.digest,
    )


def test_saving_twice_writes_the_same_bytes_wherever_the_images_lie(tmp_path: Path) -> None:
    make().save(tmp_path / "one")
    make(Path("/elsewhere"), order=-1).save(tmp_path / "two")
    for name in FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_the_base_can_be_moved(tmp_path: Path) -> None:
    make().save(tmp_path)
    assert Manifest.load(tmp_path, base=Path("/new")).path_of(1) == Path("/new/y.png")


@pytest.mark.parametrize("name", FILES)
def test_one_changed_byte_is_refused_and_the_file_named(tmp_path: Path, name: str) -> None:
    make().save(tmp_path)
    data = bytearray((tmp_path / name).read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ManifestTampered, match=name):
        Manifest.load(tmp_path)


def test_another_manifest_than_the_recorded_one_is_refused(tmp_path: Path) -> None:
    make().save(tmp_path)
    assert Manifest.load(tmp_path, expected=make().digest)
    with pytest.raises(ManifestTampered, match="another manifest"):
        Manifest.load(tmp_path, expected="sha256:0")


def test_a_missing_manifest_says_to_ingest(tmp_path: Path) -> None:
    with pytest.raises(LabelsRefused, match="medclf ingest"):
        Manifest.load(tmp_path)


def test_every_fact_enters_the_digest() -> None:
    cases = list(make().cases())
    digests = {
        Manifest.from_cases(cases, base=Path(), refused=refused, facts=facts).digest
        for refused in ((), REFUSED)
        for facts in ({}, {"kind": "fundus"})
    }
    assert len(digests) == 4


def test_labels_become_places_in_the_label_space(make_manifest: Callable[..., Manifest]) -> None:
    manifest = make_manifest({"label": "b"}, {"label": "a"}, {"label": "b"})
    assert manifest.labels == ("a", "b")
    assert np.array_equal(manifest.label_indices(("b", "a")), [0, 1, 0])
    with pytest.raises(LabelsRefused, match="outside the label space: 'b'"):
        manifest.label_indices(("a",))


def test_opening_a_row_makes_sure_of_its_bytes(
    tmp_path: Path, write_png: Callable[..., Path]
) -> None:
    path = write_png(tmp_path / "a.png", 1)
    digest = digest_file(path)
    case = Case(path="a.png", digest=digest, picture=digest, label="x")
    manifest = Manifest.from_cases([case], base=tmp_path)
    assert manifest.open(0).digest == digest
    write_png(path, 2)
    with pytest.raises(ManifestTampered, match="row 1 of the manifest has changed") as caught:
        manifest.open(0)
    assert "a.png" not in str(caught.value)
    path.unlink()
    with pytest.raises(InstanceRefused):
        manifest.open(0)


text = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)


@given(st.lists(st.tuples(text, text), unique_by=lambda pair: pair[0], max_size=6), st.randoms())
def test_order_never_matters_and_every_text_survives(pairs, random) -> None:
    cases = [Case(path=p, digest=f"d{p}", picture=p, label=label) for p, label in pairs]
    first = Manifest.from_cases(cases, base=Path("/x"))
    random.shuffle(cases)
    second = Manifest.from_cases(cases, base=Path("/x"))
    assert first.digest == second.digest
    assert {case.path: case.label for case in second.cases()} == dict(pairs)


def test_findings_are_counted_and_survive_on_disk(tmp_path: Path) -> None:
    said = [(1, -2), (0, -1), (1, 1)]
    cases = [
        Case(path=f"{n}", digest="d", picture="p", label="", findings=findings)
        for n, findings in enumerate(said)
    ]
    facts = {"findings": ["edema", "mass"], "uncertain": "ignore"}
    Manifest.from_cases(cases, base=tmp_path, facts=facts).save(tmp_path)
    loaded = Manifest.load(tmp_path)
    assert loaded.findings == ("edema", "mass")
    assert [case.findings for case in loaded.cases()] == said
    assert loaded.finding_counts() == {"edema": {1: 2, 0: 1}, "mass": {-2: 1, -1: 1, 1: 1}}
    assert loaded.label_counts() == {"": 3}
