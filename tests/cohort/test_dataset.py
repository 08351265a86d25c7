import inspect
import multiprocessing
import os
import pickle
import signal
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from medclf.cohort.cache import list_cache
from medclf.cohort.dataset import PreparedImages
from medclf.cohort.ingest import IngestConfig, Source, ingest
from medclf.cohort.manifest import Manifest
from medclf.dicom.instance import Instance, Kind
from medclf.digest import digest_bytes, digest_json
from medclf.errors import CacheUnavailable, LabelsRefused, ManifestTampered
from medclf.pixels.decode import decode
from medclf.pixels.picture import POLICY
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
    assert not images[0].flags.writeable
    see = geometry(XRAY)
    for row in range(24):
        assert np.array_equal(images[row], see(decode(manifest.open(row))))
    assert images.digests == tuple(manifest.column("digest"))


def test_colour_pictures_have_three_channels(tmp_path: Path, manifest: Manifest) -> None:
    config = Preprocessing(kind=Kind.PATHOLOGY, size=32)
    images = PreparedImages.build(manifest, config, tmp_path / "cache")
    assert images.array.shape == (24, 32, 32, 3)


def test_pictures_of_sixteen_bits_are_kept_whole(tmp_path: Path, manifest: Manifest) -> None:
    deep = XRAY.model_copy(update={"bits": 16})

    images = PreparedImages.build(manifest, deep, tmp_path / "cache")

    assert images[0].dtype == np.uint16
    for row in range(len(manifest)):
        assert np.array_equal(images[row], geometry(deep)(decode(manifest.open(row))))


def test_a_finished_cache_is_opened_without_reading_an_image(
    tmp_path: Path, manifest: Manifest
) -> None:
    first = PreparedImages.build(manifest, XRAY, tmp_path / "cache")
    for path in (tmp_path / "images").iterdir():
        path.unlink()
    other_norm = XRAY.model_copy(update={"mean": (0.0, 0.0, 0.0)})
    again = PreparedImages.build(manifest, other_norm, tmp_path / "cache")
    assert again.folder == first.folder
    assert again.digest == first.digest
    assert np.array_equal(again.array, first.array)


def test_other_preprocessing_gets_another_cache(tmp_path: Path, manifest: Manifest) -> None:
    first = PreparedImages.build(manifest, XRAY, tmp_path / "cache")
    second = PreparedImages.build(
        manifest, XRAY.model_copy(update={"size": 40}), tmp_path / "cache"
    )
    assert second.folder != first.folder
    assert second.digest != first.digest


def test_pictures_are_named_by_all_that_can_change_a_pixel(
    tmp_path: Path, manifest: Manifest
) -> None:
    facts = PreparedImages.build(manifest, XRAY, tmp_path / "cache").facts
    assert facts["preprocessing"] == XRAY.model_dump(mode="json", exclude={"mean", "std"})
    assert facts["policy"] == POLICY
    assert facts["software"]["imagecodecs"] == version("imagecodecs")
    pixels = Path(inspect.getfile(decode)).parent
    files = [*(pixels.parent / "dicom").rglob("*.py"), *pixels.rglob("*.py")]
    ordered = sorted(files, key=lambda path: (path.is_relative_to(pixels), path))
    assert facts["code"] == digest_json([digest_bytes(path.read_bytes()) for path in ordered])


def test_an_interrupted_build_goes_on_where_it_stopped(tmp_path: Path, manifest: Manifest) -> None:
    def stop_at_ten(done: int, total: int) -> None:
        if done == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        PreparedImages.build(manifest, XRAY, tmp_path / "cache", progress=stop_at_ten)
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
    expected = np.array(images.array)
    (path,) = images.array.paths
    damaged = np.memmap(path, np.uint8, "r+")
    damaged[3 * 1024 + 17] ^= 0x01
    damaged.flush()
    totals = []
    mended = PreparedImages.build(
        manifest, XRAY, tmp_path / "cache", progress=lambda done, total: totals.append(total)
    )
    assert totals == [1]
    assert np.array_equal(mended.array, expected)


@pytest.mark.parametrize("length", [0, 5 * 1024, 5 * 1024 + 7])
def test_rows_that_a_power_cut_took_are_made_again(
    tmp_path: Path, manifest: Manifest, length: int
) -> None:
    images = PreparedImages.build(manifest, XRAY, tmp_path / "cache")
    expected = np.array(images.array)
    (path,) = images.array.paths
    del images  # or reading it would be fatal: nobody may cut a file that is mapped
    os.truncate(path, length)
    totals = []
    mended = PreparedImages.build(
        manifest, XRAY, tmp_path / "cache", progress=lambda done, total: totals.append(total)
    )
    assert set(totals) == {24 - length // 1024}
    assert np.array_equal(mended.array, expected)


def test_cohorts_that_overlap_share_their_pictures(
    tmp_path: Path, manifest: Manifest, write_png: Callable[..., Path]
) -> None:
    made = []
    cases = list(manifest.cases())
    for some in (cases[:10], cases[5:15], cases):
        cohort = Manifest.from_cases(some, base=manifest.base)
        images = PreparedImages.build(
            cohort, XRAY, tmp_path / "cache", progress=lambda done, total: made.append(total)
        )
        see = geometry(XRAY)
        expected = [see(decode(cohort.open(row))) for row in range(len(cohort))]
        assert np.array_equal(images.array, expected)
    assert made == [10] * 10 + [5] * 5 + [9] * 9


def _build(manifest: Manifest, folder: Path) -> None:
    images = PreparedImages.build(manifest, XRAY, folder)
    see = geometry(XRAY)
    for row in range(len(manifest)):
        if not np.array_equal(images[row], see(decode(manifest.open(row)))):
            sys.exit(f"row {row} is wrong")


def test_three_processes_build_overlapping_cohorts_at_once(
    tmp_path: Path, manifest: Manifest
) -> None:
    cases = [*manifest.cases()]
    context = multiprocessing.get_context("spawn")
    processes = []
    for some in (cases[:16], cases[8:], cases):
        cohort = Manifest.from_cases(some, base=manifest.base)
        processes.append(context.Process(target=_build, args=(cohort, tmp_path / "cache")))
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    (held,) = list_cache(tmp_path / "cache", verify=True)
    assert (held.damaged, held.in_use) == (0, False)
    assert 24 <= held.rows <= 56


def test_an_image_that_occurs_twice_is_made_once(tmp_path: Path, manifest: Manifest) -> None:
    cases = [*manifest.cases()][:2]
    twice = Manifest.from_cases([*cases, *cases], base=manifest.base)
    totals = []
    images = PreparedImages.build(
        twice, XRAY, tmp_path / "cache", progress=lambda done, total: totals.append(total)
    )
    assert totals == [2, 2]
    assert np.array_equal(images[0], images[1])
    assert len(images) == 4


def test_a_data_set_goes_to_another_process_by_its_paths(
    tmp_path: Path, manifest: Manifest
) -> None:
    images = PreparedImages.build(manifest, XRAY, tmp_path / "cache")
    data = pickle.dumps(images)
    assert len(data) < images.array.dtype.itemsize * np.prod(images.array.shape)
    again = pickle.loads(data)
    assert again.digests == images.digests
    assert np.array_equal(again.array, images.array)


def test_a_limit_that_is_too_low_is_told_before_anything_is_made(
    tmp_path: Path, manifest: Manifest
) -> None:
    with pytest.raises(CacheUnavailable, match=r"take 25\.4 kB; .* may hold 20\.0 kB") as told:
        PreparedImages.build(manifest, XRAY, tmp_path / "cache", limit_bytes=20_000)
    assert "MEDCLF_CACHE_BYTES" in told.value.advice
    assert not list((tmp_path / "cache").rglob("*.rows"))


def test_pictures_that_nobody_uses_make_room(tmp_path: Path, manifest: Manifest) -> None:
    other = XRAY.model_copy(update={"size": 40})
    cache = tmp_path / "cache"
    old = PreparedImages.build(manifest, other, cache, limit_bytes=60_000)
    with pytest.raises(CacheUnavailable, match="in use"):
        PreparedImages.build(manifest, XRAY, cache, limit_bytes=60_000)
    expected, folder = np.array(old.array), old.folder
    del old
    images = PreparedImages.build(manifest, XRAY, cache, limit_bytes=60_000)
    assert not folder.exists()
    assert [held.folder for held in list_cache(cache)] == [images.folder]
    del images
    assert np.array_equal(PreparedImages.build(manifest, other, cache).array, expected)


def _build_as_nobody(manifest: Manifest, folder: Path, told: "multiprocessing.Queue[str]") -> None:
    if os.geteuid() == 0:
        os.seteuid(65534)
    try:
        images = PreparedImages.build(manifest, XRAY, folder)
        told.put(str(int(np.array(images.array).sum())))
    except CacheUnavailable as error:
        told.put(str(error))


def test_a_cache_that_is_read_only_serves_what_it_holds(
    manifest: Manifest, write_png: Callable[..., Path]
) -> None:
    with tempfile.TemporaryDirectory() as place:
        cache = Path(place) / "cache"
        Path(place).chmod(0o755)
        some = Manifest.from_cases([*manifest.cases()][:12], base=manifest.base)
        images = PreparedImages.build(some, XRAY, cache)
        images.folder.chmod(0o555)
        cache.chmod(0o555)
        context = multiprocessing.get_context("fork")
        told: multiprocessing.Queue[str] = context.Queue()
        for cohort in (some, manifest):
            process = context.Process(target=_build_as_nobody, args=(cohort, cache, told))
            process.start()
            process.join(60)
        assert told.get(timeout=10) == str(int(np.array(images.array).sum()))
        assert "MEDCLF_CACHE" in told.get(timeout=10)
        cache.chmod(0o755)
        images.folder.chmod(0o755)


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
