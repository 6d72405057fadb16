import io
import json
import logging
from collections.abc import Callable, Iterator

import discord
import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from sqlalchemy.exc import OperationalError

from bot.db.database import Database
from bot.logs import FORMATTERS, JsonLines, LogFormat, TextLines, name_subject, redact
from generation.log_context import JOB, about
from tests.bot.conftest import House
from tests.bot.rows import execute

TOKEN = "aW50ZXJhY3Rpb246MTIzNDU2Nzg5MDEyMzQ1Njc4OTA-_x"  # as an interaction's looks
BOT_TOKEN = ".".join(
    ("MTIzNDU2Nzg5MDEyMzQ1Njc4OTAx", "GaBcDe", "0123456789abcdefghijklmnopqrstuvwxyz_-")
)
Written = Callable[[], list[str]]


@pytest.fixture(params=list(LogFormat))
def written(request: pytest.FixtureRequest) -> Iterator[Written]:
    """Return what everybody logs from DEBUG up, line by line, as our handler writes it."""
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    handler.setFormatter(FORMATTERS[request.param]())
    handler.addFilter(name_subject)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield lambda: lines.getvalue().splitlines()
    root.setLevel(before)
    root.removeHandler(handler)


@pytest.mark.parametrize(
    ("line", "left"),
    [
        (f"PATCH /api/v10/webhooks/12/{TOKEN}/messages/3?wait=1", "webhooks/12/…/messages/3?wait"),
        (f"POST /api/v10/interactions/12/{TOKEN}/callback", "interactions/12/…/callback"),
        (f"url='https://discord.com/api/webhooks/1/{TOKEN}'", "webhooks/1/…'"),
        (str({"id": "1", "token": TOKEN, "type": 2}), "'token': '…', 'type': 2"),
        (json.dumps({"token": TOKEN, "type": 2}), '"token": "…", "type": 2'),
        (json.dumps(json.dumps({"token": TOKEN})), r"\"token\": \"…\""),
        (f"Authorization: Bot {BOT_TOKEN}", "Authorization: Bot …"),
    ],
)
def test_no_token_is_left(line: str, left: str):
    assert left in redact(line)
    assert TOKEN not in redact(line)
    assert BOT_TOKEN not in redact(line)


def test_what_is_no_token_is_left_alone():
    line = "bot.core.jobs.runner: job 12: 3 token cut, vae/diffusion_pytorch_model.fp16.safetensors"
    assert redact(line) == line


async def test_discord_py_and_aiohttp_log_no_token(written: Written, monkeypatch):
    """Their own records at DEBUG."""
    async with TestServer(web.Application()) as server, ClientSession() as session:
        monkeypatch.setattr(discord.http.Route, "BASE", str(server.make_url("/api/v10")))
        hook = discord.Webhook.partial(12, TOKEN, session=session, bot_token=BOT_TOKEN)
        with pytest.raises(discord.NotFound) as missing:
            await hook.fetch_message(3)
        logging.getLogger("bot").error("job broke", exc_info=missing.value)
    event = {"t": "INTERACTION_CREATE", "d": {"id": "1", "token": TOKEN}}
    gateway = logging.getLogger("discord.gateway")
    gateway.debug("For Shard ID %s: WebSocket Event: %s", None, event)
    said = "\n".join(written())
    assert "Webhook ID 12 with GET" in said  # discord.py did speak
    assert "GET /api/v10/webhooks/12/…/messages/3" in said  # and aiohttp's server, of the request
    assert "INTERACTION_CREATE" in said
    assert TOKEN not in said
    assert BOT_TOKEN not in said


async def test_the_database_s_errors_name_no_values(database: Database):
    with pytest.raises(OperationalError) as error:
        await execute(database, "INSERT INTO nowhere VALUES (:token)", values={"token": TOKEN})
    assert "nowhere" in str(error.value)
    assert TOKEN not in str(error.value)


def test_one_json_object_a_line():
    record = logging.LogRecord("bot.x", logging.ERROR, __file__, 1, "two\nlines: %s", ("ü",), None)
    record.created = 0.5
    with about(12):
        name_subject(record)
    assert JsonLines().format(record).count("\n") == 0
    assert json.loads(JsonLines().format(record)) == {
        "time": "1970-01-01T00:00:00.500+00:00",
        "level": "ERROR",
        "logger": "bot.x",
        "message": "two\nlines: ü",
        "job": 12,
    }
    assert "ERROR bot.x job=12: two" in TextLines().format(record)


def test_errors_are_whole_but_for_tokens(written: Written):
    try:
        int(f"https://discord.com/api/webhooks/1/{TOKEN}")
    except ValueError:
        logging.getLogger("bot").exception("it broke")
    said = "\n".join(written())
    assert "job" not in said
    assert "Traceback" in said
    assert "base 10: 'https://discord.com/api/webhooks/1/…'" in said
    assert TOKEN not in said


FORGED = "a fox\n2026-01-01 INFO bot: all is well\r\x1b[2J\x9b31m\u2028\u202egnp.exe\x00"


def test_nothing_that_somebody_wrote_makes_a_line_of_its_own(written: Written):
    logging.getLogger("bot").error("a %s", FORGED, exc_info=ValueError(FORGED))
    logging.getLogger("bot").warning(FORGED)
    lines = written()
    said = "\n".join(lines)
    assert not any(line.startswith("2026-01-01 INFO") for line in lines)
    assert sum("a fox" in line and "bot" in line for line in lines) >= 2
    for control in "\r\x1b\x9b\u2028\u202e\x00":
        assert control not in said
    assert r"\x1b[2J" in said or r"\u001b[2J" in said


def test_json_stays_json_and_a_traceback_is_indented():
    record = logging.LogRecord("bot", logging.INFO, __file__, 1, FORGED, None, None)
    assert json.loads(JsonLines().format(record))["message"] == FORGED
    assert JsonLines().format(record).isprintable()
    record.exc_info = (ValueError, ValueError("x\nTraceback of mine"), None)
    first, *others = TextLines().format(record).split("\n")
    assert "a fox\\n2026" in first
    assert all(line.startswith("  ") for line in others)


async def test_every_line_of_a_job_carries_it(house: House, written: Written, monkeypatch):
    called = []
    drawn = house.executor.run

    def run(request: object) -> object:
        called.append(JOB.get())
        if len(called) == 2:
            raise RuntimeError("it broke")
        return drawn(request)

    monkeypatch.setattr(house.executor, "run", run)
    for prompt in ("a", "b"):
        await house.mia.slash(house.channel, "imagine", prompt=prompt)
    await house.settle()
    assert called == [1, 2]
    lines = [line for line in written() if "job 2 broke" in line]
    assert len(lines) == 1
    assert "job=2" in lines[0] or json.loads(lines[0])["job"] == 2
    assert JOB.get() is None
