"""A Discord that misbehaves: what was accepted is posted exactly once, or its row says why not."""

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from bot.texts import say
from playground import Playground
from playground.messages.messages import Message
from playground.world.permissions import Permission
from tests.texts import says
from tests.wire.conftest import PATIENCE_S, Process

CALLBACK = r"/interactions/.*/callback"
BY_TOKEN = r"/webhooks/.*/messages/"
BY_CHANNEL = r"/channels/\d+/messages/"
DEAD_TOKEN = 50027
FIFTEEN_MINUTES = 15 * 60
STEPS_FOR_SECONDS = 100


async def ask(playground: Playground, steps: int = 4, where: Any = "darkroom") -> None:
    await playground.slash("mia", where, "imagine", prompt="a red apple", count=1, steps=steps)


async def ask_and_wait_for_a_step(playground: Playground, bot: Process) -> Message:
    """Ask for a job that would run for long, and return its message once it runs."""
    await ask(playground, steps=100)

    def stepped() -> bool:
        return any(re.search(r"step [1-9]", message.content) for message in bot.posted())

    await playground.wait_for(stepped, PATIENCE_S, "a step")
    return bot.posted()[-1]


def fail_first_answer(playground: Playground) -> None:
    playground.faults.fail("POST", CALLBACK, 500)


def limit_first_answer(playground: Playground) -> None:
    playground.faults.limit("POST", CALLBACK, 0.5)


def lose_first_answer(playground: Playground) -> None:
    playground.faults.lose_answer("POST", CALLBACK)


def lose_first_answer_and_the_question_about_it(playground: Playground) -> None:
    playground.faults.lose_answer("POST", CALLBACK)
    playground.faults.fail("GET", r"/messages/@original", 400)


def fail_every_edit(playground: Playground) -> None:
    playground.faults.fail("PATCH", BY_TOKEN, 500, times=3)


def limit_every_edit(playground: Playground) -> None:
    playground.faults.limit("PATCH", BY_TOKEN, 0.5, times=3)


def lose_the_answer_to_every_edit(playground: Playground) -> None:
    playground.faults.lose_answer("PATCH", BY_TOKEN, times=3)


def refuse_two_uploads_for_their_size(playground: Playground) -> None:
    playground.faults.too_large(times=2)


def slow_every_answer(playground: Playground) -> None:
    playground.faults.slow("*", "", 1.0, times=8)


def kill_the_token(playground: Playground) -> None:
    playground.faults.fail("PATCH", BY_TOKEN, 401, code=DEAD_TOKEN)


@pytest.mark.parametrize(
    "misbehave",
    [
        fail_first_answer,
        limit_first_answer,
        lose_first_answer,
        lose_first_answer_and_the_question_about_it,
        fail_every_edit,
        limit_every_edit,
        lose_the_answer_to_every_edit,
        refuse_two_uploads_for_their_size,
        slow_every_answer,
        kill_the_token,
    ],
)
async def test_the_picture_is_posted_exactly_once(
    playground: Playground, bot: Process, misbehave: Callable[[Playground], None]
):
    misbehave(playground)
    await ask(playground)
    message = await bot.finished(1)
    assert bot.rows("status, message_id, interaction_token") == [("done", message.id, None)]
    assert playground.log.matching("POST", r"/channels/\d+/messages$") == []


async def test_an_answer_that_came_too_late_closes_the_row(playground: Playground, bot: Process):
    playground.faults.limit("POST", CALLBACK, 4.0)
    await ask(playground)
    await bot.until("status, error", lambda *row: row == ("failed", "never acknowledged"))
    assert bot.posted() == []


async def test_a_server_of_small_files_gets_a_smaller_picture(playground: Playground, bot: Process):
    playground.state.attachment_size_limit = 3_000
    await ask(playground)
    message = await bot.finished(1)
    (shown,) = message.attachments
    assert shown.filename.endswith(".webp")
    assert len(shown.content) <= 3_000
    assert says(message.content, "job-shrunk")
    (stored,) = (bot.folder / "pictures").glob("*/*.png")
    assert stored.stat().st_size > 3_000


async def test_a_click_while_the_socket_is_down_is_answered(playground: Playground, bot: Process):
    message = await ask_and_wait_for_a_step(playground, bot)
    playground.gateway.drop()
    click = await playground.click("mia", message, say("button-cancel"))
    await click.answered(within=PATIENCE_S)
    assert (playground.gateway.resumes, playground.gateway.identifies) == (1, 1)
    await bot.until("status", lambda status: status == "cancelled")


def drop_and_forget(playground: Playground) -> None:
    """Cut the socket, and answer its RESUME with INVALID_SESSION."""
    playground.gateway.drop()
    playground.gateway.forget()


@pytest.mark.parametrize(
    "end",
    [
        lambda playground: playground.gateway.drop(),
        lambda playground: playground.gateway.invalidate(),
        lambda playground: playground.gateway.ask_to_reconnect(),
        drop_and_forget,
    ],
    ids=["drop", "invalidate", "reconnect", "drop_and_forget"],
)
async def test_a_job_outlives_its_session(
    playground: Playground, bot: Process, end: Callable[[Playground], None]
):
    await ask_and_wait_for_a_step(playground, bot)
    end(playground)
    await bot.finished(1)
    await playground.wait_for(lambda: playground.gateway.connected, PATIENCE_S, "the bot")
    await ask(playground)
    await bot.finished(1, messages=2)


async def test_a_token_that_died_while_the_job_ran_makes_way_for_the_channel(
    playground: Playground, bot: Process
):
    await ask_and_wait_for_a_step(playground, bot)
    playground.clock.advance(FIFTEEN_MINUTES)
    await bot.finished(1)
    refused = [seen for seen in playground.log.matching("PATCH", BY_TOKEN) if seen.status == 401]
    assert len(refused) == 1, "a dead token is not tried again"
    assert playground.log.matching("PATCH", BY_CHANNEL)[-1].files


def allow_no_files(playground: Playground) -> None:
    world = playground.world
    playground.overwrite("darkroom", world.bot, deny=Permission.ATTACH_FILES)


async def test_missing_permissions_are_named_before_any_work(playground: Playground, bot: Process):
    allow_no_files(playground)
    refused = await playground.slash("mia", "darkroom", "imagine", prompt="a pear", count=1)
    answer = await refused.response(within=PATIENCE_S)
    assert answer.ephemeral
    assert answer.content == say("error-not-allowed-here", missing="Attach Files")
    assert bot.rows("id") == []


async def test_permissions_lost_in_mid_job_end_it_with_a_reason(
    playground: Playground, bot: Process
):
    message = await ask_and_wait_for_a_step(playground, bot)
    allow_no_files(playground)
    playground.clock.advance(FIFTEEN_MINUTES)
    await bot.until(
        "status, error", lambda *row: row == ("failed", "not posted: Missing Permissions")
    )
    said = "Discord does not let me post them: Missing Permissions"
    await playground.wait_for(lambda: said in message.content, PATIENCE_S, "the reason")
    assert message.buttons == []
    assert sum(seen.status == 403 for seen in playground.log.requests) <= 2, "nothing loops"


async def delete_the_message(playground: Playground, message: Message) -> None:
    await playground.delete_message("morgan", message)


async def delete_the_channel(playground: Playground, message: Message) -> None:
    playground.delete_channel(message.channel)


async def remove_the_bot(playground: Playground, message: Message) -> None:
    playground.remove_bot()


@pytest.mark.parametrize(
    ("lose", "why"),
    [
        (delete_the_message, "its message is gone"),
        (delete_the_channel, "its channel is gone"),
        (remove_the_bot, "its server is gone"),
    ],
)
async def test_what_is_deleted_stops_the_worker(
    playground: Playground, bot: Process, lose: Callable[..., Any], why: str
):
    message = await ask_and_wait_for_a_step(playground, bot)
    await ask(playground, steps=100)
    await playground.wait_for(lambda: len(bot.posted()) == 2, PATIENCE_S, "the one that waits")
    waiting = bot.posted()[-1]
    await bot.until("message_id", lambda message_id: message_id == waiting.id)
    for gone in (waiting, message) if lose is delete_the_message else (message,):
        await lose(playground, gone)
    await bot.until(
        "(SELECT count(*) FROM jobs WHERE status = 'cancelled' AND error = ?)".replace(
            "?", f"'{why}'"
        ),
        lambda cancelled: cancelled == 2,
    )
    # The worker is free for others at once: a job of hundreds of forwards does not go before them.
    if lose is remove_the_bot:
        playground.invite_bot()
    await ask(playground, where="general", steps=2)
    await bot.until("(SELECT count(*) FROM jobs WHERE status = 'done')", lambda done: done == 1)
    spent = [seconds for (seconds,) in bot.rows("device_seconds")]
    assert spent[1] == 0, "what waited was never drawn"


async def test_a_message_deleted_while_the_bot_was_away_ends_its_job(
    playground: Playground, bot: Process
):
    message = await ask_and_wait_for_a_step(playground, bot)
    await bot.end()
    await playground.delete_message("morgan", message)
    await bot.restart()
    await bot.until("status, error", lambda *row: row == ("cancelled", "its message is gone"))


async def test_closed_direct_messages_leave_the_job_in_the_history(
    playground: Playground, bot: Process
):
    mia = playground.world.user("mia")
    direct = playground.open_direct_messages(mia)
    playground.faults.lose_answer("POST", CALLBACK)
    playground.faults.fail("GET", r"/messages/@original", 401, code=DEAD_TOKEN)
    playground.world.deaf_to_direct_messages.add(mia.id)
    await ask(playground, where=direct)
    await bot.until(
        "status, error",
        lambda *row: row == ("failed", "not posted: Cannot send messages to this user"),
    )
    assert bot.rows("json_extract(request, '$.prompt'), guild_id, message_id") == [
        ("a red apple", None, None)
    ]


async def ask_privately(playground: Playground) -> Message:
    """Ask for a private job that runs for long, and return its answer once it runs."""
    asked = await playground.slash(
        "mia", "darkroom", "imagine", prompt="a red apple", count=1, steps=100, private=True
    )
    answer = await asked.response(within=PATIENCE_S)
    assert answer.ephemeral

    def stepped() -> bool:
        return re.search(r"step [1-9]", answer.content) is not None

    await playground.wait_for(stepped, PATIENCE_S, "a step")
    return answer


@pytest.mark.parametrize("closed", [False, True])
async def test_a_private_job_outlives_its_token_without_a_word_in_public(
    playground: Playground, bot: Process, closed: bool
):
    mia = playground.world.user("mia")
    direct = playground.open_direct_messages(mia)
    if closed:
        playground.world.deaf_to_direct_messages.add(mia.id)
    answer = await ask_privately(playground)
    playground.clock.advance(FIFTEEN_MINUTES)
    await bot.until("status", lambda status: status == "done")
    sent = playground.messages(direct, mia)
    assert [len(message.attachments) for message in sent] == ([] if closed else [1])
    assert answer.attachments == [] or answer.attachments[0].filename == "preview.webp"
    moved = (None, answer.id) if closed else (direct.id, sent[0].id)
    assert bot.rows("direct_channel_id, message_id, interaction_token") == [(*moved, None)]
    assert bot.posted() == []
    here = f"/channels/{playground.world.channel('darkroom').id}/"
    assert [seen.path for seen in playground.log.requests if here in seen.path] == []


async def test_jobs_of_one_channel_share_its_bucket(playground: Playground, bot: Process):
    for person in ("mia", "morgan"):
        await playground.slash(
            person, "darkroom", "imagine", prompt="a pear", count=1, steps=STEPS_FOR_SECONDS
        )
    await playground.wait_for(lambda: len(bot.posted()) == 2, PATIENCE_S, "both answers")
    playground.clock.advance(FIFTEEN_MINUTES)
    await bot.finished(1, messages=2)
    edits = playground.log.matching("PATCH", BY_CHANNEL)
    progress = [seen for seen in edits if " left" in seen.body["content"]]
    assert len({seen.path for seen in progress}) == 2
    apart = [later.at - earlier.at for earlier, later in pairwise(progress)]
    assert min(apart) > 1.4
