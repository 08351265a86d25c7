"""The page about transforms: its pipeline runs, its sheets are those that the script draws."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medclf.dicom.instance import Kind
from validation.contact_sheets import __main__ as contact_sheets
from validation.contact_sheets.columns import headings, tiles
from validation.contact_sheets.made_up import made_up
from validation.contact_sheets.sheet import draw_sheet

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "explanation" / "transforms.md").read_text()


def test_pipeline_of_the_page_runs(tmp_path, monkeypatch, write_dicom):
    write_dicom(tmp_path / "film.dcm")
    monkeypatch.chdir(tmp_path)
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    found: dict[str, dict[str, object]] = {}
    exec(example, found)
    assert found["example"]["image"].shape == (3, 224, 224)


@pytest.mark.parametrize("kind", Kind)
def test_sheet_on_the_page_is_small_and_shows_what_the_script_draws(kind):
    path = DOCS / "images" / f"transforms-{kind.value}.webp"
    assert f"../images/{path.name}" in PAGE
    assert path.stat().st_size < 300_000
    rows = [tiles(picture, kind, number) for number, picture in enumerate(made_up(kind))]
    drawn = draw_sheet(headings(kind), rows).astype(int)
    kept = np.asarray(Image.open(path).convert("RGB"))
    assert kept.shape == drawn.shape
    assert np.abs(kept - drawn).mean() < 8  # the file is lossy


def test_sheets_of_real_images_stay_out_of_the_repository(monkeypatch, tmp_path):
    wish = ["contact_sheets", "--data", str(tmp_path), "--out", str(DOCS / "images")]
    monkeypatch.setattr("sys.argv", wish)
    with pytest.raises(SystemExit, match="not copied"):
        contact_sheets.main()
