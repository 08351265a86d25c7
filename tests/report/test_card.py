"""The model card as a reader of the package meets it."""

from dataclasses import replace

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
