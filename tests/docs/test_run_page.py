"""The notebook and the README's Python run as they stand, and draw what the pages show."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
NOTEBOOK = REPOSITORY / "docs" / "tutorials" / "notebook.md"


@pytest.fixture(scope="module")
def run_page():
    """Load the program that is no part of the package."""
    name = "docs_run_page"
    spec = importlib.util.spec_from_file_location(name, REPOSITORY / "docs" / "run_page.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module.run_page


def words_in(text: str) -> list[str]:
    return re.findall(r"[A-Za-z_]{4,}", text)


def test_a_page_is_run_in_one_namespace_and_shows_what_it_printed(run_page, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```python\nx = 1\n```\n\nand\n\n```python\nprint(x)\n```\n\n```text\n1\n```\n")
    first, second = run_page(page, tmp_path)
    assert (first.shown, first.printed) == (None, "")
    assert (second.line, second.shown, second.printed) == (8, "1\n", "1\n")


def test_an_error_names_the_line_of_the_page(run_page, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Title\n\n```python\n1 / 0\n```\n")
    with pytest.raises(ZeroDivisionError) as caught:
        run_page(page, tmp_path)
    assert caught.traceback[-1].lineno + 1 == 4


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_notebook_runs_and_draws_what_it_shows(run_page, tmp_path, monkeypatch):
    monkeypatch.setenv("MEDCLF_HOME", str(tmp_path / "home"))
    cells = run_page(NOTEBOOK, tmp_path)
    shown = set(re.findall(r"\]\(\.\./images/([\w.-]+)\)", NOTEBOOK.read_text()))
    drawn = {path.name: path for path in (tmp_path / "images").iterdir()}
    assert set(drawn) == shown
    for name, path in drawn.items():
        kept = (REPOSITORY / "docs" / "images" / name).read_bytes()
        assert len(path.read_bytes()) == pytest.approx(len(kept), rel=0.5)
        assert len(kept) < 60_000
    for cell in cells:  # figures differ in their last digits from machine to machine; words do not
        assert (cell.shown is None) == (cell.printed == ""), cell.line
        if cell.shown is not None:
            assert words_in(cell.printed)[:3] == words_in(cell.shown)[:3], cell.line


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_ten_lines_of_the_readme_run_and_end_with_an_interval_and_an_opinion(
    run_page, tmp_path, monkeypatch
):
    monkeypatch.setenv("MEDCLF_HOME", str(tmp_path / "home"))
    (cell,) = run_page(REPOSITORY / "README.md", tmp_path)
    assert len([line for line in cell.code.splitlines() if line.strip()]) == 10
    assert re.search(
        r"AUC \(ROC\) 0\.\d+ \(95 % interval 0\.\d+ to [01]\.\d+, n = 60\)", cell.printed
    )
    assert re.search(r"film-1\.png: (OK: opacity 0\.\d+|ABSTAINED)", cell.printed)
    assert (tmp_path / "demo-out" / "mine" / "roc.svg").is_file()
