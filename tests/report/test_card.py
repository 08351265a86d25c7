"""The model card as a reader of the package meets it."""

from dataclasses import replace

from medclf.evaluate.compare import Difference
from medclf.evaluate.evaluation import Estimate
from medclf.evaluate.readers import Compared
from medclf.report.card import model_card


def test_card_has_the_six_headings_in_order(card):
    heads = [line for line in model_card(card).splitlines() if line.startswith("## ")]
    assert heads == [
        "## Overview",
        "## Intended use",
        "## Training data",
        "## Performance",
        "## Limits",
        "## Maintenance",
    ]


def test_same_facts_give_the_same_card(card):
    assert model_card(card) == model_card(replace(card))


def test_card_words_figures_with_interval_and_n(card):
    assert "| AUC (ROC) | 0.912 | 0.880 to 0.940 | DeLong 95 % | 300 |" in model_card(card)


def test_text_from_outside_cannot_break_the_markdown(card):
    text = model_card(card)
    assert "One \\| centre, &lt;b>few&lt;/b> devices." in text


def test_card_says_when_data_are_made_up_and_when_nobody_maintains(card):
    assert "made up" in model_card(replace(card, made_up=True))
    assert "made up" not in model_card(card)
    assert "Not stated" in model_card(card)
    assert "call 1234" in model_card(replace(card, maintenance="call 1234"))


def test_card_without_figures_says_none(card):
    assert "None." in model_card(replace(card, performance={}))


def test_card_sets_simpler_readers_beside_the_network(card):
    of = Estimate(0.8, 0.75, 0.85, "DeLong 95 %", 300)
    ahead = Difference(0.112, 0.05, 0.17, 0.0004, "paired DeLong, 95 %", 300)
    beside = (
        Compared("network", "auc", "", card.performance["auc"], None),
        Compared("trivial", "auc", "", of, ahead),
    )
    text = model_card(replace(card, beside=beside, beside_notes=("Look | out.",)))
    row = "| intensity statistics | AUC (ROC) | 0.800 | 0.750 to 0.850 | +0.112 | +0.050 to +0.170 "
    assert row + "| &lt; 0.001 |" in text
    assert "| network | AUC (ROC) | 0.912 | 0.880 to 0.940 |  |  |  |" in text
    assert "**Look \\| out.**" in text


def test_card_says_why_nothing_stands_beside_the_network(card):
    assert "\n\nNo baseline.\n\n" in model_card(replace(card, beside_notes=("No baseline.",)))
    assert "Beside it" not in model_card(card)
