import random
import sqlite3
from contextlib import closing

import pytest

from medclf.audit.checkpoint import load_checkpoint, parse_checkpoint
from medclf.audit.merkle import leaf_hash
from medclf.audit.signature import create_key, load_public_key
from medclf.audit.trail import Trail
from medclf.audit.verification import verify_trail
from medclf.errors import AuditTampered, AuditUnavailable


def first_bad(folder, **given):
    with pytest.raises(AuditTampered) as caught:
        verify_trail(folder, **given)
    sequence = caught.value.facts["sequence"]
    if sequence:
        assert f"Record {sequence} " in caught.value.message
    assert "elsewhere" in caught.value.advice
    return sequence


def body_of(folder, sequence):
    with closing(sqlite3.connect(folder / "trail.db")) as connection:
        return connection.execute(
            "SELECT body FROM events WHERE sequence = ?", (sequence,)
        ).fetchone()[0]


def rewrite(sequence, body):
    leaf = leaf_hash(body.encode()).hex()
    return f"UPDATE events SET body = '{body}', leaf = x'{leaf}' WHERE sequence = {sequence};"


def test_a_whole_trail_is_a_value(folder):
    verified = verify_trail(folder)

    assert (verified.size, verified.checkpoints) == (10, 11)
    assert verified.checkpoint.text == (folder / "checkpoint.txt").read_text()
    assert verified.root == f"sha256:{verified.checkpoint.root.hex()}"


@pytest.mark.parametrize("sequence", [1, 4, 10])
def test_a_changed_body_is_named(folder, edit, sequence):
    edit(f"UPDATE events SET body = replace(body, 'tester', 'nobody') WHERE sequence = {sequence}")

    assert first_bad(folder) == sequence


@pytest.mark.parametrize("sequence", [1, 4, 10])
def test_a_changed_leaf_hash_is_named(folder, edit, sequence):
    edit(f"UPDATE events SET leaf = zeroblob(32) WHERE sequence = {sequence}")

    assert first_bad(folder) == sequence


@pytest.mark.parametrize("sequence", [1, 4, 10])
def test_a_body_rewritten_with_its_leaf_is_named(folder, edit, sequence):
    edit(rewrite(sequence, body_of(folder, sequence).replace("tester", "nobody")))

    assert first_bad(folder) == sequence


def test_the_first_of_several_faults_is_named(folder, edit):
    edit(
        rewrite(3, body_of(folder, 3).replace("tester", "nobody"))
        + "UPDATE events SET leaf = zeroblob(32) WHERE sequence = 7;"
        + "UPDATE checkpoints SET text = 'x' WHERE size = 5;"
    )

    assert first_bad(folder) == 3


@pytest.mark.parametrize("sequence", [1, 4, 10])
def test_a_deleted_record_is_named(folder, edit, sequence):
    edit(f"DELETE FROM events WHERE sequence = {sequence}")

    assert first_bad(folder) == sequence


def test_a_record_deleted_with_the_rest_renumbered_is_named(folder, edit):
    edit(
        "DELETE FROM events WHERE sequence = 4;"
        "UPDATE events SET sequence = sequence - 1 WHERE sequence > 4;"
        "DELETE FROM checkpoints WHERE size = 10;"
    )

    assert first_bad(folder) == 4


def test_two_records_swapped_are_named(folder, edit):
    edit(
        "UPDATE events SET sequence = -3 WHERE sequence = 3;"
        "UPDATE events SET sequence = 3 WHERE sequence = 6;"
        "UPDATE events SET sequence = 6 WHERE sequence = -3;"
    )

    assert first_bad(folder) == 3


def test_a_record_that_nobody_signed_is_named(folder, edit):
    edit(f"INSERT INTO events VALUES (11, 'x', x'{leaf_hash(b'x').hex()}')")

    assert first_bad(folder) == 11


@pytest.mark.parametrize("where", ["sequence > 6", "sequence > 0"])
def test_a_cut_tail_is_found_by_the_mirror(folder, edit, where):
    edit(
        f"DELETE FROM events WHERE {where};"
        f"DELETE FROM checkpoints WHERE {where.replace('sequence', 'size')};"
    )

    assert first_bad(folder) == (7 if "6" in where else 1)


def test_a_tail_cut_with_its_mirror_is_found_by_a_known_checkpoint(folder, clock):
    old = {name: (folder / name).read_bytes() for name in ("trail.db", "checkpoint.txt")}
    with Trail.open(folder, clock=clock) as trail:
        trail.append("test.done", actor="tester", facts={})
        known = trail.verify().checkpoint
    for name, data in old.items():
        (folder / name).write_bytes(data)
    for name in ("trail.db-wal", "trail.db-shm"):
        (folder / name).unlink(missing_ok=True)

    assert verify_trail(folder).size == 10
    assert first_bad(folder, known=known) == 11


def test_a_trail_rebuilt_with_the_real_key_is_found_by_a_known_checkpoint(tmp_path, folder, clock):
    known = load_checkpoint(folder / "checkpoint.txt")
    rebuilt = tmp_path / "rebuilt"
    rebuilt.mkdir()
    (rebuilt / "private_key.pem").write_bytes((folder / "private_key.pem").read_bytes())
    (rebuilt / "private_key.pem").chmod(0o600)
    with Trail.open(rebuilt, clock=clock) as trail:
        for _ in range(12):
            trail.append("test.forged", actor="tester", facts={})
        trail.verify()

        with pytest.raises(AuditTampered, match="rewritten") as caught:
            trail.verify(known=known)

    assert caught.value.facts["sequence"] == 10


def test_a_trail_rebuilt_with_another_key_is_found_by_the_public_key(tmp_path, folder, clock):
    key = load_public_key(folder / "public_key.pem")
    with Trail.open(tmp_path / "rebuilt", clock=clock) as trail:
        trail.append("test.forged", actor="tester", facts={})
        trail.verify()

    assert first_bad(tmp_path / "rebuilt", public_key=key) == 0


def test_an_older_known_checkpoint_holds(folder, clock):
    known = load_checkpoint(folder / "checkpoint.txt")
    with Trail.open(folder, clock=clock) as trail:
        trail.append("test.done", actor="tester", facts={})

        assert trail.verify(known=known).size == 11


def test_a_known_checkpoint_that_nobody_signed_proves_nothing(folder):
    known = parse_checkpoint((folder / "checkpoint.txt").read_text().replace("\n10\n", "\n9\n"))

    with pytest.raises(AuditTampered, match="not signed"):
        verify_trail(folder, known=known)


@pytest.mark.parametrize("size", [0, 4, 10])
@pytest.mark.parametrize("old_new", [("time 2026", "time 2027"), ("== ", "=="), ("\n", "\r\n")])
def test_a_changed_checkpoint_is_named(folder, edit, size, old_new):
    old, new = old_new
    with closing(sqlite3.connect(folder / "trail.db")) as connection:
        text = connection.execute("SELECT text FROM checkpoints WHERE size = ?", (size,))
        changed = text.fetchone()[0].replace(old, new)
    edit(f"UPDATE checkpoints SET text = '{changed} ' WHERE size = {size}")

    assert first_bad(folder) == size


def test_a_changed_signature_is_named_though_only_the_last_is_checked(folder, edit):
    edit(
        "UPDATE checkpoints SET text = replace(text, '=' || char(10), 'A' || char(10)) "
        "WHERE size = 4"
    )

    assert first_bad(folder) == 4


def test_a_checkpoint_moved_from_another_place_is_named(folder, edit):
    edit(
        "UPDATE checkpoints SET text = (SELECT text FROM checkpoints WHERE size = 5) WHERE size = 4"
    )

    assert first_bad(folder) == 4


def test_a_deleted_checkpoint_is_named(folder, edit):
    edit("DELETE FROM checkpoints WHERE size = 4")

    assert first_bad(folder) == 4


def test_a_deleted_database_is_found(folder):
    (folder / "trail.db").unlink()

    assert first_bad(folder) == 1


@pytest.mark.parametrize("content", [b"", b"x", b"\xff", b"SQLite format 3\x00"])
def test_a_replaced_database_is_found(folder, content):
    (folder / "trail.db").write_bytes(content)

    first_bad(folder)


def test_a_changed_mirror_is_found(folder):
    text = (folder / "checkpoint.txt").read_text()
    for changed in (text.replace("\n10\n", "\n9\n"), text + " ", "", "\xff"):
        (folder / "checkpoint.txt").write_text(
            changed, encoding="latin-1" if changed == "\xff" else "utf-8"
        )

        assert first_bad(folder) == 0


def test_a_missing_mirror_is_found(folder):
    (folder / "checkpoint.txt").unlink()

    assert first_bad(folder) == 0


def test_a_mirror_that_is_behind_is_legitimate(folder, clock):
    behind = (folder / "checkpoint.txt").read_bytes()
    with Trail.open(folder, clock=clock) as trail:
        trail.append("test.done", actor="tester", facts={})
        (folder / "checkpoint.txt").write_bytes(behind)  # as when killed right after the commit

        assert trail.verify().size == 11


def test_another_public_key_beside_is_found(folder, tmp_path):
    (folder / "public_key.pem").write_text(create_key(tmp_path / "k.pem").public.pem)

    assert first_bad(folder) == 0


def test_a_public_key_that_is_none_is_found(folder):
    (folder / "public_key.pem").write_text("x")

    assert first_bad(folder) == 0


def test_a_missing_public_key_is_unavailable_unless_given(folder):
    key = load_public_key(folder / "public_key.pem")
    (folder / "public_key.pem").unlink()

    with pytest.raises(AuditUnavailable, match=r"public_key\.pem"):
        verify_trail(folder)
    assert verify_trail(folder, public_key=key).size == 10


@pytest.mark.parametrize(
    "script",
    [
        "CREATE TABLE more (x)",
        "CREATE VIEW events2 AS SELECT * FROM events",
        "PRAGMA user_version = 9",
        "UPDATE frontier SET peaks = zeroblob(64)",
        "DELETE FROM frontier",
        "UPDATE frontier SET size = 'ten'",
    ],
)
def test_a_change_beside_the_records_is_found(folder, edit, script):
    edit(script)

    assert first_bad(folder) == 0


def test_missing_triggers_are_found(folder):
    with closing(sqlite3.connect(folder / "trail.db")) as connection:
        connection.execute("DROP TRIGGER events_delete")

    assert first_bad(folder) == 0


def logical_content(path):
    """All that a reader can get out of the file, None where it cannot be read."""
    try:
        with closing(sqlite3.connect(path)) as connection:
            marks = [
                connection.execute(f"PRAGMA {name}").fetchone()
                for name in ("application_id", "user_version")
            ]
            return [*marks, *connection.iterdump()]
    except (sqlite3.Error, UnicodeDecodeError):
        return None


def test_one_flipped_bit_anywhere_in_the_database_is_found(folder):
    path = folder / "trail.db"
    whole = path.read_bytes()
    content = logical_content(path)
    generator = random.Random(0)
    found = invisible = 0
    for place in [*range(100), *generator.sample(range(100, len(whole)), 500)]:
        changed = bytearray(whole)
        changed[place] ^= 1 << generator.randrange(8)
        for leftover in ("trail.db-wal", "trail.db-shm", "trail.db-journal"):
            (folder / leftover).unlink(missing_ok=True)
        path.write_bytes(changed)
        try:
            verify_trail(folder)
        except AuditTampered:
            found += 1
        else:
            # Only a flip in unused space, which changes nothing that can be read, passes.
            assert logical_content(path) == content, f"flip at {place} not found"
            invisible += 1

    assert found > 100
    assert invisible > 0


def test_one_flipped_bit_in_a_record_names_the_record(folder):
    path = folder / "trail.db"
    whole = path.read_bytes()
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT sequence, body, leaf FROM events").fetchall()
    for sequence, body, leaf in rows:
        for piece in (body.encode(), leaf):
            place = whole.index(piece) + len(piece) // 2
            changed = bytearray(whole)
            changed[place] ^= 1
            path.write_bytes(changed)

            assert first_bad(folder) == sequence
