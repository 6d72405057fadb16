"""How often the database is asked before somebody gets a first answer: each time is a wait."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from simcord.http import router
from sqlalchemy import Connection, event

from bot.core.audit_store import NewAuditEntry
from bot.db.records import AuditAction
from bot.db.sqlite import READ, WRITE
from bot.texts import say
from tests.bot.conftest import LIMITS, House

FILTER = {"pattern": "banana", "kind": "word", "action": "refuse"}


EVERYTHING = replace(LIMITS, pictures_per_day=100, seconds_per_day=1000)


@pytest.fixture
def limits(request: pytest.FixtureRequest):
    """Nothing by the day, except where a test says so."""
    return getattr(request, "param", LIMITS)


@pytest.fixture
async def strict(house: House) -> House:
    """A server with everything that a request is checked against."""
    entry = NewAuditEntry(
        guild_id=house.guild.id, moderator_id=1, action=AuditAction.CONFIG, detail=""
    )
    await house.rules.change({0: {"pictures_per_day": 50, "seconds_per_day": 600}}, entry)
    await house.mia.slash(house.channel, "settings set", steps=5)
    await house.morgan.slash(house.channel, "mod filter add", **FILTER)
    await house.morgan.slash(house.channel, "mod block", person=house.max, reason="spam")
    return house


@contextmanager
def trips(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """Count the transactions until the first answer to an interaction, by how they begin."""
    counted: Counter[str] = Counter()
    answered = False

    def begin(connection: Connection) -> None:
        if not answered:
            counted[connection.get_execution_options()["begin"]] += 1

    def dispatched(backend, method: str, path: str, **more):
        nonlocal answered
        answered = answered or path.endswith("/callback")
        return dispatch(backend, method, path, **more)

    dispatch = router.dispatch
    engines = house.app.database._reading, house.app.database._writing
    for engine in engines:
        event.listen(engine, "begin", begin)
    with monkeypatch.context() as patch:
        patch.setattr(router, "dispatch", dispatched)
        yield counted
    for engine in engines:
        event.remove(engine, "begin", begin)
    assert answered


async def test_an_imagine_is_one_commit(house: House, monkeypatch):
    house.executor.hold = True
    with trips(house, monkeypatch) as counted:
        await house.mia.slash(house.channel, "imagine", prompt="a fox")
    assert counted == {WRITE: 1}


@pytest.mark.parametrize("limits", [EVERYTHING], indirect=True)
async def test_where_everything_is_limited_it_is_one_read_and_one_commit(
    strict: House, monkeypatch
):
    strict.executor.hold = True
    with trips(strict, monkeypatch) as counted:
        await strict.mia.slash(strict.channel, "imagine", prompt="a fox")
    assert counted == {READ: 1, WRITE: 1}


@pytest.mark.parametrize(
    ("button", "commits"),
    [
        ("button-reroll", 1),
        ("button-favourite", 1),
        ("button-remix", 0),
        ("button-details", 0),
        ("button-send", 0),
        ("button-delete", 0),
    ],
)
async def test_a_button_is_one_read_and_at_most_one_commit(
    house: House, monkeypatch, button: str, commits: int
):
    shown = await house.mia.slash(house.channel, "imagine", prompt="a fox", count=1)
    await house.settle()
    house.app.database.rewritten()  # as of a job of last year
    house.executor.hold = True
    with trips(house, monkeypatch) as counted:
        await house.mia.click(shown.response, label=say(button))
    assert (counted[READ], counted[WRITE]) == (1, commits)


@pytest.mark.parametrize("limits", [EVERYTHING], indirect=True)
async def test_a_button_of_a_late_job_is_one_read_where_everything_is_limited(
    strict: House, monkeypatch
):
    shown = await strict.mia.slash(strict.channel, "imagine", prompt="a fox", count=1)
    await strict.settle()
    strict.executor.hold = True
    with trips(strict, monkeypatch) as counted:
        await strict.mia.click(shown.response, label=say("button-reroll"))
    assert counted == {READ: 1, WRITE: 1}


@pytest.mark.parametrize("option", ["checkpoint", "style", "sampler"])
async def test_an_autocomplete_asks_nothing(house: House, monkeypatch, option: str):
    with trips(house, monkeypatch) as counted:
        await house.mia.autocomplete(house.channel, "imagine", option, "e")
    assert counted == {}


async def test_an_autocomplete_of_jobs_is_one_read(house: House, monkeypatch):
    house.executor.hold = True
    await house.mia.slash(house.channel, "imagine", prompt="a fox")
    with trips(house, monkeypatch) as counted:
        await house.mia.autocomplete(house.channel, "cancel", "job", "")
    assert counted == {READ: 1}


@pytest.mark.parametrize("command", ["history", "favourites"])
async def test_a_page_of_jobs_is_one_read(house: House, monkeypatch, command: str):
    shown = await house.mia.slash(house.channel, "imagine", prompt="a fox", count=1)
    await house.settle()
    await house.mia.click(shown.response, label=say("button-favourite"))
    with trips(house, monkeypatch) as counted:
        listed = await house.mia.slash(house.channel, command)
    assert len(listed.response.embeds) == 1
    assert counted == {READ: 1}
