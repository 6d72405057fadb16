"""Whatever breaks, a message that says "Starting…" or shows a bar comes to an end that says so."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from bot.db.errors import StoreDamaged
from bot.db.records import Status
from generation.request import Event, Finished, Picture, Progress, Request, Started
from tests.bot.conftest import House, build, labels
from tests.bot.rows import execute
from tests.fakes import RecordingExecutor
from tests.texts import says


async def restart(house: House, tmp_path, database) -> None:
    await house.env.restart_bot(build(tmp_path, database, house.executor))
    await house.settle()


async def reopen(database) -> None:
    """As a kill between the last picture and DONE leaves a job."""
    await execute(database, "UPDATE jobs SET status = 'running', ended_at = NULL")


def lose(file) -> None:
    file.unlink()


def cut_short(file) -> None:
    file.write_bytes(file.read_bytes()[:20])


@pytest.mark.parametrize("harm", [lose, cut_short])
async def test_pictures_whose_files_are_gone_are_drawn_again(
    house: House, tmp_path, database, harm
):
    result = await house.mia.slash(house.channel, "imagine", prompt="a red apple")
    await house.settle()
    await reopen(database)
    harm(next((tmp_path / "pictures").glob("*/*.png")))
    await restart(house, tmp_path, database)
    assert len(house.executor.requests) == 2
    assert house.executor.requests[0] == house.executor.requests[1]
    assert (await house.job(1)).status is Status.DONE
    assert len(result.response.attachments) == 4
    for picture in await house.pictures.of_job(1):
        assert await house.pictures.has(picture)


class Breaking(RecordingExecutor):
    """Draws a step, and then does what no executor should."""

    async def run(self, request: Request) -> AsyncGenerator[Event, None]:
        self.requests.append(request)
        yield Started("")
        yield Progress(request.num_inference_steps, request.num_inference_steps, None)
        match request.prompt:
            case "raise":
                raise ZeroDivisionError
            case "cancel":
                raise asyncio.CancelledError
            case "nothing":
                yield Finished(1.0)
            case "garbage":
                yield Picture(0, 1, b"no picture", 0.0)


@pytest.mark.parametrize("executor", [Breaking()])
@pytest.mark.parametrize("how", ["raise", "cancel", "nothing", "garbage"])
async def test_an_executor_that_breaks_its_word_ends_the_job(house: House, how: str):
    result = await house.mia.slash(house.channel, "imagine", prompt=how, count=1)
    await house.settle()
    assert (await house.job(1)).status is Status.FAILED
    assert "⚠️" in result.response.content
    assert "step" not in result.response.content
    assert labels(result.response) == []
    again = await house.mia.slash(house.channel, "imagine", prompt=how, count=1)
    await house.settle()
    assert "⚠️" in again.response.content, "the next one has its turn"


async def test_a_database_that_breaks_is_said_where_it_started(house: House, monkeypatch):
    """The row was written, the answer stands, and then the database is no more what it was."""

    async def damaged(job_id: int, message_id: int) -> bool:
        raise StoreDamaged("the database is malformed")

    monkeypatch.setattr(house.app.jobs._jobs, "queued", damaged)
    result = await house.mia.slash(house.channel, "imagine", prompt="a red apple", count=1)
    await house.settle()
    assert "⚠️" in result.response.content
    assert "Starting" not in result.response.content
    assert labels(result.response) == []
    assert (await house.job(1)).status is Status.FAILED


async def test_what_a_restart_cannot_take_up_keeps_nobody_else_waiting(
    house: House, tmp_path, database, monkeypatch
):
    await house.mia.slash(house.channel, "imagine", prompt="a red apple", count=1)
    await house.settle()
    await reopen(database)
    fresh = build(tmp_path, database, house.executor)

    async def broken(job_id: int) -> bool:
        raise ZeroDivisionError

    monkeypatch.setattr(fresh.app.jobs._jobs, "requeued", broken)
    await house.env.restart_bot(fresh)
    await house.settle()
    result = await house.max.slash(house.channel, "imagine", prompt="a pear", count=1)
    await house.settle()
    assert len(result.response.attachments) == 1
    assert (await house.job(1)).status is Status.FAILED


async def test_a_check_that_breaks_is_answered(house: House, monkeypatch):
    monkeypatch.setattr(house.app, "cooldowns", None)
    result = await house.mia.slash(house.channel, "queue")
    assert result.ephemeral
    assert says(result.response.content, "error-unforeseen")


async def test_choices_that_break_are_answered_with_none(house: House, monkeypatch):
    monkeypatch.setattr(house.app, "catalog", None)
    assert await house.mia.autocomplete(house.channel, "imagine", "style", "l") == []
    assert "'type': 8" in house.env.transcript(), "Discord is told so"
