from collections.abc import Callable

from medclf.cohort.copies import Copies, Pair, Sameness
from medclf.cohort.copy_groups import group_copies
from medclf.cohort.manifest import Manifest

PAIRS = (
    Pair(0, 1, Sameness.BYTES),
    Pair(1, 3, Sameness.NEAR, 0.93),
    Pair(2, 4, Sameness.NEAR, 0.97),
)


def test_pairs_that_share_a_picture_are_one_group(make_manifest: Callable[..., Manifest]) -> None:
    manifest = make_manifest(
        {"label": "a", "patient": "p"},
        {"label": "a", "patient": "p"},
        {"label": "b", "group": "g"},
        {"label": "b"},
        {"label": "b", "group": "g"},
    )
    parts = ["train", "train", "test", "test", "test"]
    first, second = group_copies(manifest, Copies(PAIRS), parts)
    assert (first.rows, first.lines) == ((0, 1, 3), (2, 3, 5))
    assert (first.sameness, first.agreement) == (Sameness.NEAR, 0.93)
    assert (first.crosses, first.contradict, first.bound) == (True, True, False)
    assert (second.crosses, second.contradict, second.bound) == (False, False, True)


def test_the_json_counts_rows_as_messages_do(make_manifest: Callable[..., Manifest]) -> None:
    manifest = make_manifest(*({} for _ in range(5)))
    told = group_copies(manifest, Copies(PAIRS))[1].as_json()
    assert told["rows"] == [3, 5]
    assert told["pairs"] == [
        {"rows": [3, 5], "sameness": "nearly the same", "agreement": 0.97, "turn": "as it is"}
    ]
    assert told["crosses_parts"] is False
