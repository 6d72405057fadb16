"""Whatever somebody sends, they get an answer, and the log says what went wrong."""

import sqlite3

import pytest

from bot.db.database import FILE_NAME
from playground import Playground
from playground.interactions.interactions import Kind
from tests.texts import says
from tests.wire.conftest import PATIENCE_S, Process


@pytest.mark.odd_discord
async def test_what_is_odd_is_answered(playground: Playground, bot: Process):
    world = playground.world
    odd = [
        (Kind.MODAL_SUBMIT, {"custom_id": "nobodys", "components": []}, "error-form-unknown"),
        (
            Kind.MODAL_SUBMIT,
            {"custom_id": "job:1:remix", "components": []},
            "error-job-unknown",
        ),
        (Kind.COMPONENT, {"custom_id": "nobodys", "component_type": 2}, "error-page-old"),
        (Kind.COMMAND, {"id": "1", "name": "gone", "type": 1}, "error-command-gone"),
        (
            Kind.COMMAND,
            {"id": "1", "name": "imagine", "type": 1, "options": [{"name": "image", "type": 11}]},
            "error-unforeseen",
        ),
    ]
    asked = [
        playground.state.interactions.open(kind, world.user("mia"), world.channel("darkroom"), data)
        for kind, data, _ in odd
    ]
    for interaction, (_, _, key) in zip(asked, odd, strict=True):
        answer = await interaction.response(within=PATIENCE_S)
        assert answer.ephemeral
        assert says(answer.content, key)


@pytest.mark.odd_discord
async def test_what_discord_py_cannot_read_starts_a_session_anew_in_the_same_process(
    playground: Playground, bot: Process
):
    pid = bot.pid
    playground.gateway.dispatch("INTERACTION_CREATE", {"type": 5, "data": {"custom_id": "x"}})
    await playground.wait_for(lambda: playground.gateway.identifies == 2, PATIENCE_S, "a session")
    await playground.wait_for(lambda: playground.gateway.connected, PATIENCE_S, "the bot")
    asked = await playground.slash("mia", "darkroom", "queue")
    await asked.answered(within=PATIENCE_S)
    assert bot.pid == pid
    assert "KeyError" in bot.log.read_text("utf-8")


async def test_an_acknowledgement_that_was_lost_leaves_nobody_with_a_thinking_bot(
    playground: Playground, bot: Process
):
    playground.faults.lose_answer("POST", r"/interactions/.*/callback")
    asked = await playground.slash("morgan", "darkroom", "mod audit")
    answer = await asked.response(within=PATIENCE_S)
    assert says(answer.content, "error-discord")
    assert "already been acknowledged" in answer.content


async def test_an_answer_that_was_lost_on_its_way_back_is_still_there(
    playground: Playground, bot: Process
):
    playground.faults.lose_answer("POST", r"/interactions/.*/callback")
    asked = await playground.slash("mia", "darkroom", "history")
    answer = await asked.response(within=PATIENCE_S)
    assert says(answer.content, "history-own-none")


async def test_without_its_tables_everything_is_answered(playground: Playground, bot: Process):
    connection = sqlite3.connect(bot.folder / FILE_NAME, isolation_level=None)
    connection.execute("ALTER TABLE jobs RENAME TO elsewhere")
    assert await playground.autocomplete("mia", "darkroom", "cancel", "job", "1") == []
    for command, options in (("imagine", {"prompt": "a pear"}), ("history", {}), ("queue", {})):
        asked = await playground.slash("mia", "darkroom", command, **options)
        answer = await asked.response(within=PATIENCE_S)
        assert answer.ephemeral
    connection.close()
    assert "no such table" in bot.log.read_text("utf-8")
