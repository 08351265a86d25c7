"""The page and the JSON as their readers meet them: browsers, machines, screen readers."""

import json
import re
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from medclf.errors import ReportMisuse
from medclf.evaluate.evaluation import Estimate, Evaluation, Flow, Outcome
from medclf.report.page import render_page, write_report

VOID = {"meta", "link", "br", "img", "hr", "input"}
KEY_METRICS = [
    "auc",
    "sensitivity",
    "specificity",
    "ppv",
    "npv",
    "f1",
    "balanced_accuracy",
    "ece",
    "brier",
]


class Page(HTMLParser):
    """Checks that tags close in order and gathers what accessibility needs."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.faults: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"{tag} closes out of order at {self.getpos()}")

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(params=["binary", "three_classes", "twelve_classes", "nothing_read"])
def evaluation(request, binary):
    if request.param == "nothing_read":
        return nothing_read(binary)
    return request.getfixturevalue(request.param)


def nothing_read(known: Evaluation) -> Evaluation:
    unknown = Estimate(float("nan"), 0.0, 1.0, "none", 0)
    return replace(
        known,
        flow=Flow(50, 0, 0, 0, 50, 0, {"abstained": {"unlike_training": 50}}),
        metrics=dict.fromkeys(known.metrics, unknown),
        per_label={"pneumonia": {"auc": unknown}},
        confusion=((0, 0), (0, 0)),
        operating_points=(),
        curves=(),
        reliability=(),
        reliability_uncalibrated=(),
        subgroups=(),
        verdicts=tuple(
            replace(verdict, estimate=unknown, verdict=Outcome.INCONCLUSIVE)
            for verdict in known.verdicts
        ),
        notes=(),
    )


def test_page_is_well_formed_and_accessible(evaluation, context_for):
    text = render_page(evaluation, context_for(evaluation))
    page = Page(text)
    assert page.faults == []
    assert page.open == []
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all("scope" in heading for heading in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(drawing["role"] == "img" for drawing in page.all("svg"))
    assert all(drawing["aria-label"] for drawing in page.all("svg"))
    names = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(names) == len(set(names))
    assert {link["href"] for link in page.all("a")} <= {f"#{name}" for name in names}


def test_page_loads_nothing_and_runs_nothing(evaluation, context_for):
    text = render_page(evaluation, context_for(evaluation))
    assert len(text.encode()) < 5_000_000
    assert "<script" not in text
    assert "http:" not in text
    assert "https:" not in text
    assert "nan" not in re.sub(r"<style>.*</style>", "", text, flags=re.DOTALL).split()


def test_json_is_strict_and_holds_every_key_metric(evaluation, context_for, tmp_path):
    _, path = write_report(evaluation, context_for(evaluation), tmp_path)
    text = path.read_text(encoding="utf-8")
    found = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert found["format"] == "medclf-report/1"
    for key in KEY_METRICS:
        assert set(found["metrics"][key]) == {"estimate", "low", "high", "method", "n"}
    assert text == json.dumps(found, sort_keys=True, indent=1, ensure_ascii=False) + "\n"
    assert found["protocol"]["digest"] == evaluation.protocol_digest
    assert {verdict["verdict"] for verdict in found["verdicts"]} <= {item.value for item in Outcome}


def test_same_inputs_give_the_same_json_whenever_written(binary, context_for, tmp_path):
    context = context_for(binary)
    later = replace(context, generated_at=context.generated_at.replace(year=2031))
    first_page, first = write_report(binary, context, tmp_path / "first")
    second_page, second = write_report(binary, later, tmp_path / "second")
    assert first.read_bytes() == second.read_bytes()
    pairs = zip(
        first_page.read_text().splitlines(), second_page.read_text().splitlines(), strict=True
    )
    assert sum(one != other for one, other in pairs) == 1


def test_undefined_figures_are_null_and_worded(binary, context_for, tmp_path):
    evaluation = nothing_read(binary)
    page, path = write_report(evaluation, context_for(evaluation), tmp_path)
    assert json.loads(path.read_text())["metrics"]["auc"]["estimate"] is None
    assert "not estimable" in page.read_text()
    assert "No case has an opinion" in page.read_text()


def test_verdicts_stand_first_in_words_not_only_in_colour(binary, context_for):
    text = render_page(binary, context_for(binary))
    assert text.index("2 endpoints: 1 met, 1 not met") < text.index("Intended use and protocol")
    assert "✓</span>met" in text
    assert "✕</span>not met" in text
    assert "(90 %)" in text


def test_figures_are_shown_with_three_decimals(binary, context_for):
    auc = binary.metrics["auc"]
    text = render_page(binary, context_for(binary))
    assert f"{auc.estimate:.3f}</td>" in text
    assert f"{auc.low:.3f} to {auc.high:.3f}" in text
    assert repr(auc.estimate) not in text


def test_banners_tell_made_up_data_and_a_missing_release(binary, context_for):
    plain = render_page(binary, context_for(binary, released=True))
    loud = render_page(binary, context_for(binary, made_up=True))
    assert "The data are made up." in loud
    assert "Not released." in loud
    assert "The data are made up." not in plain
    assert "Not released." not in plain


def test_text_from_outside_cannot_become_markup(binary, context_for):
    text = render_page(
        binary,
        context_for(binary, title="<script>alert(1)</script>", deviations=("a <b> c",)),
    )
    assert "<script" not in text
    assert "a &lt;b&gt; c" in text
    assert "tests &lt;of&gt; the report" in text


def test_full_digests_and_standing_limitations_are_printed(binary, context_for):
    context = context_for(binary)
    text = render_page(binary, context)
    assert context.package_digest in text
    assert binary.protocol_digest in text
    assert "never claims compliance" in text
    assert "One simulated centre." in text


def test_without_endpoints_the_report_says_that_it_only_describes(binary, context_for):
    text = render_page(replace(binary, verdicts=()), context_for(binary))
    assert "No endpoint was fixed beforehand" in text


def test_a_package_with_other_labels_is_refused_and_nothing_written(
    binary, three_classes, context_for, tmp_path
):
    with pytest.raises(ReportMisuse, match="different labels"):
        write_report(binary, context_for(three_classes), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_report_replaces_an_older_one_and_leaves_no_parts(binary, context_for, tmp_path):
    (tmp_path / "report.html").write_text("old")
    write_report(binary, context_for(binary), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "report.json"]
    assert (tmp_path / "report.html").read_text() != "old"


def test_every_colour_keeps_a_contrast_of_at_least_4_5():
    style = Path(render_page.__code__.co_filename).parent / "templates" / "style.css"
    light, dark = re.findall(r":root \{(.*?)\}", style.read_text(), flags=re.DOTALL)[:2]
    for theme in (light, dark):
        colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", theme))
        for name in ("ink", "quiet", "blue", "orange", "teal", "plum", "good", "bad", "open"):
            for ground in ("paper", "card"):
                assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
        for name in ("open", "note"):
            assert contrast(colours[name], colours[f"{name}-ground"]) >= 4.5, name
        assert contrast(colours["ink"], colours["note-ground"]) >= 4.5


def contrast(one: str, other: str) -> float:
    """WCAG 2.2 contrast ratio."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.peer
def test_chromium_prints_the_page(binary, context_for, tmp_path, program):
    chromium = program("chromium")
    page, _ = write_report(binary, context_for(binary), tmp_path)
    target = tmp_path / "report.pdf"
    quiet = ("gpu", "quic", "background-networking", "component-update", "sync")
    options = ["--headless", "--no-sandbox", "--no-first-run", *(f"--disable-{x}" for x in quiet)]
    done = subprocess.run(
        [
            chromium,
            *options,
            f"--user-data-dir={tmp_path / 'profile'}",
            f"--print-to-pdf={target}",
            page.as_uri(),
        ],
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0
    assert target.read_bytes().startswith(b"%PDF")
