"""The harness judges fairly, or says that it does not judge; nothing here is timed."""

import json

import pytest

from validation.benchmarks.__main__ import load_row, row_files
from validation.benchmarks.harness import run_row
from validation.benchmarks.row import AtLeast, AtMost, Gauge, Race, Row, Seconds, Verdict, require
from validation.benchmarks.show import document

FREE = {"load": 0.5, "cores": 2}
CROWDED = {"load": 2.5, "cores": 2}
BAR = AtLeast(3.0)


def no_parity():
    require(False, "0.91 is not 0.92")


def parity():
    require(True, "never")


def row_of(trial, *, bar=BAR, **declared):
    """A row of one trial with one bar, named `path`."""
    facts = {"number": 99, "title": "made up", "peer": "nobody", "bars": {"path": bar}}
    return Row(**facts, trials=lambda folder, tiny: (t for t in [trial]), **declared)


def race(*, ours=1.0, peer=4.0, parity=parity, **declared):
    return Race("path", parity, lambda: Seconds(ours), lambda: Seconds(peer), **declared)


def never():
    raise AssertionError("this must not be run")


@pytest.mark.parametrize("number", row_files())
def test_every_row_declares_number_title_peer_and_bars(number):
    row = load_row(row_files()[number])
    assert row.number == number
    assert row.title
    assert row.peer
    assert row.bars
    assert all(bar.bound > 0 for bar in row.bars.values())
    assert row_files()[number].startswith(f"row_{number:02d}_")


def test_a_ratio_is_held_against_its_bar():
    (above,), (below,) = run_row(row_of(race()), **FREE), run_row(row_of(race(peer=2.0)), **FREE)
    assert above.verdict is Verdict.REACHES
    assert above.figures == (4.0,) * 7
    assert below.verdict is Verdict.FALLS_SHORT


def test_a_figure_is_held_against_its_bar():
    gauge = Gauge("path", parity, lambda: 0.2)
    (result,) = run_row(row_of(gauge, bar=AtMost(0.3, "s")), **FREE)
    assert result.verdict is Verdict.REACHES
    (result,) = run_row(row_of(gauge, bar=AtMost(0.1, "s")), **FREE)
    assert result.verdict is Verdict.FALLS_SHORT


def test_without_parity_no_time_is_taken():
    (result,) = run_row(row_of(Race("path", no_parity, never, never)), **FREE)
    assert result.verdict is Verdict.NOT_JUDGED
    assert result.broken
    assert not result.ours
    assert "0.91 is not 0.92" in result.note


def test_a_crowded_machine_is_not_judged():
    (result,) = run_row(row_of(Race("path", never, never, never)), **CROWDED)
    assert result.verdict is Verdict.NOT_JUDGED
    assert not result.ours
    assert "load of 2.5" in result.note


def test_figures_taken_anyway_are_not_judged():
    (result,) = run_row(row_of(race()), **CROWDED, anyway=True)
    assert result.verdict is Verdict.NOT_JUDGED
    assert result.figures == (4.0,) * 7


def test_tiny_data_is_not_judged():
    (result,) = run_row(row_of(race()), **FREE, tiny=True)
    assert result.verdict is Verdict.NOT_JUDGED
    assert "tiny" in result.note


def test_a_missing_peer_is_skipped_with_its_reason():
    (result,) = run_row(row_of(race(parity=never), needs=("no_such_peer",)), **FREE)
    assert result.verdict is Verdict.SKIPPED
    assert "no_such_peer" in result.note


def test_an_extrapolated_peer_is_said_to_be_one():
    (result,) = run_row(row_of(race(peer=0.25, peer_share=0.025)), **FREE)
    assert result.peer == (10.0,) * 7
    assert "1/40" in result.note


def test_an_interrupt_clears_away_what_was_set_up():
    left = []

    def interrupted():
        raise KeyboardInterrupt

    def trials(folder, tiny):
        try:
            yield Race("path", parity, interrupted, never)
        finally:
            left.append(folder)

    row = Row(99, "made up", "nobody", {"path": AtLeast(1.0)}, trials)
    with pytest.raises(KeyboardInterrupt):
        list(run_row(row, **FREE))
    assert left
    assert not left[0].exists()


def test_every_round_is_written_down():
    results = list(run_row(row_of(race(rounds=3)), **FREE))
    written = json.loads(document(results, versions={"python": "3"}))
    assert written["versions"] == {"python": "3"}
    assert written["results"][0]["peer"] == [4.0, 4.0, 4.0]
    assert written["results"][0]["ratio"]["median"] == 4.0
    assert written["results"][0]["verdict"] == "reaches"
