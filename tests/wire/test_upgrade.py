"""A database of the last release, with jobs waiting and buttons posted, is taken up.

What the release left behind is kept beside the tests; where its sources are at hand, it is run and
killed anew.
"""

import csv
import io
import json
import tarfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bot.texts import say
from playground import Attachment, Interaction, Playground
from playground.messages.messages import Message
from tests.texts import says
from tests.wire.conftest import PATIENCE_S, Process
from tests.wire.upgrade import memory
from tests.wire.upgrade.make import (
    KEPT,
    RELEASE,
    ROOT,
    has_sources,
    leave_behind,
    take_sources,
)
from tests.wire.upgrade.story import (
    NOTES,
    QUOTA,
    READERS,
    REASON,
    RULES,
    RULES_HERE,
    SETTINGS,
    WORD,
    People,
    action_of,
    button,
)

# Who presses what others read: nobody may have many files, or many clicks, in ten seconds.
PRESSERS = {"varied": "olive", "upscaled": "nora", "enlarged": "nora"}
# What the release called otherwise in Details.
REWORDED = {"Drawn from": "details-styled", "Asked by": "details-by"}
KINDS = {
    "reroll": "reroll",
    "upscale": "upscale",
    "vary": "variation",
    "subtle": "variation",
    "strong": "variation",
}
SAID = {"favourite": "favourite-added", "send": "sent", "delete": "job-delete"}
IN_TURN = {"GENERATION__ROWS": "1"}
TOGETHER = {"LIMITS__RUNNING_PER_PERSON": "8"}


@dataclass
class Past:
    """What the last release said and posted, in the playground as it is now."""

    playground: Playground
    notes: dict[str, Any]

    def message(self, name: str) -> Message:
        found = self.playground.state.messages.find(self.notes["messages"][name])
        assert found is not None
        return found

    @property
    def form(self) -> Interaction:
        found = self.playground.state.interactions.find(self.notes["form"])
        assert found is not None
        return found


@pytest.fixture(autouse=True)
async def left(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch) -> Path:
    """The folder of what the release left behind; the playground is furnished as it was then."""
    folder = tmp_path / "left"
    folder.mkdir()
    if request.node.get_closest_marker("real_worker") is None:
        with tarfile.open(KEPT) as archive:
            archive.extractall(folder, filter="data")
    elif has_sources():
        take_sources(tmp_path / "sources")
        await leave_behind(folder, tmp_path / "sources")
    else:
        pytest.skip(f"the last release's sources ({RELEASE}) are not in a repository here")
    monkeypatch.setattr("playground.state.Snowflakes", memory.furnished(folder / "memory"))
    return folder


@pytest.fixture
async def bot(left: Path, playground: Playground):
    """The bot of today on the folder of then, not started yet."""
    memory.load(playground, left / "memory")
    process = Process(playground, left / "data")
    assert ("running",) in process.rows("status"), "it was killed in mid-job"
    yield process
    if await process.end() != 0:
        print(process.log.read_text("utf-8"))


@pytest.fixture
def past(left: Path, playground: Playground) -> Past:
    return Past(playground, json.loads((left / NOTES).read_text("utf-8")))


async def jobs_go_on(people: People, past: Past) -> None:
    """What ran is drawn again, what waited comes after it, each in the message that it had."""
    bot, posted = people.bot, [message.id for message in people.bot.posted()]
    cancelled, open_jobs = past.message("cancelled"), ["running", "next", "last"]
    await people.pressed("mia", cancelled, "cancel")
    for name in open_jobs:
        message = await people.done(past.message(name))
        assert len(message.attachments) == 1
    assert says(cancelled.content, "job-cancelled")
    assert [message.id for message in bot.posted()] == posted, "nothing is posted a second time"
    started = {
        message_id: (moment, status)
        for message_id, moment, status in bot.rows("message_id, started_at, status")
    }
    expected = [past.notes["messages"][name] for name in open_jobs]
    assert sorted(expected, key=started.__getitem__) == expected
    assert started[cancelled.id] == (None, "cancelled")


async def what_was_said_is_found(people: People, past: Past) -> None:
    """Details and the table say of old jobs what they said; searches find them."""
    for name, reader in READERS.items():
        alone = name in ("styled", "private")  # a favourite of hers, and for her eyes
        card = await people.details(reader if alone else "theo", past.message(name))
        assert by_name(card) == by_name(past.notes["cards"][name])
    before, now = read(past.notes["table"]), read(await people.table())
    assert len(before) == len(READERS)
    columns = before[0].keys()  # newer options have their own
    assert [{name: row[name] for name in columns} for row in now[-len(before) :]] == before
    assert "a lighthouse" in shown(await people.told("mia", "history", word="lighthouse"))
    assert "a lighthouse" in shown(await people.told("mia", "favourites"))
    assert "a bowl of pears" in shown(await people.told("morgan", "mod history", words="pears"))
    none = await people.told("mia", "history", word="pears")
    assert says(none.content, "history-own-none"), "another person's"


async def what_was_set_holds(people: People) -> None:
    """Settings, defaults, rules, filters, blocks and quotas are what they were."""
    mine = shown(await people.told("mia", "settings show"))
    everywhere = shown(await people.told("olive", "config show"))
    here = shown(await people.told("olive", "config show", channel="darkroom"))
    for text, settings in ((mine, SETTINGS), (everywhere, RULES), (here, RULES_HERE)):
        for field, value in settings.items():
            assert f"`{field}` **{value}**" in text
    granted = shown(await people.told("morgan", "mod quota show", who="mia"))
    assert says(granted, "allowance-daily", pictures=QUOTA)

    made = len(people.bot.rows("id"))
    refused = await people.told("mia", "imagine", prompt=f"{WORD} cake")
    assert says(refused.content, "error-prompt-refused")
    refused = await people.told("theo", "imagine", prompt="a cake")
    assert says(refused.content, "error-blocked-because", reason=REASON)
    assert len(people.bot.rows("id")) == made
    await people.drawn("mia", prompt="a cake")
    request = requests(people.bot)[-1]
    assert request["num_inference_steps"] == RULES["steps"]
    assert request["guidance_scale"] == SETTINGS["guidance_scale"]
    for kept_out in (SETTINGS["negative_prompt"], RULES_HERE["negative_prompt"]):
        assert kept_out in request["negative_prompt"]


async def buttons_answer(people: People, past: Past) -> None:
    """Every button that the release posted does what it says."""
    world, nora = people.playground.world, people.playground.join("nora")
    moderator = world.members[world.user("morgan").id]
    world.members[nora.id] = replace(moderator, user=nora)
    for name in READERS.keys() - {"unwanted"}:
        message, presser = past.message(name), PRESSERS.get(name, READERS[name])
        actions = {action_of(one.custom_id) for one in message.buttons}
        assert {"details", "favourite", "send", "delete"} < actions
        actions.remove("details")  # was read above; twice in two seconds is a double click
        if name == "styled":
            actions.remove("favourite")  # it is one, see below
        pressed = {action: await people.pressed(presser, message, action) for action in actions}
        for action, answered in pressed.items():
            await answers(people, message, action, answered)
    unlike = await people.pressed("mia", past.message("styled"), "favourite")
    assert says((await unlike.response(PATIENCE_S)).content, "favourite-removed")

    unwanted, question = past.message("unwanted"), past.message("question")
    await people.pressed("morgan", question, "erase")
    await people.playground.wait_for(lambda: unwanted.deleted, PATIENCE_S, "the deletion")
    assert (unwanted.id, 1) in people.bot.rows("message_id, deleted_at IS NOT NULL")


async def answers(people: People, message: Message, action: str, pressed: Interaction) -> None:
    """Judge what came of a button under a job's message."""
    does, _, index = action.partition(":")
    if does == "remix":
        assert pressed.modal is not None
        return
    answer = await pressed.response(PATIENCE_S)
    if does in KINDS:
        await people.done(answer)
        parent = int(button(message, action).split(":")[1])
        made = (answer.id, KINDS[does], parent, int(index) if index else None)
        assert made in people.bot.rows("message_id, kind, parent_id, parent_index")
    else:
        assert says(answer.content, SAID[does])


async def the_form_comes_back(people: People, past: Past) -> Message:
    """The remix form that was open, sent unchanged, asks for the same pictures."""
    sent = await people.playground.submit(past.form, {})
    message = await people.done(await sent.response(PATIENCE_S))
    first, *_, again = requests(people.bot)
    assert {name: again[name] for name in first} == first, "but for newer fields"
    assert len(message.attachments) == len(past.message("first").attachments)
    return message


def requests(bot: Process) -> list[dict[str, Any]]:
    return [json.loads(str(request)) for (request,) in bot.rows("request")]


def read(table: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table)))


def by_name(card: dict[str, Any]) -> dict[str, Any]:
    """Return a card whose fields may come in another order, and as they are called now."""
    fields = {
        say(REWORDED[field["name"]]) if field["name"] in REWORDED else field["name"]: field["value"]
        for field in card["fields"]
    }
    return card | {"fields": fields}


def shown(message: Message) -> str:
    return f"{message.content}\n{json.dumps(message.embeds, ensure_ascii=False)}"


def pixels(file: Attachment) -> bytes:
    return Image.open(io.BytesIO(file.content)).tobytes()


async def test_jobs_of_the_last_release_go_on(playground: Playground, bot: Process, past: Past):
    await bot.start(**IN_TURN)
    await jobs_go_on(People(playground, bot), past)


async def test_what_the_last_release_left_is_as_it_was(
    playground: Playground, bot: Process, past: Past
):
    people = People(playground, bot)
    await bot.start(**TOGETHER)
    await what_was_said_is_found(people, past)
    await the_form_comes_back(people, past)
    await buttons_answer(people, past)
    await what_was_set_holds(people)


@pytest.mark.real_worker
async def test_the_last_release_killed_in_mid_job(
    playground: Playground, bot: Process, past: Past, tmp_path: Path
):
    people = People(playground, bot)
    await bot.start(**IN_TURN)
    await jobs_go_on(people, past)
    await what_was_said_is_found(people, past)
    remixed = await the_form_comes_back(people, past)
    before = past.message("first").attachments
    published = [root / "generation" / "SHA256SUMS" for root in (ROOT, tmp_path / "sources")]
    if len({sums.read_text("utf-8") for sums in published}) == 1:  # both draw with these weights
        assert [pixels(one) for one in remixed.attachments] == [pixels(one) for one in before]
