import json
import os
import resource
import subprocess
import sys

import pytest

from medclf.digest import canonical_json, digest_bytes
from medclf.errors import PackageRefused, PackageTampered, RegistryUnavailable
from medclf.registry.package import Package, write_package

FILES = {
    "weights.safetensors": bytes(range(256)),
    "labels.json": b'{"labels":["normal","pneumonia"]}',
    "report.html": b"<p>report</p>",
}


@pytest.fixture
def package(tmp_path):
    return write_package(tmp_path / "packages", FILES)


def test_a_package_is_named_by_the_digest_of_its_list(package):
    listing = (package.path / "package.json").read_bytes()

    assert package.digest == digest_bytes(listing) == f"sha256:{package.path.name}"
    assert json.loads(listing) == {
        "format": "medclf-package/1",
        "files": {name: digest_bytes(data) for name, data in FILES.items()},
    }


def test_the_same_content_gives_the_same_folder(package):
    before = {path.name: path.stat().st_mtime_ns for path in package.path.iterdir()}

    again = write_package(package.path.parent, dict(reversed(FILES.items())))

    assert again == package
    assert {path.name: path.stat().st_mtime_ns for path in package.path.iterdir()} == before
    assert len(list(package.path.parent.iterdir())) == 1


def test_other_content_gives_another_folder(package):
    assert write_package(package.path.parent, {**FILES, "card.md": b"x"}).path != package.path


def test_files_read_back(package):
    loaded = Package.load(package.path)

    assert {name: loaded.read(name) for name in loaded.files} == FILES
    assert loaded.json("labels.json") == {"labels": ["normal", "pneumonia"]}


def test_a_package_may_be_copied_under_another_name(package, tmp_path):
    copy = package.path.rename(tmp_path / "model")

    assert Package.load(copy).digest == package.digest


@pytest.mark.parametrize("name", [*FILES, "package.json"])
def test_every_changed_byte_is_found_and_its_file_named(package, name):
    path = package.path / name
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises((PackageTampered, PackageRefused)) as caught:
            Package.load(package.path)
        if name != "package.json":
            assert isinstance(caught.value, PackageTampered)
            assert name in caught.value.message
            assert caught.value.facts["expected"] == package.files[name]
            assert caught.value.facts["found"] == digest_bytes(path.read_bytes())


def test_a_list_rewritten_with_its_file_does_not_fit_the_folders_name(package):
    forged = write_package(package.path.parent, {**FILES, "labels.json": b"{}"})
    for path in forged.path.iterdir():
        (package.path / path.name).write_bytes(path.read_bytes())

    with pytest.raises(PackageTampered, match=r"package\.json") as caught:
        Package.load(package.path)

    assert (caught.value.facts["expected"], caught.value.facts["found"]) == (
        package.digest, forged.digest,
    )  # fmt: skip


def test_a_missing_file_is_named(package):
    (package.path / "labels.json").unlink()

    with pytest.raises(PackageTampered, match=r"labels\.json .*found no file"):
        Package.load(package.path)


@pytest.mark.parametrize("name", ["more.json", ".hidden", "code.py"])
def test_an_extra_file_is_named(package, name):
    (package.path / name).write_text("")

    with pytest.raises(PackageTampered, match="extra") as caught:
        Package.load(package.path)

    assert caught.value.facts["file"] == name


def test_a_folder_inside_is_refused(package):
    (package.path / "more").mkdir()

    with pytest.raises(PackageTampered, match="more"):
        Package.load(package.path)


def test_a_link_is_refused_even_to_the_same_bytes(package, tmp_path):
    target = tmp_path / "labels.json"
    (package.path / "labels.json").rename(target)
    (package.path / "labels.json").symlink_to(target)

    with pytest.raises(PackageTampered, match=r"labels\.json .*no plain file"):
        Package.load(package.path)
    with pytest.raises(PackageTampered, match="symbolic link"):
        package.read("labels.json")


def test_a_list_that_is_a_link_is_refused(package, tmp_path):
    (package.path / "package.json").rename(tmp_path / "list.json")
    (package.path / "package.json").symlink_to(tmp_path / "list.json")

    with pytest.raises(PackageRefused):
        Package.load(package.path)


def test_a_file_changed_after_loading_is_found_when_read(package):
    (package.path / "labels.json").write_bytes(b"{}")

    with pytest.raises(PackageTampered, match=r"labels\.json"):
        package.read("labels.json")
    (package.path / "labels.json").unlink()
    with pytest.raises(PackageTampered, match="no file"):
        package.json("labels.json")


def test_a_file_that_is_not_listed_is_refused(package):
    with pytest.raises(PackageRefused, match=r"no file other\.json"):
        package.read("other.json")


def test_json_that_is_none_is_refused(package):
    with pytest.raises(PackageRefused, match="not JSON"):
        package.json("weights.safetensors")


@pytest.mark.parametrize(
    "name",
    [
        "weights.pkl", "weights.pt", "run.py", "weights", ".hidden.json", "../up.json",
        "sub/labels.json", "/etc/x.json", "a\\b.json", "", "package.json", "labels.json\n",
        "labels.JSON", "-rf.txt", "x" * 200 + ".json",
    ],
)  # fmt: skip
def test_only_plain_data_files_are_let_in(tmp_path, name):
    with pytest.raises(PackageRefused):
        write_package(tmp_path / "packages", {**FILES, name: b""})

    assert not (tmp_path / "packages").exists()


def test_a_package_of_nothing_is_refused(tmp_path):
    with pytest.raises(PackageRefused, match="without files"):
        write_package(tmp_path, {})


@pytest.mark.parametrize(
    ("listing", "what"),
    [
        (b"", "not a list"),
        (b"[]", "not a list"),
        (b'{"files":{}}', "not a list"),
        (b"[" * 100_000, "not a list"),
        (canonical_json({"format": "medclf-package/2", "files": {}}), "medclf-package/2"),
        (canonical_json({"format": "medclf-package/1", "files": {"x.pkl": "sha256:0"}}), "x.pkl"),
        (canonical_json({"format": "medclf-package/1", "files": {"../x.json": "0"}}), "x.json"),
        (canonical_json({"format": "medclf-package/1", "files": {"x.json": "0"}}), "x.json"),
        (b'{"format": "medclf-package/1", "files": {}}', "canonical"),
        (canonical_json({"format": "medclf-package/1", "files": {}, "more": 1}), "canonical"),
    ],
)
def test_a_list_that_is_none_is_refused(tmp_path, listing, what):
    (tmp_path / "package.json").write_bytes(listing)

    with pytest.raises(PackageRefused, match=what):
        Package.load(tmp_path)


def test_what_is_no_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "absent", tmp_path / "file"):
        with pytest.raises(PackageRefused, match="not a package"):
            Package.load(path)


FULL_DISK = f"""
import resource, sys
from pathlib import Path
from medclf.registry.package import write_package
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, {resource.RLIM_INFINITY}))
write_package(Path(sys.argv[1]), {{"labels.json": b"x", "weights.safetensors": bytes(5000)}})
"""


def test_a_full_disk_leaves_nothing(tmp_path):
    # The operating system refuses to let any file grow beyond a limit.
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path / "packages")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert "RegistryUnavailable" in done.stderr
    assert os.listdir(tmp_path / "packages") == []  # noqa: PTH208


def test_a_parent_that_is_a_file_is_unavailable(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(RegistryUnavailable, match="nothing was left behind"):
        write_package(tmp_path / "file" / "packages", FILES)
