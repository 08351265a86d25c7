import pickle
from collections.abc import Callable

import cv2
import numpy as np
import pytest
import torch
from monai.data import DataLoader, ThreadDataLoader
from monai.transforms import Compose, Lambdad, RandFlipd, ScaleIntensityRanged

from medclf.cohort.case import Case
from medclf.cohort.dataset import PreparedImages
from medclf.cohort.manifest import Manifest
from medclf.cohort.monai_dataset import PictureDataset
from medclf.dicom.instance import Kind
from medclf.digest import digest_file
from medclf.pixels.transforms.preprocessing import Preprocessing

LABELS = [row % 3 for row in range(12)]
FLOATING = Lambdad("image", func=torch.Tensor.float)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> Manifest:
    folder = tmp_path_factory.mktemp("pictures")
    cases = []
    for number in range(12):
        path = folder / f"{number:02d}.png"
        array = np.random.default_rng(number).integers(0, 255, (40, 40, 3), np.uint8)
        path.write_bytes(cv2.imencode(".png", array)[1].tobytes())
        cases.append(Case(path=path.name, digest=digest_file(path), picture="", label=""))
    return Manifest.from_cases(cases, base=folder)


def prepared(cohort: Manifest, kind: Kind) -> PreparedImages:
    return PreparedImages.build(cohort, Preprocessing(kind=kind, size=32), cohort.base / "cache")


@pytest.mark.parametrize(("kind", "channels"), [(Kind.XRAY, 1), (Kind.PATHOLOGY, 3)])
def test_items_are_the_pictures_with_channels_first(cohort, kind: Kind, channels: int) -> None:
    images = prepared(cohort, kind)
    data = PictureDataset(images, LABELS)
    assert len(data) == 12
    for row in range(12):
        item = data[row]
        assert item["image"].shape == (channels, 32, 32)
        assert item["image"].dtype == torch.uint8
        assert np.array_equal(item["image"].permute(1, 2, 0).squeeze().numpy(), images[row])
        assert (item["label"], item["digest"]) == (row % 3, cohort.column("digest")[row])


def test_changing_an_item_leaves_the_cache_as_it_is(cohort) -> None:
    images = prepared(cohort, Kind.XRAY)
    PictureDataset(images)[0]["image"].zero_()
    assert images[0].any()


def test_rows_choose_pictures_and_transforms_apply(cohort) -> None:
    images = prepared(cohort, Kind.XRAY)
    scaled = Compose([ScaleIntensityRanged("image", a_min=0, a_max=255, b_min=0, b_max=1)])
    data = PictureDataset(images, np.array(LABELS), rows=[5, 3], transform=scaled)
    assert len(data) == 2
    assert [item["label"] for item in data] == [2, 0]
    assert np.allclose(data[1]["image"][0], images[3] / 255)
    assert [item["label"] for item in data[1:]] == [0]
    assert PictureDataset(images)[0]["label"] == -1


def test_labels_must_be_those_of_the_cohort(cohort) -> None:
    with pytest.raises(ValueError, match="expected 12 labels"):
        PictureDataset(prepared(cohort, Kind.XRAY), LABELS[:5])


def loaded(loader) -> tuple[np.ndarray, list[int], list[str]]:
    batches = list(loader)
    images = torch.cat([batch["image"] for batch in batches]).numpy()
    labels = torch.cat([batch["label"] for batch in batches]).tolist()
    return images, labels, [name for batch in batches for name in batch["digest"]]


@pytest.mark.parametrize(
    "load",
    [
        lambda data: DataLoader(data, batch_size=5),
        lambda data: DataLoader(data, batch_size=5, num_workers=2, multiprocessing_context="fork"),
        pytest.param(
            lambda data: DataLoader(
                data, batch_size=5, num_workers=1, multiprocessing_context="spawn"
            ),
            marks=pytest.mark.slow,
        ),
        lambda data: ThreadDataLoader(data, batch_size=5, num_workers=0),
        lambda data: ThreadDataLoader(data, batch_size=5, num_workers=2, use_thread_workers=True),
    ],
    ids=["here", "fork", "spawn", "thread", "thread workers"],
)
def test_every_loader_gives_every_picture_in_order(cohort, load: Callable) -> None:
    images = prepared(cohort, Kind.XRAY)
    found, labels, digests = loaded(load(PictureDataset(images, LABELS, transform=FLOATING)))
    assert np.array_equal(found[:, 0], np.asarray(images.array))
    assert labels == LABELS
    assert tuple(digests) == images.digests


def test_random_transforms_are_repeatable_by_their_seed(cohort) -> None:
    images = prepared(cohort, Kind.XRAY)
    twice = []
    for _ in range(2):
        flip = Compose([RandFlipd("image", prob=0.5, spatial_axis=1)]).set_random_state(seed=3)
        data = PictureDataset(images, transform=flip)
        twice.append(np.stack([np.asarray(data[row]["image"]) for row in range(12)]))
    assert np.array_equal(*twice)
    assert not np.array_equal(twice[0][:, 0], np.asarray(images.array))


def test_a_data_set_travels_by_path(cohort: Manifest) -> None:
    data = PictureDataset(prepared(cohort, Kind.PATHOLOGY), LABELS)
    assert len(pickle.dumps(data)) < 12 * 32 * 32 * 3 / 2
