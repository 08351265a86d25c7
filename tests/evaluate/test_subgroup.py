import numpy as np
import pytest

from medclf.errors import ProtocolRefused
from medclf.evaluate.subgroup import divide


@pytest.fixture
def rows(make_cases, make_protocol, overlapping):
    truth, scores = overlapping
    n = len(truth)
    sex = tuple("F" if i % 2 else "M" for i in range(n))
    site = tuple("small" if i < 6 else "" for i in range(n))
    device = tuple("healthy" if t == 0 else "" for t in truth)
    cases = make_cases(
        truth, scores, subgroups={"sex": sex, "site": site, "device": device}, unanswered=[9]
    )
    protocol = make_protocol(subgroups=["sex", "site", "device"])
    found = divide(cases, protocol=protocol, generator=np.random.default_rng(0))
    return {(row.name, row.value): row for row in found}


def test_every_value_has_a_row(rows):
    assert set(rows) == {
        ("sex", "F"),
        ("sex", "M"),
        ("site", "small"),
        ("site", "not stated"),
        ("device", "healthy"),
        ("device", "not stated"),
    }
    assert rows["sex", "F"].n + rows["sex", "M"].n == 239


def test_a_column_that_the_cases_do_not_carry_is_refused(make_cases, make_protocol, overlapping):
    truth, scores = overlapping
    cases = make_cases(truth, scores, subgroups={"sex": ("F",) * len(truth)})
    with pytest.raises(ProtocolRefused, match="scaner"):
        divide(
            cases,
            protocol=make_protocol(subgroups=["scaner"]),
            generator=np.random.default_rng(0),
        )


def test_large_subgroups_have_figures_with_intervals(rows):
    row = rows["sex", "F"]
    assert row.auc.low < row.auc.estimate < row.auc.high
    assert row.sensitivity.n == row.n_positive
    assert row.specificity.n == row.n - row.n_positive
    assert row.note == ""


def test_small_subgroups_have_a_note_instead(rows):
    row = rows["site", "small"]
    assert (row.auc, row.sensitivity, row.specificity) == (None, None, None)
    assert row.note == "too few: 6 cases, 20 are needed"


def test_subgroups_without_a_class_have_a_note_instead(rows):
    assert "no case is truly finding" in rows["device", "healthy"].note


def test_unanswered_cases_count_as_wrong_where_the_protocol_says_so(
    make_cases, make_protocol, overlapping
):
    truth, scores = overlapping
    hit = int(np.flatnonzero((truth == 1) & (scores >= 0.5))[0])
    cases = make_cases(truth, scores, subgroups={"sex": ("F",) * len(truth)}, unanswered=[hit])
    estimates = []
    for rule in ("exclude", "count_as_wrong"):
        protocol = make_protocol(subgroups=["sex"], unanswered=rule)
        (row,) = divide(cases, protocol=protocol, generator=np.random.default_rng(0))
        estimates.append(row.sensitivity.n)
    assert estimates == [truth.sum() - 1, truth.sum()]
