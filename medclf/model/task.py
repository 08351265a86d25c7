"""What a network is asked: one label of several, a grade, or several findings at once.

Every task gives `scores` of shape (batch, labels). For exclusive labels and grades they become
probabilities by softmax; for findings each by its own sigmoid.
"""

from enum import StrEnum


class Task(StrEnum):
    """How the labels of one picture relate."""

    EXCLUSIVE = "exclusive"  # one of two or more
    ORDINAL = "ordinal"  # one of several grades, in the order of `labels`
    FINDINGS = "findings"  # each present or absent by itself; some not told
