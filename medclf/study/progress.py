"""How a long step tells the one who waits what it is doing."""

from collections.abc import Callable

Progress = Callable[[str, int, int, str], None]
"""Told (stage, done, total, note) as often as a step likes; must return quickly."""


def silent(stage: str, done: int, total: int, note: str) -> None:
    """Tell nobody."""
