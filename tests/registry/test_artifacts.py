"""No name of an artifact leads out of the folder of its run."""

import pytest

from medclf.errors import RegistryMisuse
from medclf.registry.artifacts import lay_out


def test_content_and_files_are_laid_out_under_their_names(tmp_path):
    (tmp_path / "given").write_bytes(b"from a file")
    lay_out(tmp_path / "run", {"a/b.json": b"{}", "c": tmp_path / "given"})
    assert (tmp_path / "run" / "a" / "b.json").read_bytes() == b"{}"
    assert (tmp_path / "run" / "c").read_bytes() == b"from a file"


@pytest.mark.parametrize("name", ["../up", "a/../../up", "/etc/up", ""])
def test_name_that_leads_out_is_refused(tmp_path, name):
    with pytest.raises(RegistryMisuse, match="no name for an artifact"):
        lay_out(tmp_path / "run", {name: b""})
    assert not list(tmp_path.rglob("up"))
