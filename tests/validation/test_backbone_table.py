"""The table of backbones goes on after an interruption and says what it could not measure."""

import json

import numpy as np
import pytest

from medclf.model.listed import find_listed
from validation.backbone_measure import Films, Row, chosen
from validation.backbone_table import as_markdown, measure_all, summary

COUNTS = (32, 16, 8)


def made_up(size: int) -> Films:
    generator = np.random.default_rng(size)
    count = sum(COUNTS)
    truth = np.arange(count) % 2
    pictures = generator.integers(0, 200, (count, size, size), dtype=np.uint8)
    pictures[truth == 1, : size // 4] += 50
    return Films(pictures, truth.astype(np.int64))


def test_a_backbone_is_measured_once_and_reloads_to_equal_logits(tmp_path):
    items = [find_listed("medclf/lenet5")]
    (row,) = measure_all(items, made_up, tmp_path, weights=None, counts=COUNTS)
    assert row.logits_equal
    assert row.parameters == 120_428
    assert max(row.onnx_difference, row.openvino_difference) <= 1e-5
    assert row.note or row.onnx_difference >= 0
    (tmp_path / "backbones.jsonl").open("a").write('{"backbone": "cut o')
    (again,) = measure_all(items, None, tmp_path, weights=None, counts=COUNTS)  # nothing is run
    assert again == row
    assert json.loads((tmp_path / "backbones.json").read_text())[0]["backbone"] == "medclf/lenet5"


def test_the_table_shows_what_is_apart_and_what_was_not_measured():
    rows = [
        Row("a/good", 224, 1_000_000, "random", 1.0, 0.7, True, 1e-7, 2e-7, 1.0, 10, 2.0),
        Row("a/apart", 224, 1_000_000, "random", 1.0, 0.7, False, 1e-3, 2e-7, 1.0, 10, 2.0),
        Row("a/none", 224, 1_000_000, "random", 1.0, 0.7, True, note="not exported: no words"),
    ]
    text = as_markdown(rows)
    assert "**1.0e-03**" in text
    assert "**no**" in text
    assert "- a/none: not exported: no words" in text
    assert summary(rows).startswith("3 backbones. 2 reload to logits equal to the last bit; 1 give")


@pytest.mark.shared
def test_the_films_are_of_different_patients_and_as_many_of_each_label(shared_data):
    films = chosen(shared_data)
    labels = [label for _, label in films]
    assert sum(labels) * 2 == len(labels) == 272
    assert len({path for path, _ in films}) == 272
