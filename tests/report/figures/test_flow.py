"""The flow of participants: every count is told, no text leaves its box."""

import re

from medclf.report.figures.flow import Stage, flow

STAGES = (
    Stage(
        title="Images given",
        count=1200,
        leaving="Refused files",
        left=12,
        reasons=(("transfer_syntax_unsupported", 11), ("truncated", 1)),
    ),
    Stage(title="Cases with an opinion", count=1188),
)


def test_every_count_is_drawn_and_told():
    svg = flow(STAGES, ends=(Stage("Called positive", 200), Stage("Called negative", 988)))
    for text in ("n = 1,200", "n = 12", "n = 1,188", "n = 200", "n = 988"):
        assert f">{text}</text>" in svg
    assert "Images given 1200, refused files 12" in svg


def test_a_long_reason_is_wrapped_not_cut():
    svg = flow(STAGES)
    lines = re.findall(r'class="label">([^<]*)<', svg)
    assert max(len(line.strip()) for line in lines) <= 22
    assert "11 × transfer syntax unsupported" in " ".join(line.strip() for line in lines)


def test_one_stage_alone_is_a_diagram():
    assert flow((Stage("Images given", 0),)).startswith("<svg")
