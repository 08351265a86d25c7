from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from medclf.cohort.copies import Sameness, find_copies
from medclf.cohort.copy_groups import group_copies
from medclf.cohort.dataset import PreparedImages
from medclf.cohort.fingerprint import Turn
from medclf.cohort.ingest import IngestConfig, Source, ingest
from medclf.cohort.manifest import Manifest
from medclf.dicom.instance import Kind
from medclf.pixels.transforms.preprocessing import Preprocessing


def tissue(seed: int, side: int = 128) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(side, side)).astype(np.float32)
    return np.clip(128 + 900 * cv2.GaussianBlur(noise, (0, 0), 6), 0, 255).astype(np.uint8)


def test_copies_of_bytes_pixels_and_nearly_all_are_told_apart(
    make_manifest: Callable[..., Manifest],
) -> None:
    manifest = make_manifest(
        {"picture": "a"}, {"picture": "a"}, {"picture": "b"}, {"picture": "c"}, {"picture": "d"}
    )
    first = tissue(0)
    spoilt = np.clip(first[3:-2, 2:-3] * 0.9 + 10, 0, 255).astype(np.uint8)
    pictures = [first, first, first, cv2.resize(spoilt, (128, 128)), tissue(1)]
    found = find_copies(manifest, pictures, kind=Kind.XRAY)
    told = {(pair.first, pair.second): pair.sameness for pair in found.pairs}
    assert told == {
        (0, 1): Sameness.BYTES,
        (0, 2): Sameness.PIXELS,
        (0, 3): Sameness.NEAR,
    }
    assert [pair.agreement < 1 for pair in found.pairs] == [False, False, True]
    assert found.exhaustive
    (group,) = group_copies(manifest, found)
    assert group.rows == (0, 1, 2, 3)
    assert group.sameness is Sameness.NEAR


@pytest.mark.parametrize("turn", [Turn.MIRRORED, Turn.LEFT])
def test_a_field_of_tissue_is_recognised_any_way_round(
    make_manifest: Callable[..., Manifest], turn: Turn
) -> None:
    first = tissue(3)
    other = np.ascontiguousarray(first[:, ::-1] if turn is Turn.MIRRORED else np.rot90(first))
    manifest = make_manifest({"picture": "a"}, {"picture": "b"})
    (pair,) = find_copies(manifest, [first, other], kind=Kind.PATHOLOGY).pairs
    assert pair.sameness is Sameness.NEAR


def test_no_copies_are_found_where_there_are_none(make_manifest: Callable[..., Manifest]) -> None:
    manifest = make_manifest(*({"picture": str(n)} for n in range(30)))
    found = find_copies(manifest, [tissue(n) for n in range(30)], kind=Kind.PATHOLOGY)
    assert found.pairs == ()


def test_an_empty_cohort_has_no_copies(make_manifest: Callable[..., Manifest]) -> None:
    assert find_copies(make_manifest(), [], kind=Kind.XRAY).pairs == ()


def prepared(folder: Path, kind: Kind, column: str, cache: Path):
    manifest = ingest(
        Source(table=folder / "labels.csv"),
        IngestConfig(kind=kind, label_column=column),
        secret=b"0" * 32,
        check=lambda instance: (),
    )
    return manifest, PreparedImages.build(manifest, Preprocessing(kind=kind, size=224), cache)


def test_real_retinas_hold_the_known_copies_and_one_more(shared_data: Path, tmp_path: Path) -> None:
    manifest, pictures = prepared(shared_data / "fundus_dr", Kind.FUNDUS, "dr_grade", tmp_path)
    found = find_copies(manifest, pictures, kind=Kind.FUNDUS)
    names = [Path(path).stem.removeprefix("IDRiD_") for path in manifest.column("path")]
    told = {(names[p.first], names[p.second]): p.sameness for p in found.pairs}
    assert told == {
        ("013", "397"): Sameness.NEAR,  # one eye, two exposures: grades 3 and 2
        ("045", "333"): Sameness.BYTES,
        ("073", "375"): Sameness.BYTES,
        ("079", "279"): Sameness.BYTES,
    }
    groups = group_copies(manifest, found)
    assert [group.labels for group in groups if group.contradict] == [("3", "2")]


def test_real_chest_films_hold_exactly_the_byte_identical_copies(
    shared_data: Path, tmp_path: Path
) -> None:
    manifest, pictures = prepared(shared_data / "xray_pneumonia", Kind.XRAY, "label", tmp_path)
    found = find_copies(manifest, pictures, kind=Kind.XRAY)
    counts = Counter(manifest.column("digest"))
    assert len(found.pairs) == sum(count - 1 for count in counts.values())
    assert {pair.sameness for pair in found.pairs} == {Sameness.BYTES}
