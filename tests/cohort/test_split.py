from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medclf.cohort.case import Case
from medclf.cohort.copies import Copies, Pair, Sameness
from medclf.cohort.leakage import check
from medclf.cohort.manifest import Manifest
from medclf.cohort.split import Split, split_cohort
from medclf.cohort.split_config import SplitConfig
from medclf.errors import LabelsRefused, ManifestTampered

CONFIG = SplitConfig(seed=0)


@st.composite
def cohorts(draw) -> list[Case]:
    """Many singletons of two labels, and drawn cases that share patients, groups, pictures."""
    cases = [
        Case(path=f"s{n}.png", digest=f"s{n}", picture=f"s{n}", label="ab"[n % 2], line=n)
        for n in range(80)
    ]
    shared = st.sampled_from(["", "1", "2", "3", "4", "5"])
    for number in range(draw(st.integers(0, 25))):
        picture = draw(shared) or f"d{number}"
        cases.append(
            Case(
                path=f"d{number}.png",
                digest=picture,
                picture=picture,
                label=draw(st.sampled_from("ab")),
                patient=draw(shared),
                group=draw(shared),
            )
        )
    return cases


def parts_by_path(cases: list[Case], config: SplitConfig = CONFIG) -> dict[str, str]:
    manifest = Manifest.from_cases(cases, base=Path())
    split = split_cohort(manifest, config)
    return dict(zip(manifest.column("path"), split.parts, strict=True))


@settings(max_examples=40, deadline=None)
@given(cohorts())
def test_no_patient_group_or_picture_crosses_and_every_row_has_one_part(cases) -> None:
    parts = parts_by_path(cases)
    assert set(parts.values()) == {"train", "tune", "calibrate", "test"}
    assert len(parts) == len(cases)
    for name in ("patient", "group", "picture"):
        seen = defaultdict(set)
        for case in cases:
            if value := getattr(case, name):
                seen[value].add(parts[case.path])
        assert all(len(found) == 1 for found in seen.values())


@settings(max_examples=25, deadline=None)
@given(cohorts(), st.randoms(), st.integers(0, 2**32 - 1))
def test_the_same_seed_gives_every_file_the_same_part_in_any_order(cases, random, seed) -> None:
    config = SplitConfig(seed=seed)
    first = parts_by_path(cases, config)
    random.shuffle(cases)
    assert parts_by_path(cases, config) == first


def test_another_seed_gives_another_split() -> None:
    cases = [Case(path=str(n), digest=str(n), picture=str(n), label="ab"[n % 2]) for n in range(80)]
    assert parts_by_path(cases) != parts_by_path(cases, SplitConfig(seed=1))


def test_labels_are_balanced_over_the_parts(make_manifest: Callable[..., Manifest]) -> None:
    rows = [{"label": "b" if n % 4 == 0 else "a", "patient": f"p{n // 3}"} for n in range(1000)]
    counts = split_cohort(make_manifest(*rows), CONFIG).facts["counts"]
    wanted = {"train": 600, "tune": 100, "calibrate": 100, "test": 200}
    for part, size in wanted.items():
        assert abs(counts[part]["a"] - size * 0.75) <= 3
        assert abs(counts[part]["b"] - size * 0.25) <= 3


def test_a_saved_split_comes_back_the_same(
    tmp_path: Path, make_manifest: Callable[..., Manifest]
) -> None:
    manifest = make_manifest(*({"label": "ab"[n % 2]} for n in range(60)))
    split = split_cohort(manifest, CONFIG)
    split.save(tmp_path)
    loaded = Split.load(tmp_path, manifest=manifest)
    assert loaded.parts == split.parts
    assert loaded.digest == split.digest
    assert loaded.facts == split.facts
    assert sum(len(loaded.rows(part)) for part in CONFIG.fractions) == 60
    assert np.array_equal(loaded.units, split.units)


@pytest.mark.parametrize("name", ["split.parquet", "split.rows", "split.json"])
def test_one_changed_byte_in_a_split_is_refused(
    tmp_path: Path, make_manifest: Callable[..., Manifest], name: str
) -> None:
    manifest = make_manifest(*({"label": "ab"[n % 2]} for n in range(60)))
    split_cohort(manifest, CONFIG).save(tmp_path)
    data = bytearray((tmp_path / name).read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ManifestTampered, match=name):
        Split.load(tmp_path, manifest=manifest)


def test_a_split_of_another_manifest_is_refused(
    tmp_path: Path, make_manifest: Callable[..., Manifest]
) -> None:
    rows = [{"label": "ab"[n % 2]} for n in range(60)]
    split_cohort(make_manifest(*rows), CONFIG).save(tmp_path)
    with pytest.raises(LabelsRefused, match="belongs to another manifest"):
        Split.load(tmp_path, manifest=make_manifest(*rows[:-2]))


def test_parts_fixed_by_the_table_are_taken(make_manifest: Callable[..., Manifest]) -> None:
    parts = ["train", "tune", "calibrate", "test"]
    rows = [{"label": "ab"[n % 2], "part": parts[n // 2 % 4]} for n in range(16)]
    manifest = make_manifest(*rows)
    split = split_cohort(manifest, CONFIG)
    assert list(split.parts) == [row["part"] for row in rows]
    assert split.facts["source"] == "labels table"


def test_a_patient_in_two_fixed_parts_is_refused_with_parts_and_lines(
    make_manifest: Callable[..., Manifest],
) -> None:
    parts = ["train", "tune", "calibrate", "test"]
    rows = [{"label": "ab"[n % 2], "part": parts[n // 2 % 4]} for n in range(16)]
    rows[0]["patient"] = rows[7]["patient"] = "feedbeef"
    with pytest.raises(LabelsRefused, match=r"one patient in train \(line 2\), test \(line 9\)"):
        split_cohort(make_manifest(*rows), CONFIG)


def test_no_test_part_is_made_when_none_is_asked_for(
    make_manifest: Callable[..., Manifest],
) -> None:
    manifest = make_manifest(*({"label": "ab"[n % 2]} for n in range(60)))
    split = split_cohort(manifest, SplitConfig(train=0.8, tune=0.1, calibrate=0.1, test=0, seed=0))
    assert set(split.parts) == {"train", "tune", "calibrate"}
    assert len(split.rows("test")) == 0
    assert not check(manifest, split.parts).leaks


NEAR = Copies(tuple(Pair(n, n + 30, Sameness.NEAR, 0.95) for n in range(30)))


def test_near_copies_are_kept_together_let_across_or_refused(
    make_manifest: Callable[..., Manifest],
) -> None:
    manifest = make_manifest(*({"label": "ab"[n % 2]} for n in range(60)))
    together = split_cohort(manifest, CONFIG, copies=NEAR)
    assert all(together.parts[n] == together.parts[n + 30] for n in range(30))
    assert any("no patient or group is known" in warning for warning in together.warnings)
    warned = split_cohort(manifest, SplitConfig(seed=0, near_duplicates="warn"), copies=NEAR)
    assert any(warned.parts[n] != warned.parts[n + 30] for n in range(30))
    assert any("Copies lie in several parts" in warning for warning in warned.warnings)
    with pytest.raises(LabelsRefused, match="groups of copies cross parts"):
        split_cohort(manifest, SplitConfig(seed=0, near_duplicates="refuse"), copies=NEAR)


@pytest.mark.parametrize("policy", ["warn", "refuse"])
def test_the_policy_for_near_copies_never_parts_exact_ones(
    make_manifest: Callable[..., Manifest], policy: str
) -> None:
    manifest = make_manifest(*({"label": "ab"[n % 2]} for n in range(60)))
    pixels = Copies(tuple(Pair(n, n + 30, Sameness.PIXELS) for n in range(30)))
    split = split_cohort(manifest, SplitConfig(seed=0, near_duplicates=policy), copies=pixels)
    assert all(split.parts[n] == split.parts[n + 30] for n in range(30))
    assert split.warnings == ()


def test_exact_copies_across_fixed_parts_are_warned_of_or_refused(
    make_manifest: Callable[..., Manifest],
) -> None:
    parts = ["train", "tune", "calibrate", "test"]
    manifest = make_manifest(
        *({"label": "ab"[n % 2], "part": parts[n // 2 % 4]} for n in range(16))
    )
    pixels = Copies((Pair(0, 6, Sameness.PIXELS),))
    split = split_cohort(manifest, CONFIG, copies=pixels)
    assert (split.parts[0], split.parts[6]) == ("train", "test")
    assert "Copies lie in several parts (groups: 1, images: 2)" in split.warnings[0]
    with pytest.raises(LabelsRefused, match="groups of copies cross parts"):
        split_cohort(manifest, SplitConfig(seed=0, near_duplicates="refuse"), copies=pixels)


def test_a_split_without_cause_has_no_warnings(make_manifest: Callable[..., Manifest]) -> None:
    manifest = make_manifest(*({"label": "ab"[n % 2]} for n in range(60)))
    assert split_cohort(manifest, CONFIG).warnings == ()


def test_whole_sites_go_to_one_part(make_manifest: Callable[..., Manifest]) -> None:
    rows = [{"label": "ab"[n % 2], "site": f"s{n // 20}"} for n in range(240)]
    manifest = make_manifest(*rows)
    parts = split_cohort(manifest, SplitConfig(seed=0, unit="site")).parts
    for site in {row["site"] for row in rows}:
        held = {p for p, s in zip(parts, manifest.column("site"), strict=True) if s == site}
        assert len(held) == 1
    rows[3]["site"] = ""
    with pytest.raises(LabelsRefused, match="go by site, but only 239 of 240") as caught:
        split_cohort(make_manifest(*rows), SplitConfig(seed=0, unit="site"))
    assert "Fill in site in the labels table" in caught.value.advice


def test_a_split_by_time_warns_of_patients_who_came_back(
    make_manifest: Callable[..., Manifest],
) -> None:
    rows = [{"label": "ab"[n % 2], "taken_on": f"2023-{n // 10 + 1:02d}"} for n in range(120)]
    config = SplitConfig(seed=0, by="time")
    split = split_cohort(make_manifest(*rows), config)
    assert (split.facts["source"], split.warnings) == ("time", ())
    rows[0]["patient"] = rows[119]["patient"] = "back"
    split = split_cohort(make_manifest(*rows), config)
    assert split.parts[0] == "test"
    assert split.warnings[0].startswith("1 pictures of the test part were taken no later")
