"""Fences the doctests of docstrings, which Markdown would otherwise take for quotations and links.

A griffe extension, named in mkdocs.yml: docstrings here show an example as a bare doctest,
without a section of its own around it.
"""

import re
from typing import Any

import griffe

# From a prompt to the next blank line or the end, each line with its own indentation.
_DOCTEST = re.compile(r"^([ ]*)>>> .*(?:\n(?!\s*$).*)*", re.MULTILINE)


def fence(text: str) -> str:
    """Return a docstring's text with each doctest in a fenced block."""
    return _DOCTEST.sub(lambda m: f"{m[1]}```pycon\n{m[0]}\n{m[1]}```", text)


class DoctestFences(griffe.Extension):
    """Changes docstrings while they are loaded; the source is left alone."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Fence one docstring."""
        if obj.docstring is not None:
            obj.docstring.value = fence(obj.docstring.value)
