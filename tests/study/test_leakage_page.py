import numpy as np

from medclf.cohort.copies import Pair, Sameness
from medclf.cohort.copy_groups import CopyGroup
from medclf.study.leakage_page import gallery


def group_of(first: int, labels: tuple[str, str], parts: tuple[str, str]) -> CopyGroup:
    pair = Pair(first, first + 1, Sameness.NEAR, 0.95)
    rows = (first, first + 1)
    return CopyGroup(rows, (first + 2, 0), labels, parts, bound=False, pairs=(pair,))


def test_contradicting_groups_come_first_and_markup_in_labels_is_escaped() -> None:
    pictures = [np.full((32, 32), 40 * n, np.uint8) for n in range(4)]
    groups = (group_of(0, ("a", "a"), ("train", "test")), group_of(2, ("<b>", "a"), ("", "")))
    page = gallery("study", groups, pictures, ["mind & look"])
    assert page.index("contradicting labels") < page.index("in several parts")
    assert "line 4, &lt;b&gt;" in page
    assert "row 4, a" in page
    assert "mind &amp; look" in page
    assert page.count("data:image/jpeg;base64,") == 4


def test_a_long_list_is_cut_and_says_so() -> None:
    pictures = [np.zeros((8, 8, 3), np.uint8)] * 200
    groups = [group_of(2 * n, ("a", "a"), ("", "")) for n in range(70)]
    page = gallery("study", groups, pictures, [])
    assert page.count("<section>") == 60
    assert "10 more are in" in page
    assert "No copies were found." in gallery("study", [], [], [])
