"""report.json: the whole report for a machine, byte for byte the same from the same inputs."""

import json
import math
import operator
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from medclf.evaluate.evaluation import Evaluation
from medclf.report.context import STANDING_LIMITATIONS, ReportContext

FORMAT = "medclf-report/1"


def report_values(evaluation: Evaluation, context: ReportContext) -> dict[str, Any]:
    """Return the content of report.json as plain values; the time of writing is left out."""
    found = evaluation.as_json()
    return {
        "format": FORMAT,
        "title": context.title,
        "made_up": context.made_up,
        "released": context.released,
        "package": {"digest": context.package_digest, **_finite(asdict(context.package))},
        "protocol": {**found["protocol"], "digest": evaluation.protocol_digest},
        "task": found["task"],
        "labels": found["labels"],
        "positive": found["positive"],
        "confidence": found["confidence"],
        "metrics": found["metrics"],
        "per_label": found["per_label"],
        "confusion": {
            "labels": found["labels"],
            "rows": "truth",
            "columns": "decided",
            "counts": found["confusion"],
        },
        "operating_points": found["operating_points"],
        "flow": found["flow"],
        "curves": found["curves"],
        "reliability": found["reliability"],
        "reliability_uncalibrated": found["reliability_uncalibrated"],
        "subgroups": found["subgroups"],
        "verdicts": found["verdicts"],
        "notes": found["notes"],
        "data": _finite(asdict(context.data)),
        "baselines": _finite({name: asdict(row) for name, row in context.baselines.items()}),
        "deviations": list(context.deviations),
        "limitations": [*context.limitations, *STANDING_LIMITATIONS],
        "lineage": {
            **context.lineage,
            "package": context.package_digest,
            "protocol": evaluation.protocol_digest,
            "manifest": context.data.manifest_digest,
            "weights": context.package.weights_digest,
        },
    }


def report_text(values: Mapping[str, Any]) -> str:
    """Return JSON with sorted keys, an indent of one, and floats in their shortest form."""
    return (
        json.dumps(
            values,
            sort_keys=True,
            indent=1,
            ensure_ascii=False,
            allow_nan=False,
            default=operator.index,  # counts that are numpy integers
        )
        + "\n"
    )


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_finite(item) for item in value]
    return value
