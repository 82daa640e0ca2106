"""The server's settings: where they come from, which goes before which, and what is said of those that will not do."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
import yaml

from sptrader_stream.errors import ConfigError
from sptrader_stream.server.settings import ServerSettings, load_settings
from sptrader_stream.workspace import starter_folder

SHIPPED = starter_folder() / "config" / "server.yaml"


def write(folder: Path, text: str) -> Path:
    file = folder / "server.yaml"
    file.write_text(text)
    return file


def test_without_anything_said_there_are_the_defaults() -> None:
    assert load_settings(None, {}) == ServerSettings()
    assert load_settings(Path("nowhere.yaml"), {}) == ServerSettings()


def test_the_shipped_file_names_every_setting_with_its_default() -> None:
    said = yaml.safe_load(SHIPPED.read_text())
    assert said == {name: getattr(ServerSettings(), name) for name in ServerSettings.__struct_fields__}


def test_the_record_describes_every_setting() -> None:
    described = ServerSettings.__doc__ or ""
    for name in ServerSettings.__struct_fields__:
        assert re.search(rf"^ +([a-z_]+, )*{name}(, [a-z_]+)*: ", described, re.MULTILINE), name


def test_the_environment_goes_before_the_file_and_the_command_line_before_both(tmp_path: Path) -> None:
    file = write(tmp_path, "port: 4000\nhost: 127.0.0.2\nmax_running: 3\n")
    environment = {"SPTRADER_PORT": "5000", "SPTRADER_MAX_RUNNING": "4", "PORT": "6000"}
    found = load_settings(file, environment, {"max_running": 5, "host": None})
    assert (found.host, found.port, found.max_running) == ("127.0.0.2", 5000, 5)


def test_the_port_of_a_platform_counts_where_nothing_else_says_one(tmp_path: Path) -> None:
    assert load_settings(None, {"PORT": "8080"}).port == 8080
    assert load_settings(write(tmp_path, "port: 4000\n"), {"PORT": "8080"}).port == 4000


def test_lists_are_separated_by_commas_in_the_environment() -> None:
    environment = {"SPTRADER_ALLOWED_ORIGINS": "https://a.example, https://b.example,"}
    assert load_settings(None, environment).allowed_origins == ["https://a.example", "https://b.example"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prot: 1", "prot: there is no such setting (did you mean port?)"),
        ("port: 70000", "port: 70000 will not do"),
        ("port: [1]", "port: [1] will not do"),
        ("default_source: files", "default_source: 'files' will not do: expected one of synthetic, none"),
        ("max_running: 0", "max_running: 0 will not do"),
        ("- 1", "expected settings, one a line"),
        ("port: {", "cannot be read"),
    ],
)
def test_a_wrong_file_is_named_with_its_setting(tmp_path: Path, text: str, said: str) -> None:
    file = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_settings(file, {})
    assert str(caught.value).startswith(str(file))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "text"), [("SPTRADER_PORT", "http"), ("PORT", "x"), ("SPTRADER_LOG_LEVEL", "loud")]
)
def test_a_wrong_variable_is_named(variable: str, text: str) -> None:
    with pytest.raises(ConfigError, match=f"^{variable}: '{text}' will not do"):
        load_settings(None, {variable: text})


def test_a_wrong_flag_is_named() -> None:
    with pytest.raises(ConfigError, match=r"^--port: 99999 will not do"):
        load_settings(None, {}, {"port": 99_999})


def test_all_limits_are_bounded() -> None:
    for field in msgspec.structs.fields(ServerSettings):
        if isinstance(field.default, int | float):
            with pytest.raises(ConfigError):
                load_settings(None, {}, {field.name: 10**12})
