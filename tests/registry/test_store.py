import json
from datetime import UTC, datetime

import pytest

from medclf.audit.signature import create_key
from medclf.digest import digest_bytes
from medclf.errors import PackageTampered, RegistryMisuse, RegistryUnavailable
from medclf.registry.package import write_package
from medclf.registry.store import find_release, record_release

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def key(tmp_path):
    return create_key(tmp_path / "key.pem")


@pytest.fixture
def package(tmp_path):
    return write_package(tmp_path / "packages", {"labels.json": b"{}"})


@pytest.fixture
def released(tmp_path, package, key):
    record_release(
        tmp_path / "releases", package, key=key, actor="Dr Example", now=NOW, note="met protocol 1"
    )
    return tmp_path / "releases" / f"{package.path.name}.json"


def test_a_release_is_found_again(released, package, key):
    release = find_release(released.parent, package.digest, public_key=key.public)

    assert release is not None
    assert (release.package, release.actor, release.note, release.time, release.key_id) == (
        package.digest, "Dr Example", "met protocol 1", "2026-01-02T03:04:05.000000Z", key.key_id,
    )  # fmt: skip


def test_a_package_that_was_never_released_has_no_record(released, key):
    other = digest_bytes(b"other")

    assert find_release(released.parent, other, public_key=key.public) is None
    assert find_release(released.parent / "absent", other, public_key=key.public) is None


@pytest.mark.parametrize("member", ["package", "actor", "time", "note", "key_id", "signature"])
def test_every_changed_member_is_found(released, package, key, member):
    content = json.loads(released.read_text())
    content[member] = content[member][:-2] + "00"
    released.write_text(json.dumps(content))

    with pytest.raises(PackageTampered):
        find_release(released.parent, package.digest, public_key=key.public)


def test_every_flipped_byte_is_found(released, package, key):
    whole = released.read_bytes()
    for place in range(len(whole) - 1):  # the last is the newline
        changed = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
        released.write_bytes(changed)
        with pytest.raises(PackageTampered, match=released.name):
            find_release(released.parent, package.digest, public_key=key.public)


def test_the_record_of_another_package_is_no_release(released, key):
    other = digest_bytes(b"other")
    released.rename(released.with_name(other.removeprefix("sha256:") + ".json"))

    with pytest.raises(PackageTampered, match="releases sha256"):
        find_release(released.parent, other, public_key=key.public)


def test_the_signature_of_another_key_is_no_release(released, package, tmp_path):
    other = create_key(tmp_path / "other.pem").public

    with pytest.raises(PackageTampered, match=other.key_id):
        find_release(released.parent, package.digest, public_key=other)


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"signature":1}', '{"signature":""}'])
def test_a_record_that_is_none_is_found(released, package, key, text):
    released.write_text(text)

    with pytest.raises(PackageTampered, match="not a release record"):
        find_release(released.parent, package.digest, public_key=key.public)


@pytest.mark.parametrize("digest", ["", "latest", "../../etc/passwd", "sha256:00"])
def test_what_is_no_digest_is_refused(released, key, digest):
    with pytest.raises(RegistryMisuse, match="not the digest"):
        find_release(released.parent, digest, public_key=key.public)


def test_somebody_must_answer_for_a_release(tmp_path, package, key):
    with pytest.raises(RegistryMisuse, match="somebody"):
        record_release(tmp_path, package, key=key, actor=" ", now=NOW, note="")


def test_a_folder_that_cannot_be_written_is_unavailable(tmp_path, package, key):
    (tmp_path / "file").write_text("")
    with pytest.raises(RegistryUnavailable):
        record_release(tmp_path / "file", package, key=key, actor="x", now=NOW, note="")
    with pytest.raises(RegistryUnavailable):
        find_release(tmp_path / "file", package.digest, public_key=key.public)
