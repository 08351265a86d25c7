import itertools
import os
import sqlite3
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime

import pytest

from medclf.audit.event import Event
from medclf.audit.merkle import leaf_hash
from medclf.audit.signature import create_key
from medclf.audit.trail import Trail, read_events
from medclf.errors import AuditMisuse, AuditTampered, AuditUnavailable

WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from medclf.audit.trail import Trail

with Trail.open(Path(sys.argv[1]), clock=lambda: datetime.now(UTC)) as trail:
    for number in range(int(sys.argv[2])):
        receipt = trail.append("test.written", actor=sys.argv[3], facts={"number": number})
        sys.stdout.write(f"{receipt.sequence}\\n")
        sys.stdout.flush()
"""


def writer(folder, count, name="writer"):
    command = [sys.executable, "-c", WRITER, str(folder), str(count), name]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_a_receipt_names_the_place_the_leaf_and_the_root(folder, clock):
    with Trail.open(folder, clock=clock) as trail:
        receipt = trail.append("test.done", actor="tester", facts={"digest": "sha256:00"})
        (event,) = trail.events(11)
        verified = trail.verify()

    assert receipt.sequence == event.sequence == verified.size == 11
    assert receipt.leaf == f"sha256:{leaf_hash(event.encode()).hex()}"
    assert receipt.root == verified.root
    assert (event.actor, event.action, event.facts) == (
        "tester", "test.done", {"digest": "sha256:00"},
    )  # fmt: skip


def test_a_new_trail_is_whole_and_empty(tmp_path, clock):
    with Trail.open(tmp_path / "a" / "b", clock=clock) as trail:
        assert trail.verify().size == 0
        assert list(trail.events()) == []
        assert trail.checkpoint().size == 0


def test_events_are_given_in_order_and_in_parts(folder):
    assert [event.sequence for event in read_events(folder)] == list(range(1, 11))
    assert [event.sequence for event in read_events(folder, start=4, limit=3)] == [4, 5, 6]
    assert list(read_events(folder, start=11)) == []


def test_the_mirror_is_the_newest_checkpoint(folder, clock):
    with Trail.open(folder, clock=clock) as trail:
        trail.append("test.done", actor="tester", facts={})

        assert (folder / "checkpoint.txt").read_text() == trail.checkpoint().text


def test_two_open_trails_take_turns(folder, clock):
    with Trail.open(folder, clock=clock) as one, Trail.open(folder, clock=clock) as two:
        got = [
            trail.append("test.done", actor="tester", facts={}).sequence
            for trail in (one, two, two, one)
        ]
        one.verify()

    assert got == [11, 12, 13, 14]


def test_a_refused_event_leaves_nothing(folder, clock):
    with Trail.open(folder, clock=clock) as trail:
        with pytest.raises(AuditMisuse, match="decimal string"):
            trail.append("test.done", actor="tester", facts={"probability": 0.5})

        assert trail.append("test.done", actor="tester", facts={}).sequence == 11


def test_threads_share_a_trail(folder, clock):
    got: list[int] = []
    with Trail.open(folder, clock=clock) as trail:

        def work():
            got.extend(
                trail.append("test.done", actor="thread", facts={}).sequence for _ in range(10)
            )

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        trail.verify()

    assert sorted(got) == list(range(11, 51))


def test_four_processes_write_two_hundred_events_without_a_gap(tmp_path, clock):
    folder = tmp_path / "audit"
    running = [writer(folder, 50, f"writer-{name}") for name in range(4)]
    got = sorted(int(line) for process in running for line in process.communicate()[0].split())

    assert [process.returncode for process in running] == [0] * 4
    assert got == list(range(1, 201))
    with Trail.open(folder, clock=clock) as trail:
        assert trail.verify().size == 200
        assert {event.actor for event in trail.events()} == {f"writer-{i}" for i in range(4)}


@pytest.mark.parametrize("delay_s", [0.0, 0.005, 0.02])
def test_a_killed_writer_leaves_a_whole_trail_with_all_it_acknowledged(tmp_path, clock, delay_s):
    folder = tmp_path / "audit"
    process = writer(folder, 100_000)
    first = [process.stdout.readline() for _ in range(20)]
    time.sleep(delay_s)
    process.kill()
    rest = process.communicate()[0]
    acknowledged = [int(line) for line in ("".join(first) + rest).splitlines()]

    with Trail.open(folder, clock=clock) as trail:
        size = trail.verify().size
        assert size >= acknowledged[-1]
        assert [event.sequence for event in trail.events()] == list(range(1, size + 1))
        assert trail.append("test.done", actor="tester", facts={}).sequence == size + 1


def test_a_killed_beginning_is_begun_again(tmp_path, clock):
    folder = tmp_path / "audit"
    folder.mkdir()
    create_key(folder / "private_key.pem")
    (folder / ".trail.db.part").write_bytes(b"half")

    with Trail.open(folder, clock=clock) as trail:
        assert trail.append("test.done", actor="tester", facts={}).sequence == 1
        trail.verify()


FULL_DISK = """
import resource, sys
from datetime import UTC, datetime
from pathlib import Path
from medclf.audit.trail import Trail
from medclf.errors import AuditUnavailable

folder = Path(sys.argv[1])
trail = Trail.open(folder, clock=lambda: datetime.now(UTC))
done = 0
largest = max(path.stat().st_size for path in folder.iterdir())
resource.setrlimit(resource.RLIMIT_FSIZE, (largest + 40_000, resource.RLIM_INFINITY))
try:
    while True:
        done = trail.append("test.written", actor="writer", facts={"text": "x" * 2000}).sequence
except AuditUnavailable as error:
    refused = str(error)
assert trail.verify().size == done, (trail.verify().size, done)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert trail.append("test.written", actor="writer", facts={}).sequence == done + 1
assert trail.verify().size == done + 1
sys.stdout.write(refused)
"""


def test_a_full_disk_refuses_records_nothing_and_goes_on_when_there_is_space(folder):
    # The operating system refuses to let any file grow beyond a limit.
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(folder)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "nothing was recorded" in done.stdout


def test_a_mirror_that_cannot_be_written_stops_the_record(folder, clock):
    (folder / ".checkpoint.txt.next").mkdir()
    with Trail.open(folder, clock=clock) as trail:
        with pytest.raises(AuditUnavailable, match="nothing was recorded"):
            trail.append("test.done", actor="tester", facts={})

        assert trail.verify().size == 10


def test_a_read_only_folder_refuses(folder, clock):
    with Trail.open(folder, clock=clock) as trail:
        folder.chmod(0o500)
        try:
            if os.access(folder, os.W_OK):
                pytest.skip("the superuser may write anywhere")
            with pytest.raises(AuditUnavailable, match="nothing was recorded"):
                trail.append("test.done", actor="tester", facts={})
        finally:
            folder.chmod(0o700)
        assert trail.verify().size == 10


def test_a_file_in_place_of_the_folder_is_unavailable(tmp_path, clock):
    (tmp_path / "file").write_text("")

    with pytest.raises(AuditUnavailable):
        Trail.open(tmp_path / "file", clock=clock)


def test_triggers_refuse_changes(folder):
    connection = sqlite3.connect(folder / "trail.db")
    for statement in (
        "UPDATE events SET body = 'x'",
        "DELETE FROM events",
        "UPDATE checkpoints SET text = 'x'",
        "DELETE FROM checkpoints",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(statement)
    connection.close()


def test_a_deleted_database_is_never_begun_afresh(folder, clock):
    (folder / "trail.db").unlink()

    for _ in range(2):
        with pytest.raises(AuditTampered, match=r"no trail\.db") as caught:
            Trail.open(folder, clock=clock)
        assert caught.value.facts["sequence"] == 1
    assert not (folder / "trail.db").exists()


def test_a_database_deleted_under_an_open_trail_stops_it(folder, clock):
    with Trail.open(folder, clock=clock) as trail:
        (folder / "trail.db").unlink()

        with pytest.raises(AuditTampered, match="replaced or deleted"):
            trail.append("test.done", actor="tester", facts={})


def test_an_older_database_put_back_stops_an_open_trail(folder, clock):
    old = (folder / "trail.db").read_bytes()
    with Trail.open(folder, clock=clock) as trail:
        trail.append("test.done", actor="tester", facts={})
        replaced = folder / "old.db"
        replaced.write_bytes(old)
        replaced.replace(folder / "trail.db")

        with pytest.raises(AuditTampered):
            trail.append("test.done", actor="tester", facts={})


def test_a_tail_cut_under_an_open_trail_stops_it(folder, clock, edit):
    with Trail.open(folder, clock=clock) as trail:
        frontier = sqlite3.connect(folder / "trail.db").execute("SELECT * FROM frontier").fetchone()
        trail.append("test.done", actor="tester", facts={})
        edit(
            "DELETE FROM events WHERE sequence > 10; DELETE FROM checkpoints WHERE size > 10;"
            f"UPDATE frontier SET size = 10, peaks = x'{frontier[2].hex()}'"
        )

        with pytest.raises(AuditTampered) as caught:
            trail.append("test.done", actor="tester", facts={})
        assert caught.value.facts["sequence"] == 11


def test_a_changed_frontier_is_never_built_on(folder, clock, edit):
    edit("UPDATE frontier SET peaks = zeroblob(64)")

    with pytest.raises(AuditTampered, match="frontier"):
        Trail.open(folder, clock=clock)


def test_opening_names_the_first_bad_record_too(folder, clock, edit):
    edit("DELETE FROM events WHERE sequence > 6; DELETE FROM checkpoints WHERE size > 6")

    with pytest.raises(AuditTampered) as caught:
        Trail.open(folder, clock=clock)

    assert caught.value.facts["sequence"] == 7


def test_a_lost_private_key_is_not_replaced(folder, clock):
    (folder / "private_key.pem").unlink()

    with pytest.raises(AuditUnavailable, match=r"private_key\.pem"):
        Trail.open(folder, clock=clock)
    assert not (folder / "private_key.pem").exists()


def test_another_private_key_cannot_continue_the_trail(folder, clock):
    (folder / "private_key.pem").unlink()
    create_key(folder / "private_key.pem")

    with pytest.raises(AuditTampered, match="another key"):
        Trail.open(folder, clock=clock)


def test_the_private_key_may_live_elsewhere(tmp_path, clock):
    elsewhere = tmp_path / "safe" / "key.pem"
    for expected in (1, 2):
        with Trail.open(tmp_path / "audit", clock=clock, private_key=elsewhere) as trail:
            assert trail.append("test.done", actor="tester", facts={}).sequence == expected
            trail.verify()

    assert elsewhere.exists()
    assert not (tmp_path / "audit" / "private_key.pem").exists()


def test_a_closed_trail_says_so(folder, clock):
    trail = Trail.open(folder, clock=clock)
    trail.close()

    with pytest.raises(AuditMisuse, match="closed"):
        trail.append("test.done", actor="tester", facts={})


def test_a_forked_child_must_open_its_own(folder, clock):
    with Trail.open(folder, clock=clock) as trail:
        child = os.fork()
        if child == 0:
            try:
                trail.append("test.done", actor="child", facts={})
            except AuditMisuse:
                os._exit(42)
            os._exit(0)
        _, status = os.waitpid(child, 0)

        assert os.waitstatus_to_exitcode(status) == 42
        assert trail.append("test.done", actor="parent", facts={}).sequence == 11


def test_a_clock_that_goes_backwards_does_not_stop_the_record(folder):
    moments = itertools.cycle([datetime(2026, 1, 2, tzinfo=UTC), datetime(2025, 1, 2, tzinfo=UTC)])
    with Trail.open(folder, clock=lambda: next(moments)) as trail:
        for _ in range(3):
            trail.append("test.done", actor="tester", facts={})

        assert trail.verify().size == 13


def test_an_event_that_is_not_one_is_named(folder, edit):
    edit("UPDATE events SET body = '{}' WHERE sequence = 3")

    with pytest.raises(AuditTampered, match="Record 3"):
        list(read_events(folder))


def test_a_stored_body_is_the_events_own_text(folder):
    connection = sqlite3.connect(folder / "trail.db")
    bodies = [row[0] for row in connection.execute("SELECT body FROM events")]
    connection.close()

    assert [Event.decode(body).encode().decode() for body in bodies] == bodies


def test_events_of_one_action_are_found_whatever_others_say(tmp_path, clock):
    with Trail.open(tmp_path, clock=clock) as trail:
        trail.append("test.unsealed", actor="one", facts={})
        trail.append("note.kept", actor="two", facts={"text": '"action":"test.unsealed"'})
        trail.append("test.unsealed", actor="three", facts={})
    found = list(read_events(tmp_path, action="test.unsealed"))
    assert [event.actor for event in found] == ["one", "three"]
    assert [event.actor for event in read_events(tmp_path, start=2)] == ["two", "three"]
