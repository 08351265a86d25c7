"""Lets the processes that `torchrun` started train one study: the first leads, the others help.

The first one ingests, prepares, probes, calibrates, packs, records and prints. The others wait,
take part in each fine-tuning, and write nothing but pictures that their host's cache lacks.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from medclf.errors import ModelMisuse, TrainingDiverged
from medclf.model.network import Network
from medclf.model.processes import Processes, launched_together, meet, part
from medclf.study.assignment import Assignment, carry_out
from medclf.study.home import Home
from medclf.study.prepare import open_pictures
from medclf.study.progress import silent


@contextmanager
def joined() -> Iterator[Processes]:
    """Meet the other processes, where there are any; the first one lets them go at the end.

    After an error they are not let go: they may be in the middle of a step, and `torchrun` ends
    them.
    """
    if not launched_together():
        yield Processes.here()
        return
    processes = meet()
    yield processes
    if processes.first:
        processes.shared(None)  # no more work
    part()


def follow(home: Home) -> None:
    """Help the first process until it has no more work.

    Args:
        home: whose cache of prepared pictures is used.

    Raises:
        ProcessLost: the first process has ended before.
        MedclfError: the study's pictures cannot be had here.
    """
    processes = Processes.here()
    while True:
        assignment: Assignment | None = processes.shared(None)
        if assignment is None:
            return
        config = assignment.config
        _, pictures, _ = open_pictures(config, home=home, progress=silent)
        processes.gathered(pictures.digest)  # the first one compares
        network = Network(config.architecture, dropout=config.fit.dropout)
        try:
            carry_out(assignment, network, pictures.array, progress=silent)
        except (TrainingDiverged, ModelMisuse):
            continue  # every process sees it, and the first one tells
