"""What a job's message says, seen from the channel."""

from dataclasses import replace

import pytest

from bot import texts
from bot.db.records import Job, NewJob, Origin
from bot.texts import say
from tests.bot.conftest import House


async def test_what_is_said_of_a_job_is_in_the_language_of_who_asked(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    german = texts.FluentResource("job-from = Aus { $where }")
    real = texts._resource
    monkeypatch.setattr(texts, "languages", lambda: {"en", "de"})
    monkeypatch.setattr(texts, "_resource", lambda one: german if one == "de" else real(one))
    shown = await house.mia.slash(house.channel, "imagine", prompt="a pear", count=1)
    await house.settle()
    jobs = house.app.job_store
    record = jobs.record

    async def of_a_german(new_job: NewJob, origin: Origin, *, fair_start: float) -> Job:
        """As Discord says in the interactions of a German."""
        return await record(new_job, replace(origin, locale="de"), fair_start=fair_start)

    monkeypatch.setattr(jobs, "record", of_a_german)
    again = await house.max.click(shown.response, label=say("button-reroll"))
    await house.settle()
    assert "\n-# Aus https://discord.com/channels/" in again.response.content
    texts._bundle.cache_clear()
