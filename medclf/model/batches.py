"""Cuts an epoch into steps, passes and shares, and reads their pictures ahead of time."""

import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from medclf.model.features import Pictures
from medclf.model.fit_config import FitConfig
from medclf.model.mixup import draw_partners
from medclf.model.part import Part
from medclf.model.processes import Processes
from medclf.model.randomness import Purpose, stream_seed
from medclf.model.sampling import draw_cases

_READERS = 2  # threads; reading is copying out of the page cache
_AHEAD = 4  # pieces read before they are asked for


@dataclass(frozen=True, slots=True)
class Piece:
    """What one process learns from in one pass of one step.

    Where pictures are mixed, the partners follow in a second half.

    Attributes:
        pictures: (b, size, size[, 3]) uint8 or uint16; pinned for a GPU.
        truth: (b,) int64, or (b, findings).
        places: (b,) int64, where they stand in the batch of the whole step.
        batch: pictures of the whole step.
        step: of the epoch, from 0.
        last: whether the step ends with this pass.
    """

    pictures: Tensor
    truth: Tensor
    places: Tensor
    batch: int
    step: int
    last: bool


@dataclass(frozen=True)
class Batches:
    """The train part as the engine takes it, step by step.

    Attributes:
        pictures: all prepared pictures.
        train: those to learn from.
        config: batch, accumulate, sampling, mixup.
        seed: of the order.
        processes: that share every batch.
        pinned: read ahead in threads, into memory that a GPU can fetch from.
    """

    pictures: Pictures
    train: Part
    config: FitConfig
    seed: int
    processes: Processes
    pinned: bool

    @property
    def per_epoch(self) -> int:
        """Steps of an epoch; cases that fill no whole batch wait for another epoch."""
        return max(len(self.train.rows) // self.config.batch, 1)

    def of(self, epoch: int) -> "Reading":
        """Return the pieces of an epoch, counted from 0, for this process."""
        return Reading(self, epoch)

    def plan(self, epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray, int, int, bool]]:
        """Yield cases, places, batch, step, last for each piece of this process."""
        generator = torch.Generator()
        generator.manual_seed(stream_seed(self.seed, Purpose.ORDER, epoch))
        order = draw_cases(self.train.truth, self.config.sampling, generator)
        for step in range(self.per_epoch):
            cases = order[step * self.config.batch : (step + 1) * self.config.batch]
            partners = draw_partners(len(cases), self.seed, epoch, step).numpy()
            passes = np.array_split(np.arange(len(cases)), self.config.accumulate)
            for number, one in enumerate(passes):
                places = np.array_split(one, self.processes.count)[self.processes.rank]
                if self.config.mixup:
                    places = np.concatenate([places, partners[places]])
                last = number + 1 == len(passes)
                yield cases[places], places, len(cases), step, last

    def read(self, piece: tuple[np.ndarray, np.ndarray, int, int, bool]) -> Piece:
        """Copy the pictures of a piece out of the cache."""
        cases, places, batch, step, last = piece
        pictures = torch.from_numpy(np.ascontiguousarray(self.pictures[self.train.rows[cases]]))
        truth = torch.from_numpy(self.train.truth[cases])
        if self.pinned:
            pictures, truth = pictures.pin_memory(), truth.pin_memory()
        return Piece(pictures, truth, torch.from_numpy(places), batch, step, last)


class Reading:
    """The pieces of one epoch, read ahead where that pays off, and the time it was waited for.

    Attributes:
        waited_s: seconds until now.
    """

    def __init__(self, batches: Batches, epoch: int) -> None:
        self._batches = batches
        self._plan = batches.plan(epoch)
        self.waited_s = 0.0

    def __iter__(self) -> Iterator[Piece]:
        pieces = self._ahead() if self._batches.pinned else map(self._batches.read, self._plan)
        while True:
            began = time.monotonic()
            piece = next(pieces, None)
            self.waited_s += time.monotonic() - began
            if piece is None:
                return
            yield piece

    def _ahead(self) -> Iterator[Piece]:
        with ThreadPoolExecutor(_READERS, thread_name_prefix="medclf-read") as readers:
            waiting: deque[Future[Piece]] = deque()
            try:
                for planned in self._plan:
                    waiting.append(readers.submit(self._batches.read, planned))
                    if len(waiting) > _AHEAD:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for left in waiting:
                    left.cancel()
