"""What is quoted of Discord, and how long we stay away."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace

import aiohttp
import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import logs
from bot.core.backoff import LONGEST_ASKED_S, Pauses
from bot.ui.trouble import LINE_LENGTH, describe, is_final, retry_after
from playground.wire.faults import FORBIDDEN_PAGE


def refused(
    body: str | dict, status: int = 403, kind: str = "text/html", **headers: str
) -> discord.HTTPException:
    response = SimpleNamespace(
        status=status, reason="Forbidden", content_type=kind, headers=headers
    )
    return discord.HTTPException(response, body)  # type: ignore[arg-type]


@given(st.text(max_size=30_000), st.sampled_from(["text/html", "application/json"]))
def test_whatever_was_answered_is_one_short_line(body: str, kind: str):
    line = describe(refused(body, kind=kind))
    assert 0 < len(line) <= LINE_LENGTH
    assert len(line.splitlines()) == 1


@given(st.text(max_size=3_000))
def test_whatever_else_went_wrong_is_one_short_line(text: str):
    for error in (aiohttp.ClientError(text), OSError(text), discord.DiscordException(text)):
        assert 0 < len(describe(error)) <= LINE_LENGTH


def test_a_page_is_called_by_its_title():
    assert describe(refused(FORBIDDEN_PAGE)) == ("403 Forbidden (Attention Required! | Cloudflare)")
    assert describe(refused("error code: 1015", 429)) == "429 Forbidden (error code: 1015)"


def test_only_discords_own_no_is_final():
    said = {"message": "Missing Permissions", "code": 50013}
    assert describe(refused(said, kind="application/json")) == "Missing Permissions"
    assert is_final(refused(said, kind="application/json"))
    assert not is_final(refused(FORBIDDEN_PAGE))
    assert not is_final(refused(said, 500, "application/json"))
    assert not is_final(refused(said, 429, "application/json"))
    assert not is_final(TimeoutError())


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("17", 17),
        ("0.5", 0.5),
        ("-3", 0),
        ("soon", 0),
        ("", 0),
        ("nan", 0),
        ("1e400", float("inf")),
    ],
)
def test_what_we_are_asked_to_wait(given: str, seconds: float):
    assert retry_after(refused("", 429, **{"Retry-After": given})) == seconds


def test_a_date_to_come_back_at():
    at = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    assert 500 < retry_after(refused("", 429, **{"Retry-After": at})) <= 600


def test_pauses_grow_to_their_bound_and_are_never_shorter_than_asked_for():
    pauses = Pauses(1.0, 60.0)
    taken = [pauses.next() for _ in range(2000)]
    for count, pause in enumerate(taken):
        whole = min(60.0, 2.0 ** min(count, 60))
        assert whole / 2 <= pause <= whole
    assert len({round(pause, 6) for pause in taken[10:]}) > 1900, "no two of them alike"
    assert pauses.next(300.0) == 300.0
    assert pauses.next(float("inf")) == LONGEST_ASKED_S
    pauses.reset()
    assert pauses.next() <= 1.0


def test_a_page_in_the_log_is_cut():
    logged = logs.cut(f"first\n{FORBIDDEN_PAGE}")
    assert len(logged) < 3_000
    assert logged.startswith("first\n")
