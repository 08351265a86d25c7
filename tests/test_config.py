import pytest
from pydantic import Field

from medclf.config import Config, load_yaml, save_yaml
from medclf.errors import ConfigError


class Lamp(Config):
    watts: int = Field(ge=1, le=100)
    name: str = "lamp"


def test_what_is_saved_is_read_back(tmp_path):
    path = tmp_path / "lamp.yaml"
    save_yaml(path, Lamp(watts=40))
    assert load_yaml(path, Lamp) == Lamp(watts=40)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("watts: 40\ncolour: red\n", "colour"),
        ("watts: 1000\n", "watts"),
        ("name: lamp\n", "watts"),
        ("watts: [1\n", "line"),
        ("", "the file"),
        ("just words\n", "the file"),
    ],
)
def test_a_bad_file_is_refused_with_the_place_named(tmp_path, text, named):
    path = tmp_path / "lamp.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=named) as caught:
        load_yaml(path, Lamp)
    assert caught.value.exit_code == 2
    assert caught.value.advice


def test_a_missing_file_is_a_config_error(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        load_yaml(tmp_path / "none.yaml", Lamp)


def test_a_file_that_is_no_text_is_a_config_error(tmp_path):
    path = tmp_path / "lamp.yaml"
    path.write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(ConfigError):
        load_yaml(path, Lamp)
