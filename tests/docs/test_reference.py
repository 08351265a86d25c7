"""The tables of the reference say exactly what the code does: codes, keys, defaults, columns."""

import ast
import inspect
import re
import tomllib
from pathlib import Path

import pytest
import typer
import yaml
from pydantic import BaseModel

import medclf
from medclf import errors
from medclf.calibrate.threshold import OperatingRule
from medclf.cli import audit, cache, deidentify, leakage, opinions, studies, variant
from medclf.cli.app import app
from medclf.cohort.labels import KNOWN_COLUMNS
from medclf.evaluate.protocol import Bound, Endpoint, Protocol
from medclf.model.export import NETWORK
from medclf.opinion import Decision, Finding, Opinion, Status
from medclf.reasons import Reason
from medclf.report import document
from medclf.service.failure import Failure, family_of, status_of
from medclf.study import pack
from medclf.study.config import StudyConfig

REPOSITORY = Path(__file__).resolve().parents[2]
FAULTS = {errors.InputError, errors.MisuseError, errors.TamperingError, errors.UnavailableError}
INTERFACES = "docs/reference/interfaces.md"
FILES = "docs/reference/files.md"


def _literal_keys(code: object, call: str) -> set[str]:
    """Return the keys of every dict that is written out as an argument of `call` in some code."""
    tree = ast.parse(inspect.getsource(code))  # type: ignore[arg-type]
    return {
        key.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == call
        for argument in node.args
        if isinstance(argument, ast.Dict)
        for key in argument.keys
        if isinstance(key, ast.Constant)
    }


def _settings(model: type[BaseModel], prefix: str = "") -> dict[str, object]:
    """Return every key of a configuration with its default; ... where one is needed."""
    found: dict[str, object] = {}
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel) and kind is not OperatingRule:
            found |= _settings(kind, f"{prefix}{name}.")
            continue
        default = ... if field.is_required() else field.get_default(call_default_factory=True)
        found[prefix + name] = default.text if isinstance(default, OperatingRule) else default
    return found


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return list(value)
    return value if value is None or isinstance(value, bool | int | float | dict) else str(value)


def _told_default(cell: str) -> object:
    return ... if cell in {"needed", "the study's"} else yaml.safe_load(cell.strip("`"))


def test_the_page_of_reasons_lists_exactly_the_codes_with_their_advice(rows_of, names_in):
    rows = rows_of("docs/reference/reasons.md")
    assert len(rows) == len(Reason)
    assert {names_in(row[0])[0]: row[1] for row in rows} == {r.value: r.advice for r in Reason}
    abstained = {names_in(row[0])[0] for row in rows if row[2] == "`ABSTAINED`"}
    assert abstained == {"unlike_training", "output_not_finite"}
    assert {row[2] for row in rows} == {"`REJECTED`", "`ABSTAINED`", "never"}


def test_the_page_of_exit_codes_equals_the_classes_of_errors(rows_of, names_in):
    raised = {
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.MedclfError) and kind.exit_code != 1 and kind not in FAULTS
    }
    rows = rows_of(INTERFACES, under="## Exit codes")
    told = {(name, names_in(row[0])[0]) for row in rows for name in names_in(row[2])}
    assert told == {(kind.__name__, str(kind.exit_code)) for kind in raised}
    codes = [names_in(row[0])[0] for row in rows]
    assert codes == ["0", "1", *(str(n) for n in sorted(f.exit_code for f in FAULTS)), "130"]
    assert all(re.search(rf"\b{code}\b", str(app.info.epilog)) for code in codes)


def test_the_failures_of_a_call_are_those_of_the_service(rows_of, names_in):
    rows = rows_of(INTERFACES, under="## Failures of a gRPC call")
    told = {(names_in(code)[0], status, names_in(family)[0]) for code, status, family in rows}
    assert told == {(f.value, status_of(f).name, family_of(f).__name__) for f in Failure}


def test_the_keys_of_an_opinion_are_told(rows_of, names_in):
    finding = Finding("opacity", 0.5, Decision.POSITIVE, "youden", 0.4)
    opinion = Opinion(Status.OK, "sha256:a", "sha256:b", findings=(finding,)).as_json("a.dcm")
    keys = {*opinion, *(f"findings[].{key}" for key in opinion["findings"][0])}
    rows = rows_of(INTERFACES, under="## Opinions: `read --json` and `ask --json`")
    assert {names_in(row[0])[0] for row in rows} == keys


@pytest.mark.parametrize("command", [studies.train, studies.validate])
def test_the_keys_that_a_long_command_prints_are_told(command, rows_of, names_in):
    rows = rows_of(INTERFACES, under=f"## `{command.__name__} --json`")
    assert {names_in(row[0])[0] for row in rows} == _literal_keys(command, "print_json")


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("init", studies.init),
        ("dicomize", studies.dicomize),
        ("deidentify", deidentify.deidentify),
        ("ingest", studies.ingest),
        ("leakage", leakage.leakage),
        ("release", studies.release),
        ("variant", variant.variant),
        ("serve", opinions.serve),
        ("cache list", cache.list_pictures),
        ("cache prune", cache.prune),
        ("audit verify", audit.verify),
    ],
)
def test_the_keys_that_a_short_command_prints_are_told(name, command, rows_of, names_in):
    rows = {names_in(row[0])[0]: row[1] for row in rows_of(INTERFACES, under="## Other commands")}
    line = re.sub(r"\[.*\]", "", names_in(rows[f"{name} --json"])[0])
    assert set(re.findall(r"\w+", line)) == _literal_keys(command, "print_json")


def test_the_keys_of_the_report_are_told(rows_of, names_in):
    (returned,) = (
        node.value
        for node in ast.walk(ast.parse(inspect.getsource(document.report_values)))
        if isinstance(node, ast.Return)
    )
    keys = {key.value for key in returned.keys if isinstance(key, ast.Constant)}
    rows = rows_of(INTERFACES, under="## `report.json`")
    assert {names_in(row[0])[0] for row in rows} == keys


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        ("## `study.yaml`", _settings(StudyConfig)),
        (
            "## The protocol",
            _settings(Protocol)
            | {f"endpoints[].{k}": v for k, v in _settings(Endpoint).items() if "." not in k}
            | {"endpoints[].bound": ...},
        ),
    ],
)
def test_every_key_of_a_configuration_is_told_with_its_default(
    heading, expected, rows_of, names_in
):
    rows = [row for row in rows_of(FILES, under=heading) if len(row) == 3]
    told = {names_in(row[0])[0]: _told_default(row[1]) for row in rows}
    assert told == {key: v if v is ... else _plain(v) for key, v in expected.items()}


def test_the_example_of_a_protocol_is_one():
    text = (REPOSITORY / "docs" / "tutorials" / "validator.md").read_text()
    example = yaml.safe_load(text.split("```yaml\n")[1].split("```")[0])
    assert Protocol.model_validate(example).endpoints[0].bound == Bound(above=0.85)


def test_every_column_of_a_labels_table_is_told(rows_of, names_in):
    rows = rows_of(FILES, under="## The labels table")
    assert {names_in(row[0])[0] for row in rows} == KNOWN_COLUMNS | {"label"}


def test_every_file_of_a_package_is_told(rows_of, names_in):
    told = {names_in(row[0])[0] for row in rows_of(FILES, under="## A package")}
    assert told == {"package.json", NETWORK, *_literal_keys(pack.pack, "write_package")}


def test_the_command_page_lists_every_command(rows_of, names_in):
    command = typer.main.get_command(app)
    known = {
        f"{name} {inner}".strip()
        for name, found in command.commands.items()
        for inner in getattr(found, "commands", {"": None})
    }
    rows = rows_of("docs/reference/command-line.md")
    assert {names_in(row[0])[0] for row in rows if len(row) == 4} == known


def test_the_python_page_lists_every_public_name():
    text = (REPOSITORY / "docs" / "reference" / "python.md").read_text()
    assert set(re.findall(r"\[`(\w+)`\]\[", text)) == set(medclf.__all__)


def test_the_house_shows_every_room_on_its_floor():
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    contracts = settings["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    floors = [{r.strip().removeprefix("medclf.") for r in floor.split("|")} for floor in layers]
    text = (REPOSITORY / "docs" / "explanation" / "house.md").read_text()
    drawing = text.split("```text\n")[1].split("```")[0]
    drawn: list[set[str]] = []
    for line in drawing.splitlines():
        row = re.match(r" {2}(\d| ) {2}(\w+) ", line)
        if row and row[1] != " ":
            drawn.append({row[2]})
        elif row:
            drawn[-1].add(row[2])
    doors = {"cli", "api", "images", "installation"}
    assert drawn == [floor for floor in floors if not floor & doors]
    assert all(f" {door} " in drawing for door in doors)
