"""Ephemeral answers: one request where that is quick, and thinking where it is not."""

import asyncio
from typing import Any

import pytest

from bot.ui.delivery import private_answer
from bot.ui.pages.paging import Pager
from tests.bot.conftest import House
from tests.texts import says

THINKS, SAYS = 5, 4  # types of responses to interactions


async def prepared(house: House) -> None:
    """Let Mia have a job, whose picture is posted."""
    await house.mia.slash(house.channel, "imagine", prompt="a pear", count=1)
    await house.settle()
    house.env.http_requests.clear()


def sent(house: House) -> list[tuple[str, int | None]]:
    """List the requests since then: the method, and of a callback its type."""
    return [(one.method, (one.json or {}).get("type")) for one in house.env.http_requests]


async def test_what_is_read_at_once_is_said_in_the_first_answer(house: House):
    await prepared(house)
    listed = await house.mia.slash(house.channel, "history")
    assert listed.ephemeral
    assert len(listed.response.attachments) == 1
    assert sent(house) == [("POST", SAYS)]


@pytest.mark.parametrize("known", [True, False])
async def test_who_waits_long_sees_that_we_think(
    house: House, monkeypatch: pytest.MonkeyPatch, known: bool
):
    await prepared(house)
    store = house.app.job_store
    search = store.search_with

    async def slowly(*asked: Any) -> Any:
        await asyncio.sleep(0.1)
        return await search(*asked)

    monkeypatch.setattr(private_answer, "SOON_S", 0.01)
    monkeypatch.setattr(store, "search_with", slowly)
    result = await (house.mia if known else house.max).slash(house.channel, "history")
    assert sent(house) == [("POST", THINKS), ("PATCH", None)]
    assert bool(result.response.embeds) is known
    assert known or says(result.response.content, "history-own-none")


@pytest.mark.parametrize("command", ["mod audit", "mod blocks", "mod filter list"])
async def test_a_list_that_takes_long_after_we_think_follows_all_the_same(
    house: House, monkeypatch: pytest.MonkeyPatch, command: str
):
    read = Pager._read

    async def slowly(pager: Pager) -> Any:
        await asyncio.sleep(0.1)
        return await read(pager)

    monkeypatch.setattr(private_answer, "SOON_S", 0.01)
    monkeypatch.setattr(Pager, "_read", slowly)
    house.env.http_requests.clear()
    await house.morgan.slash(house.channel, command)
    assert sent(house) == [("POST", THINKS), ("PATCH", None)]


async def test_files_that_take_long_follow_after_we_think(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    await prepared(house)
    monkeypatch.setattr(private_answer, "AT_ONCE_BYTES", 10)
    listed = await house.mia.slash(house.channel, "history")
    assert len(listed.response.attachments) == 1
    assert sent(house) == [("POST", THINKS), ("PATCH", None)]
