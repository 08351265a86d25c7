"""What a script declares: one row of the performance table, with its bars, races and gauges."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Seconds(float):
    """What a run timed by itself, where setting up and clearing away must not count."""


class ParityBroken(Exception):
    """Ours and the peer do not give the same, so their times say nothing."""


def require(same: object, what: str) -> None:
    """Refuse to go on when a parity does not hold.

    Raises:
        ParityBroken: `same` is not true.
    """
    if not same:
        raise ParityBroken(what)


@dataclass(frozen=True, slots=True)
class AtLeast:
    """The peer must take at least this many times as long as ours, in the median."""

    bound: float
    unit: str = "×"

    def __str__(self) -> str:
        return f"≥ {self.bound:g} {self.unit}"

    def met_by(self, figure: float) -> bool:
        """Say whether a figure reaches the bar."""
        return figure >= self.bound


@dataclass(frozen=True, slots=True)
class AtMost:
    """A figure of ours must be at most this, in the median."""

    bound: float
    unit: str

    def __str__(self) -> str:
        return f"≤ {self.bound:g} {self.unit}"

    def met_by(self, figure: float) -> bool:
        """Say whether a figure reaches the bar."""
        return figure <= self.bound


@dataclass(frozen=True, slots=True)
class Race:
    """Two ways to the same result.

    Attributes:
        what: key of the row's bars.
        parity: calls `require`; by running both ways it also warms them up.
        ours: one run; its wall time counts unless it returns `Seconds`.
        peer: likewise.
        rounds: pairs of runs.
        peer_share: part of our work that one run of a slow peer does, in (0, 1]; its time is
            divided by it, and the note says so.
        note: printed with the result.
    """

    what: str
    parity: Callable[[], None]
    ours: Callable[[], object]
    peer: Callable[[], object]
    rounds: int = 7
    peer_share: float = 1.0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Gauge:
    """A figure of ours alone, in the unit of its bar."""

    what: str
    parity: Callable[[], None]
    ours: Callable[[], float]
    rounds: int = 1
    note: str = ""


@dataclass(frozen=True, slots=True)
class Skip:
    """A race whose peer is not here."""

    what: str
    reason: str


Trials = Generator[Race | Gauge | Skip, None, None]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the performance table.

    Attributes:
        number: in the table.
        title: the hot path.
        peer: what a user would pick instead.
        bars: what has to be reached, by the name of the race or gauge.
        trials: given an empty folder and whether to keep it tiny, yields the trials; each is
            run before the next is asked for, so that they may share what was set up.
        needs: modules without which there is no peer.
        threads: that each side may use.
    """

    number: int
    title: str
    peer: str
    bars: Mapping[str, AtLeast | AtMost]
    trials: Callable[[Path, bool], Trials]
    needs: tuple[str, ...] = ()
    threads: int = 1


class Verdict(StrEnum):
    """What became of a bar."""

    REACHES = "reaches"
    FALLS_SHORT = "falls short"
    NOT_JUDGED = "not judged"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Result:
    """One bar of one row.

    Attributes:
        row: what was run.
        what: key of the row's bars.
        verdict: by the median.
        ours: seconds of each round; for a gauge the figures, in the unit of the bar.
        peer: seconds of each round, extrapolated to our work; empty for a gauge.
        note: why there is no verdict, or what to know about it.
        broken: parity did not hold, or the script failed.
    """

    row: Row
    what: str
    verdict: Verdict
    ours: tuple[float, ...] = ()
    peer: tuple[float, ...] = ()
    note: str = ""
    broken: bool = False

    @property
    def figures(self) -> tuple[float, ...]:
        """What the bar is held against: ratios pair by pair, or a gauge's figures."""
        if not self.peer:
            return self.ours
        return tuple(peer / ours for ours, peer in zip(self.ours, self.peer, strict=True))
