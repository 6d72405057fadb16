"""The commands as Discord is told of them, in every language that it knows."""

import re
from pathlib import Path

import discord
import pytest

from bot import texts
from tests.bot.conftest import House
from tests.discord_spec.judge import judge_request
from tests.languages import catalogs

FULL = texts.FOLDER / "en.ftl"


def _translated(length: int) -> str:
    """Every text without fields, as one of another language that is so long."""
    said = re.sub(r"\{[^}]*\}", "", FULL.read_text("utf-8"))
    keys = re.findall(r"^(command-[a-z-]+|menu-[a-z-]+) =|^    (\.[a-z-]+) =", said, re.MULTILINE)
    lines = []
    for number, (message, attribute) in enumerate(keys):
        text = f"{number} " + "ß" * (length - len(f"{number} "))
        lines.append(f"{message} = {text}" if message else f"    {attribute} = {text}")
    return "\n".join(lines)


@pytest.fixture(params=[100, 101, 4000])
def languages(request: pytest.FixtureRequest, tmp_path: Path):
    """A catalog for each of Discord's languages, with texts of one length."""
    known = [str(one) for one in discord.Locale if str(one)[:2] != "en"]
    if request.param > 1000:  # a few of those are long enough to read
        known = known[:3]
    long = dict.fromkeys(known, _translated(request.param))
    folder = tmp_path / "texts"
    folder.mkdir()
    with catalogs(folder, **long):
        yield request.param


@pytest.mark.usefixtures("languages")
async def test_discord_takes_the_commands_in_every_language(languages: int, house: House):
    (put,) = [
        one
        for one in house.env.backend.http_requests
        if one.method == "PUT" and one.path.endswith("/commands")
    ]
    assert judge_request(put.method, put.path, put.json) == []
    (imagine,) = [one for one in put.json if one["name"] == "imagine"]
    said = imagine.get("description_localizations") or {}
    assert len(said) == (len(discord.Locale) - 2 if languages <= 100 else 0)
