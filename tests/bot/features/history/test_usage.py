"""/mod usage: figures in words, a chart and a table; and what comes where no chart can."""

import asyncio
import csv
import io
from datetime import UTC, datetime

import pytest
from PIL import Image

from bot.core.admission.request_context import Actor
from bot.features.history import service as lookup
from bot.features.history.service import Lookup
from bot.features.history.usage_chart import ChartUnavailable
from bot.texts import say
from tests.bot.conftest import House


def reply(result):
    return result.followups[0] if result.followups else result.response


async def make(house: House, person, count: int) -> None:
    await person.slash(house.channel, "imagine", prompt="a fox", count=count)
    await house.settle()


async def test_figures_come_in_words_as_a_chart_and_as_a_table(house: House):
    await make(house, house.mia, 4)
    await make(house, house.max, 1)
    result = await house.morgan.slash(house.channel, "mod usage", days=3)
    assert result.ephemeral
    message = reply(result)
    said = "2025-12-30 to 2026-01-01 (UTC): 5 pictures in 2 jobs, 0 failed, 0 refused"
    assert message.content.startswith(said)
    assert "mia (4) and max (1)" in message.content
    chart, table = message.attachments
    assert (chart.filename, table.filename) == ("usage.png", "usage.csv")
    assert chart.description.startswith("2025-12-30 to 2026-01-01: 5 pictures, 2 jobs")
    with Image.open(io.BytesIO(await chart.read())) as picture:
        assert picture.format == "PNG"
    rows = list(csv.reader(io.StringIO((await table.read()).decode("utf-8-sig"), newline="")))
    assert [row[:4] for row in rows[1:]] == [
        ["day", "2025-12-30", "0", "0"],
        ["day", "2025-12-31", "0", "0"],
        ["day", "2026-01-01", "2", "5"],
        ["person", "mia", "1", "4"],
        ["person", "max", "1", "1"],
    ]
    (entry,) = await house.audit.page(house.guild.id, before=None, limit=5)
    assert (entry.action, entry.moderator_id) == ("export", house.morgan.id)
    assert entry.detail == "usage of 3 days"


async def test_where_no_chart_can_be_drawn_the_rest_comes(house: House, monkeypatch):
    async def fail(chart):
        raise ChartUnavailable

    monkeypatch.setattr(lookup, "draw", fail)
    await make(house, house.mia, 1)
    message = reply(await house.morgan.slash(house.channel, "mod usage"))
    first, *_, last = message.content.splitlines()
    assert first.startswith("2025-12-03 to 2026-01-01 (UTC): 1 picture in 1 job")
    assert last == say("error-chart-unavailable")
    assert [file.filename for file in message.attachments] == ["usage.csv"]


async def test_one_chart_is_drawn_at_a_time(house: House, monkeypatch: pytest.MonkeyPatch):
    drawing, most = 0, 0

    async def slowly(chart):
        nonlocal drawing, most
        drawing += 1
        most = max(most, drawing)
        for _ in range(20):
            await asyncio.sleep(0)
        drawing -= 1
        return b"\x89PNG\r\n\x1a\n"

    monkeypatch.setattr(lookup, "draw", slowly)
    actor = Actor(house.morgan.id, house.guild.id, moderates=True)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    await asyncio.gather(*(house.app.get(Lookup).usage(actor, 1, now) for _ in range(3)))
    assert most == 1
