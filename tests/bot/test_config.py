import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.config import Settings, SettingsError, load_settings

EXAMPLE = Path(__file__).parents[2] / ".env.example"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # no .env here
    for line in written():
        monkeypatch.delenv(line, raising=False)


def written() -> dict[str, str]:
    lines = EXAMPLE.read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def declared() -> dict[str, str]:
    values = {}
    for group, field in Settings.model_fields.items():
        for name, inner in field.annotation.model_fields.items():
            default = inner.default
            if isinstance(default, SecretStr):
                default = default.get_secret_value()
            values[f"{group}__{name}".upper()] = "" if default is None else str(default)
    return values


def test_the_example_is_the_settings():
    assert written() == declared()


def test_every_setting_is_explained():
    text = " ".join(line.removeprefix("#").strip() for line in EXAMPLE.read_text().splitlines())
    for field in Settings.model_fields.values():
        for inner in field.annotation.model_fields.values():
            assert inner.description in re.sub(r"\s+", " ", text)


def test_a_copied_example_changes_nothing(tmp_path):
    (tmp_path / ".env").write_text(EXAMPLE.read_text("utf-8"), "utf-8")
    assert load_settings() == Settings(_env_file=None)


@pytest.mark.parametrize(
    ("name", "value", "bound"),
    [
        ("LIMITS__WAITING", "0", "greater than or equal to 1"),
        ("LIMITS__RUNNING_PER_PERSON", "many", "valid integer"),
        ("GENERATION__TICK_TIMEOUT_S", "1", "greater than or equal to 5"),
        ("LOG__LEVEL", "LOUD", "'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
        ("DISCORD__API_URL", "discord.com", "match pattern"),
    ],
)
def test_a_wrong_setting_is_one_line_with_its_name_and_bound(monkeypatch, name, value, bound):
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert str(caught.value).startswith(f"{name}: ")
    assert bound in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_token_does_not_show(monkeypatch):
    monkeypatch.setenv("DISCORD__TOKEN", "very-secret")
    assert "very-secret" not in repr(load_settings())
