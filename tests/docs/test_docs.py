"""Links lead somewhere, examples compile, command lines parse, the site builds."""

import ast
import importlib
import importlib.util
import inspect
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer

import medclf
from medclf.cli.app import app

REPOSITORY = Path(__file__).resolve().parents[2]
DOCS = REPOSITORY / "docs"
PAGES = [*sorted(REPOSITORY.glob("*.md")), *sorted(DOCS.rglob("*.md"))]
COMMANDS = typer.main.get_command(app)

_SHELL_SIGNS = "|&;(){}\n<>"


@dataclass(frozen=True)
class Block:
    """One fenced block; `line` is that of its opening fence."""

    page: Path
    line: int
    language: str
    text: str
    skipped: bool

    def __str__(self) -> str:
        return f"{self.page.relative_to(REPOSITORY)}:{self.line}"


def _blocks(page: Path) -> list[Block]:
    found: list[Block] = []
    lines = page.read_text().splitlines()
    opened: int | None = None
    language = ""
    for number, line in enumerate(lines):
        fence = re.match(r"\s*```(\w*)", line)
        if fence and opened is None:
            opened, language = number, fence[1]
        elif fence and opened is not None:
            before = next((text for text in reversed(lines[:opened]) if text.strip()), "")
            text = "\n".join(lines[opened + 1 : number])
            found.append(Block(page, opened + 1, language, text, "<!-- skip -->" in before))
            opened = None
    if opened is not None:
        raise ValueError(f"{page}: the fence in line {opened + 1} is not closed")
    return found


def _prose(page: Path) -> str:
    return re.sub(r"(?ms)^\s*```.*?^\s*```", "", page.read_text())


def _anchors(page: Path) -> set[str]:
    """Headings as GitHub and Python-Markdown both turn them into anchors."""
    headings = re.findall(r"(?m)^#+ (.+)$", _prose(page))
    return {
        re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower())
        for heading in headings
    }


def _command_lines(block: Block) -> list[list[str]]:
    """Return the arguments of each medclf command of a block."""
    text = re.sub(r"(?m)(^|\s)#.*$", "", re.sub(r"\\\n", " ", block.text))
    words = shlex.shlex(text, posix=True, punctuation_chars=_SHELL_SIGNS)
    words.whitespace, words.whitespace_split, words.commenters = " \t", True, ""
    calls: list[list[str]] = [[]]
    for word in words:
        if set(word) <= set(_SHELL_SIGNS):
            calls.append([])
        elif calls[-1] or not re.match(r"[A-Za-z_]\w*=", word):  # a variable for this command
            calls[-1].append(word)
    return [call[1:] for call in calls if call and Path(call[0]).name == "medclf"]


BLOCKS = [block for page in PAGES for block in _blocks(page)]
PYTHON = [block for block in BLOCKS if block.language == "python" and not block.skipped]
CALLS = [
    pytest.param(call, id=f"{block} {' '.join(call[:2])}")
    for block in BLOCKS
    if block.language == "bash"
    for call in _command_lines(block)
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_relative_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", _prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        goal = (page.parent / name).resolve() if name else page
        assert goal.exists(), target
        assert goal.is_relative_to(DOCS if page.is_relative_to(DOCS) else REPOSITORY), target
        if anchor:
            assert anchor in _anchors(goal), target


def test_there_are_examples_to_check():
    assert len(PYTHON) >= 5
    assert len(CALLS) >= 20


@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_every_python_example_compiles_and_names_what_exists(block):
    tree = ast.parse(block.text)
    compile(tree, str(block), "exec")
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("medclf"):
            module = importlib.import_module(str(node.module))
            assert not [name.name for name in node.names if not hasattr(module, name.name)]
        elif _is_of_medclf(node):
            assert node.attr in medclf.__all__
        if isinstance(node, ast.Call) and _is_of_medclf(node.func):
            function = getattr(medclf, node.func.attr)
            named = {word.arg: word for word in node.keywords if word.arg}  # not those of a **dict
            inspect.signature(function).bind(*node.args, **named)


def _is_of_medclf(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "medclf"
    )


@pytest.mark.parametrize("call", CALLS)
def test_every_command_line_parses(call):
    command, arguments = COMMANDS, list(call)
    while hasattr(command, "commands") and arguments and not arguments[0].startswith("-"):
        name = arguments.pop(0)
        assert name in command.commands
        command = command.commands[name]
    if not {"--help", "-h", "--version"} & set(arguments):
        command.make_context("medclf", arguments)  # an unknown option or a wrong value raises


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path):
    if importlib.util.find_spec("mkdocs") is None or importlib.util.find_spec("material") is None:
        pytest.skip("mkdocs-material is not installed (extra docs)")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    page = (tmp_path / "index.html").read_text()
    assert not re.findall(r"""(?:src|href)=["']https?://""", page)
