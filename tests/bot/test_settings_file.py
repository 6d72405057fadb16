import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.settings import Settings, SettingsError, load_settings

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
        ("GENERATION__DEVICES", "cuda:one", 'cuda:0, mps, cpu or cpu*2, not "cuda:one"'),
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


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_the_file_is_read_as_editors_write_it(tmp_path, encoding):
    text = "# für Größe\r\nDISCORD__TOKEN=secret\r\nLIMITS__WAITING=7\r\n"
    (tmp_path / ".env").write_bytes(text.encode(encoding))
    settings = load_settings()
    assert settings.discord.token.get_secret_value() == "secret"
    assert settings.limits.waiting == 7


def test_a_file_in_latin_1_is_read(tmp_path):
    (tmp_path / ".env").write_bytes("STORE__FOLDER=Gemälde\n".encode("latin-1"))
    assert load_settings().store.folder == Path("Gemälde")


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"DISCORD_TOKEN=x\n", "DISCORD_TOKEN: there is no such setting; did you mean DISCORD__"),
        (b"DISCROD__TOKEN=x\n", "did you mean DISCORD__TOKEN?"),
        (b"LIMITS__WAITNG=3\n", "LIMITS__WAITNG: there is no such setting; did you mean LIMITS__"),
        (b"LOG_LEVEL=DEBUG\n", "did you mean LOG__LEVEL?"),
        (b'DISCORD__TOKEN="two\nlines"\n', "DISCORD__TOKEN: must be one word"),
        ("DISCORD__TOKEN=‘curly’\n".encode(), "DISCORD__TOKEN: must be one word"),
        (b"DISCORD__PROXY=socks5://here:1\n", "DISCORD__PROXY: must begin with http"),
        (b"\xff\xfe\x00\xd8\x00", ".env: cannot be read"),
    ],
)
def test_a_wrong_file_is_one_line(tmp_path, content, line):
    (tmp_path / ".env").write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "two" not in str(caught.value), "a token is not for a message"


def test_a_folder_in_the_file_s_place_is_one_line(tmp_path):
    (tmp_path / ".env").mkdir()
    with pytest.raises(SettingsError, match=r"\.env: cannot be read"):
        load_settings()


def test_names_that_are_somebody_else_s_are_left_alone(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("HF_TOKEN=x\nCOMPOSE_PROJECT_NAME=darkroom\n")
    monkeypatch.setenv("LOG_LEVEL", "LOUD")
    monkeypatch.setenv("__CF_USER_TEXT_ENCODING", "0x1F5")
    load_settings()


def test_a_misspelt_name_in_the_environment_is_told(monkeypatch):
    monkeypatch.setenv("LIMITS__WAITING_PER_PERSONS", "3")
    with pytest.raises(SettingsError, match="did you mean LIMITS__WAITING_PER_PERSON"):
        load_settings()


def test_a_line_end_behind_the_token_is_dropped(monkeypatch):
    monkeypatch.setenv("DISCORD__TOKEN", " secret\r\n")
    assert load_settings().discord.token.get_secret_value() == "secret"


@pytest.mark.parametrize(
    ("environment", "proxy"),
    [
        ({}, None),
        ({"https_proxy": "http://proxy:3128"}, "http://proxy:3128"),
        ({"https_proxy": "http://proxy:3128", "no_proxy": "discord.com"}, None),
        ({"http_proxy": "http://proxy:3128"}, None),
        ({"https_proxy": "socks5://proxy:1080"}, None),
        ({"https_proxy": "http://one:1", "DISCORD__PROXY": "http://a:b@two:2"}, "http://a:b@two:2"),
        (
            {"http_proxy": "http://proxy:3128", "DISCORD__API_URL": "http://127.0.0.1:8420/api"},
            None,
        ),
    ],
)
def test_discord_is_reached_through_the_proxy_that_is_set(monkeypatch, environment, proxy):
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert load_settings().discord.proxy_for_discord() == proxy
    assert "a:b" not in repr(load_settings())
