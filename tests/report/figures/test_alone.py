import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from markupsafe import Markup

from medclf.errors import ReportMisuse
from medclf.report.figures.alone import stand_alone
from medclf.report.figures.canvas import drawing, element
from medclf.report.figures.curves import Curve, roc
from medclf.report.plots import Plot

SVG = "{http://www.w3.org/2000/svg}"
CURVES = [Curve(f"grade {i}", (0.0, 0.2, 1.0), (0.0, 0.5, 1.0), (0.2, 0.5)) for i in range(4)]


def whole(**words: object) -> str:
    told = {"title": "ROC <&>", "caption": "What is to be seen. " * 12, **words}
    return stand_alone(roc(CURVES, label="l"), **told)


def test_the_file_is_one_svg_that_needs_nothing_else():
    text = whole()
    root = ElementTree.fromstring(text)
    assert root.tag == f"{SVG}svg"
    assert "var(" not in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_every_class_that_is_drawn_has_a_style():
    text = whole(lines=("a", "b", "c", "d"))
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]
    used = {name for found in re.findall(r'class="([^"]+)"', text) for name in found.split()}
    assert used - {"dash-0"} <= set(re.findall(r"\.([\w-]+)", style))
    assert ".curve { " in style
    assert "stroke-width: 2.2" in style


def test_title_caption_and_key_lie_inside_the_drawing():
    root = ElementTree.fromstring(whole(lines=("one", "two")))
    bottom = float(root.get("height"))
    own = list(root.findall(f"{SVG}text"))
    assert own[0].text == "ROC <&>"
    assert {"one", "two"} <= {text.text for text in own}
    assert all(0 < float(text.get("y")) < bottom for text in own)
    assert all(len(text.text) <= 62 for text in own)


def test_the_drawing_keeps_its_text_alternative():
    assert 'aria-label="l"' in whole()


def test_a_plot_shows_itself_in_a_notebook_and_saves_the_same(tmp_path: Path):
    plot = Plot("T", drawing([element("rect", x=1)], width=9, height=9, label="l"), "C")
    assert plot.save(tmp_path / "a" / "t.svg").read_text() == plot._repr_svg_() == plot.as_svg()


def test_another_format_is_refused_with_the_way_out(tmp_path: Path):
    with pytest.raises(ReportMisuse, match="svg"):
        Plot("T", Markup("<svg></svg>"), "C").save(tmp_path / "t.png")
