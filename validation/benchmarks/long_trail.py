"""Audit trails of a length that appending one by one would take hours to reach."""

import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from medclf.audit.checkpoint import sign_checkpoint
from medclf.audit.database import DATABASE, PRIVATE_KEY, connect_to_append, write_frontier
from medclf.audit.event import JSON, Event
from medclf.audit.head import read_head
from medclf.audit.merkle import leaf_hash
from medclf.audit.signature import load_key
from medclf.audit.trail import Trail

TIME = "2026-01-02T03:04:05.000000Z"
FACTS: dict[str, JSON] = {
    "instance": "sha256:" + "0" * 64,
    "package": "sha256:" + "1" * 64,
    "status": "OK",
}
# VmHWM (proc_pid_status(5)), because ru_maxrss still counts the process before exec.
_VERIFY = """
import sys, time
from pathlib import Path
from medclf.audit.verification import verify_trail
began = time.perf_counter()
size = verify_trail(Path(sys.argv[1])).size
took = time.perf_counter() - began
status = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
print(size, took, status["VmHWM"].split()[0])
"""


@dataclass(frozen=True)
class Verified:
    """What verifying in a process of its own came to; its memory includes Python."""

    size: int
    seconds: float
    memory_mb: float


def write_long_trail(folder: Path, events: int) -> None:
    """Write, in one transaction, the trail that so many appends would leave."""
    Trail.open(folder, clock=lambda: datetime.now(UTC)).close()
    key = load_key(folder / PRIVATE_KEY)
    with closing(connect_to_append(folder / DATABASE)) as connection:
        head = read_head(connection, key.public)
        frontier, checkpoint = head.frontier, head.checkpoint
        connection.execute("BEGIN IMMEDIATE")
        for number in range(1, events + 1):
            body = Event(number, TIME, "service", "opinion.given", FACTS).encode()
            leaf = leaf_hash(body)
            frontier = frontier.append(leaf)
            checkpoint = sign_checkpoint(
                key,
                size=number,
                root=frontier.root,
                time=TIME,
                previous=checkpoint.digest,
            )
            connection.execute("INSERT INTO events VALUES (?, ?, ?)", (number, body.decode(), leaf))
            connection.execute("INSERT INTO checkpoints VALUES (?, ?)", (number, checkpoint.text))
        write_frontier(connection, frontier)
        connection.execute("COMMIT")


def verify_alone(folder: Path) -> Verified:
    """Verify a trail in a fresh process."""
    command = [sys.executable, "-c", _VERIFY, str(folder)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return Verified(int(told[0]), float(told[1]), int(told[2]) / 1024)
