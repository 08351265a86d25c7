from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from medclf.errors import EvaluationError, ProtocolRefused
from medclf.evaluate.evaluation import Outcome
from medclf.evaluate.finding_cases import FindingCases
from medclf.evaluate.findings import evaluate_findings
from medclf.evaluate.protocol import Protocol, Task
from medclf.opinion import Status
from medclf.reasons import Reason

NAMES = ("edema", "mass")


def cases(n=120, *, seed=0, unanswered=0, **other):
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, 2, (n, 2))
    scores = generator.normal(size=(n, 2)) + 2 * (truth - 0.5)
    truth[generator.random(truth.shape) < 0.3] = -1
    scores[:unanswered] = np.nan
    probabilities = 1 / (1 + np.exp(-scores))
    fields = {
        "case_ids": tuple(f"{i:04d}" for i in range(n)),
        "findings": NAMES,
        "truth": truth,
        "probabilities": probabilities,
        "decisions": probabilities >= 0.5,
        "scores": scores,
        "statuses": (Status.ABSTAINED,) * unanswered + (Status.OK,) * (n - unanswered),
        "reasons": ((Reason.UNLIKE_TRAINING,),) * unanswered + ((),) * (n - unanswered),
        "clusters": ("",) * n,
        "subgroups": {"sex": ("F", "M") * (n // 2)},
        "thresholds": {"edema": 0.5, "mass": 0.5},
    }
    return FindingCases(**fields | other)


def rules(**other):
    plain = Protocol.default_for(NAMES, None, task=Task.FINDINGS).model_dump()
    return Protocol.model_validate(plain | {"resamples": 200, "subgroups": ()} | other)


def test_each_finding_is_judged_on_the_cases_that_tell_of_it():
    given = cases()
    found = evaluate_findings(given, rules())
    for k, name in enumerate(NAMES):
        told = given.truth[:, k] >= 0
        truth, scores = given.truth[told, k], given.probabilities[told, k]
        own = found.per_label[name]
        assert own["auc"].estimate == pytest.approx(roc_auc_score(truth, scores))
        assert own["auc"].n == int(told.sum())
        ap = average_precision_score(truth, scores)
        assert own["average_precision"].estimate == pytest.approx(ap)
    both = [found.per_label[name]["auc"].estimate for name in NAMES]
    assert found.metrics["auc"].estimate == pytest.approx(np.mean(both))


def test_the_order_of_the_cases_does_not_matter():
    given = cases()
    turned = np.arange(len(given))[::-1]
    other = replace(
        given,
        case_ids=given.case_ids[::-1],
        truth=given.truth[turned],
        probabilities=given.probabilities[turned],
        decisions=given.decisions[turned],
        scores=given.scores[turned],
        subgroups={"sex": given.subgroups["sex"][::-1]},
    )
    assert evaluate_findings(other, rules()) == evaluate_findings(given, rules())


def test_verdicts_stand_in_the_order_of_the_protocol_for_findings_and_means():
    endpoints = [
        {"metric": "auc", "label": "mass", "bound": {"above": 0.5}},
        {"metric": "auc", "bound": {"above": 0.999}},
        {"metric": "average_precision", "label": "edema", "bound": {"above": 0.5}},
        {"metric": "ece", "label": "edema", "bound": {"below": 0.9}},
    ]
    found = evaluate_findings(cases(), rules(endpoints=endpoints))
    told = [(v.endpoint, v.label, v.verdict) for v in found.verdicts]
    assert told == [
        ("auc", "mass", Outcome.MET),
        ("auc", "", Outcome.NOT_MET),
        ("average_precision", "edema", Outcome.MET),
        ("ece", "edema", Outcome.MET),
    ]
    assert found.verdicts[0].estimate == found.per_label["mass"]["auc"]


def test_a_finding_told_one_way_gets_no_figures_and_a_note():
    given = cases()
    truth = given.truth.copy()
    truth[truth[:, 1] == 1, 1] = -1
    found = evaluate_findings(replace(given, truth=truth), rules())
    assert set(found.per_label) == {"edema"}
    assert "No figures of mass: it is told one way only." in found.notes
    wanted = [{"metric": "auc", "bound": {"above": 0.5}}]
    with pytest.raises(EvaluationError, match="mass"):
        evaluate_findings(replace(given, truth=truth), rules(endpoints=wanted))


def test_cases_without_an_opinion_count_as_wrong_where_the_protocol_says_so():
    given = cases(unanswered=12)
    left_out = evaluate_findings(given, rules())
    counted = evaluate_findings(given, rules(unanswered="count_as_wrong"))
    assert counted.metrics["sensitivity"].estimate < left_out.metrics["sensitivity"].estimate
    assert counted.metrics["auc"] == left_out.metrics["auc"]
    assert left_out.metrics["coverage"].estimate == pytest.approx(0.9)
    assert left_out.flow.abstained == 12


def test_patients_are_drawn_whole():
    clusters = tuple(f"p{i // 4}" for i in range(120))
    found = evaluate_findings(cases(clusters=clusters), rules())
    assert "30 whole clusters" in found.metrics["auc"].method


def test_subgroups_are_those_of_each_finding():
    found = evaluate_findings(cases(), rules(subgroups=("sex",)))
    assert [(row.name, row.value) for row in found.subgroups] == [
        ("edema, sex", "F"),
        ("edema, sex", "M"),
        ("mass, sex", "F"),
        ("mass, sex", "M"),
    ]


def test_a_protocol_for_another_task_or_finding_is_refused():
    other = Protocol.default_for(("no", "yes"), "yes")
    with pytest.raises(ProtocolRefused, match="binary"):
        evaluate_findings(cases(), other)
    wanted = [{"metric": "auc", "label": "hernia", "bound": {"above": 0.5}}]
    with pytest.raises(ProtocolRefused, match="hernia"):
        evaluate_findings(cases(), rules(endpoints=wanted))
    with pytest.raises(ValueError, match="mcc of several findings"):
        rules(endpoints=[{"metric": "mcc", "bound": {"above": 0.5}}])
