"""SVG elements: escaped, deterministic, parsable."""

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from medclf.report.figures.canvas import drawing, element, marker, number

TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF))


@given(TEXT, TEXT)
def test_any_text_stays_text(content, label):
    svg = drawing([element("text", content, x=1.0)], width=10, height=10, label=label)
    root = ElementTree.fromstring(svg)
    assert (root[0].text or "") == content
    assert root.get("aria-label") == label


@given(st.floats(-1e4, 1e4))
def test_a_coordinate_is_short_and_close(value):
    assert abs(float(number(value)) - value) <= 0.00501
    assert number(value) != "-0"


def test_marks_differ_by_shape():
    marks = [marker(5, 5, shape=shape, class_="point") for shape in range(4)]
    assert len(set(marks)) == 4
    assert marker(5, 5, shape=4, class_="point") == marks[0]
