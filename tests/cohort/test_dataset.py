import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from medclf.cohort.dataset import PreparedImages
from medclf.cohort.ingest import IngestConfig, Source, ingest
from medclf.cohort.manifest import Manifest
from medclf.dicom.instance import Instance, Kind
from medclf.errors import LabelsRefused, ManifestTampered
from medclf.pixels.decode import decode
from medclf.pixels.transforms.preprocessing import Preprocessing, geometry
from medclf.reasons import Reason

XRAY = Preprocessing(kind=Kind.XRAY, size=32)


def no_objection(instance: Instance) -> tuple[Reason, ...]:
    return ()


@pytest.fixture
def manifest(tmp_path: Path, secret: bytes, write_png: Callable[..., Path]) -> Manifest:
    for number in range(24):
        write_png(tmp_path / "images" / f"{number:02d}.png", number)
    config = IngestConfig(kind=Kind.XRAY)
    source = Source(folder=tmp_path / "images")
    return ingest(source, config, secret=secret, check=no_objection)


def test_every_row_is_what_the_classifier_would_see(tmp_path: Path, manifest: Manifest) -> None:
    images = PreparedImages.build(manifest, XRAY, tmp_path / "cache")
    assert images.array.shape == (24, 32, 32)
    assert images.array.dtype == np.uint8
    assert len(images) == 24
    assert not images.array.flags.writeable
    see = geometry(XRAY)
    for row in range(24):
        assert np.array_equal(images[row], see(decode(manifest.open(row))))
    assert images.digests == tuple(manifest.column("digest"))


def test_colour_pictures_have_three_channels(tmp_path: Path, manifest: Manifest) -> None:
    config = Preprocessing(kind=Kind.PATHOLOGY, size=32)
    images = PreparedImages.build(manifest, config, tmp_path / "cache")
    assert images.array.shape == (24, 32, 32, 3)


def test_a_finished_cache_is_opened_without_reading_an_image(
    tmp_path: Path, manifest: Manifest
) -> None:
    first = PreparedImages.build(manifest, XRAY, tmp_path / "cache")
    for path in (tmp_path / "images").iterdir():
        path.unlink()
    other_norm = XRAY.model_copy(update={"mean": (0.0, 0.0, 0.0)})
    again = PreparedImages.build(manifest, other_norm, tmp_path / "cache")
    assert again.path == first.path
    assert np.array_equal(again.array, first.array)


def test_other_preprocessing_gets_another_cache(tmp_path: Path, manifest: Manifest) -> None:
    first = PreparedImages.build(manifest, XRAY, tmp_path / "cache")
    second = PreparedImages.build(
        manifest, XRAY.model_copy(update={"size": 40}), tmp_path / "cache"
    )
    assert second.path != first.path
    assert second.digest != first.digest


def test_an_interrupted_build_goes_on_where_it_stopped(tmp_path: Path, manifest: Manifest) -> None:
    def stop_at_ten(done: int, total: int) -> None:
        if done == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        PreparedImages.build(manifest, XRAY, tmp_path / "cache", progress=stop_at_ten)
    assert not list((tmp_path / "cache").rglob("cache.json"))
    totals = []
    images = PreparedImages.build(
        manifest, XRAY, tmp_path / "cache", progress=lambda done, total: totals.append(total)
    )
    assert set(totals) == {14}
    whole = PreparedImages.build(manifest, XRAY, tmp_path / "fresh")
    assert np.array_equal(images.array, whole.array)


def _build_and_die(manifest: Manifest, folder: Path) -> None:
    def die_at_seven(done: int, total: int) -> None:
        if done == 7:
            os.kill(os.getpid(), signal.SIGKILL)

    PreparedImages.build(manifest, XRAY, folder, progress=die_at_seven)


def test_a_killed_build_leaves_no_lock_and_goes_on(tmp_path: Path, manifest: Manifest) -> None:
    process = multiprocessing.get_context("fork").Process(
        target=_build_and_die, args=(manifest, tmp_path / "cache")
    )
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    totals = []
    PreparedImages.build(
        manifest, XRAY, tmp_path / "cache", progress=lambda done, total: totals.append(total)
    )
    assert set(totals) == {17}


def test_a_damaged_row_is_made_again(tmp_path: Path, manifest: Manifest) -> None:
    images = PreparedImages.build(manifest, XRAY, tmp_path / "cache")
    expected = images.array.copy()
    damaged = np.load(images.path, mmap_mode="r+")
    damaged[3, 5, 5] ^= 0xFF
    damaged.flush()
    mended = PreparedImages.build(manifest, XRAY, tmp_path / "cache")
    assert np.array_equal(mended.array, expected)


def test_an_image_that_changed_since_ingest_stops_the_build(
    tmp_path: Path, manifest: Manifest, write_png: Callable[..., Path]
) -> None:
    write_png(tmp_path / "images" / "04.png", 99)
    with pytest.raises(ManifestTampered, match="row 5"):
        PreparedImages.build(manifest, XRAY, tmp_path / "cache")


def test_an_image_that_is_gone_is_told_by_its_row(tmp_path: Path, manifest: Manifest) -> None:
    (tmp_path / "images" / "04.png").unlink()
    with pytest.raises(LabelsRefused, match="row 5 of the manifest cannot be prepared"):
        PreparedImages.build(manifest, XRAY, tmp_path / "cache")


def test_an_empty_manifest_has_nothing_to_prepare(tmp_path: Path) -> None:
    with pytest.raises(LabelsRefused, match="no rows"):
        PreparedImages.build(Manifest.from_cases([], base=tmp_path), XRAY, tmp_path / "cache")
