"""A peer that lives in a Python of its own, since its licence or versions must not meet ours.

`pylibjpeg-libjpeg` is under the GPL: nothing here imports it, ships it or depends on it. As with
R, which the statistics are held against, it is another program, asked over a pipe. `make
bench-peers` installs it into `.venv-peers`; without that folder its race is skipped.
"""

import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from validation.benchmarks.row import Seconds

PYTHON = Path(".venv-peers/bin/python")
LIBRARIES = "pylibjpeg-libjpeg"


@contextmanager
def peer_apart(file: Path, python: Path = PYTHON) -> Generator["PeerApart", None, None]:
    """Start a peer that decodes one DICOM file, and stop it afterwards.

    Raises:
        RuntimeError: the peer does not start.
    """
    with subprocess.Popen(
        [python, "-I", Path(__file__).with_name("decoding_peer.py"), file],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield PeerApart(process)
        finally:
            process.kill()


class PeerApart:
    """A process that decodes when told and says how long it took by its own clock."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def ask(self) -> dict[str, Any]:
        """Decode once; `seconds`, `sha256` of the samples, and `version` of the decoder.

        Raises:
            RuntimeError: the peer died.
        """
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the peer has no pipes")
        self._process.stdin.write("decode\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the peer ended; try `make bench-peers` ({sys.platform})")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def run(self) -> Seconds:
        """Decode once and return the peer's own time."""
        return Seconds(self.ask()["seconds"])
