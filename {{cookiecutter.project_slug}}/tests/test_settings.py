"""Settings are the same in the code and in `.env.example`; the README names some of them."""

import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.core.rejected import StartRefused
from app.settings import FILE, Settings, read_settings, unknown_settings
from tests.service import ROOT

NAME = re.compile(r"`(APP_[A-Z_]+)`")
VALUE = re.compile(r"`([^`]*)`")


def defaults() -> dict[str, str]:
    """What a setting is when nobody sets it, as it would be written."""
    return {
        f"APP_{name.upper()}": written(field.default)
        for name, field in Settings.model_fields.items()
    }


def written(default: object) -> str:
    """A default as a line of `.env` has it."""
    match default:
        case SecretStr():
            return default.get_secret_value()
        case bool():
            return str(default).lower()
    return str(default)


def test_the_example_names_every_setting_once_with_its_default() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    settings = [line[2:].split("=", 1) for line in lines if re.match("# APP_[A-Z_]+=", line)]

    assert len(settings) == len(defaults())
    assert {line[0]: line[1] for line in settings} == defaults()


def test_the_readme_names_no_setting_twice_and_each_with_its_default() -> None:
    table = (ROOT / "README.md").read_text().partition("| variable | default |")[2]
    told: list[tuple[str, str]] = []
    for line in table.partition("\n\n")[0].splitlines():
        if line.startswith("| `APP_"):
            _, names, values, _ = line.split("|", 3)
            variables = NAME.findall(names)
            told += zip(variables, VALUE.findall(values) or [""] * len(variables), strict=True)

    assert len(told) > 10
    assert len(dict(told)) == len(told)
    assert set(told) <= set(defaults().items())


def test_a_misspelt_line_of_the_file_is_found_as_one_of_the_environment_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(Settings.model_config, "env_file", FILE)
    (tmp_path / ".env").write_text("APP_PROT=1\nAPP_PORT=2\nOTHER=3\n")
    monkeypatch.setenv("APP_HSOT", "::")

    assert unknown_settings() == ["APP_HSOT", "APP_PROT"]
    assert read_settings().port == 2


def test_a_wrong_setting_is_refused_with_one_that_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_DEFLATE", "maybe")
    monkeypatch.setenv("APP_PORT", "many")

    with pytest.raises(StartRefused) as refused:
        read_settings()

    heading, *lines = str(refused.value).splitlines()
    assert heading == "these settings are wrong:"
    assert [line.split()[0] for line in lines] == ["APP_PORT", "APP_DEFLATE"]
    assert all("; for example " in line for line in lines)
    assert lines[1].endswith("for example APP_DEFLATE=false")


def test_no_host_at_all_is_not_every_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_HOST", "")

    with pytest.raises(StartRefused, match=r"^APP_HOST is ''.*; for example APP_HOST=127"):
        read_settings()


def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(Settings.model_config, "env_file", FILE)
    (tmp_path / ".env").write_bytes("APP_PORT=2 # café".encode("latin-1"))

    with pytest.raises(StartRefused) as refused:
        read_settings()

    (line,) = str(refused.value).splitlines()
    assert line.startswith(f"{tmp_path / '.env'} cannot be read: ")
    assert line.endswith("; write it in UTF-8")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:////data/@home/events.db", "sqlite:////data/@home/events.db"),
        ("memory://", "memory://"),
        ("postgresql://app:se@cret@db:5432/app?password=secret", "postgresql://db:5432/app"),
        ("postgresql://db/app?user=app&password=se@cret", "postgresql://db/app"),
        ("postgresql://app:secret@db/app?application_name=a@b", "postgresql://db/app"),
        ("nats://token@a:4222,b:4222?replicas=3", "nats://a:4222,b:4222"),
    ],
)
def test_a_log_line_shows_no_password(url: str, shown: str) -> None:
    assert Settings(event_log=url, _env_file=None).shown_event_log == shown  # type: ignore[call-arg]
