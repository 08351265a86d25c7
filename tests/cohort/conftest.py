"""Small made-up files and cohorts for the tests of this room."""

from collections.abc import Callable
from pathlib import Path

import pytest

from medclf.cohort.case import Case
from medclf.cohort.manifest import Manifest
from medclf.digest import digest_bytes


@pytest.fixture
def secret() -> bytes:
    return b"0123456789abcdef0123456789abcdef"


@pytest.fixture
def make_manifest() -> Callable[..., Manifest]:
    """A manifest of cases without files; each is given as a dict of what matters."""

    def make(*cases: dict[str, object], base: Path = Path("/nowhere")) -> Manifest:
        full = []
        for number, case in enumerate(cases):
            path = str(case.get("path", f"{number:05d}.png"))
            name = digest_bytes(str(case.get("picture", path)).encode())
            facts = {"path": path, "digest": name, "label": "a", "line": number + 2, **case}
            full.append(Case(**{**facts, "picture": name}))
        return Manifest.from_cases(full, base=base)

    return make
