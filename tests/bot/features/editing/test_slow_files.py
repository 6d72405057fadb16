"""Files that take long: they are fetched at once, and the interaction stays alive meanwhile."""

import asyncio
from pathlib import Path

import discord
import pytest

from bot.core.pictures.steering import fetch_all, once
from bot.db.records import Status
from bot.texts import say
from bot.ui import errors
from bot.ui.delivery import thinking
from bot.ui.interaction import Interaction
from generation.catalog.controls import ControlModel, ReferenceModel
from generation.controls import Control
from tests.bot.conftest import House
from tests.bot.features.editing.test_files import MASK, photo

FILES = {
    "edit": {
        "image": ("a.png", photo()),
        "mask": ("b.png", MASK),
        "control_image": ("c.png", MASK),
        "reference": ("d.png", photo()),
        "control": "canny",
        "prompt": "a hat",
    },
    "imagine": {
        "image": ("a.png", photo()),
        "control_image": ("b.png", photo()),
        "reference": ("c.png", photo()),
        "control": "canny",
        "prompt": "a hat",
    },
    "outpaint": {"image": ("a.png", photo()), "zoom": 2, "prompt": "a hat"},
    "upscale": {"image": ("a.png", photo())},
}


@pytest.fixture(autouse=True)
def _models(house: House) -> None:
    net = ControlModel(name="canny", path=Path("c"), family="sd1", controls="canny")
    adapter = ReferenceModel(name="ip", path=Path("r"), family="sd1", encoder=Path("e"))
    house.app.catalog.controls = {net.name: net}
    house.app.catalog.references = {adapter.name: adapter}


class Host:
    """A file host that answers when all of ``files`` are being fetched, and a pending reply stands.

    So it answers nobody who fetches one after the other.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.files, self.fetching = 0, 0
        self.all, self.pending = asyncio.Event(), asyncio.Event()
        self.error: Exception | None = None
        read, begin = discord.Attachment.read, thinking._begin

        async def slow(file: discord.Attachment, **options: object) -> bytes:
            self.fetching += 1
            if self.fetching == self.files:
                self.all.set()
            await self.all.wait()
            await self.pending.wait()
            if self.error is not None:
                raise self.error
            return await read(file, **options)

        async def begins(*interaction: object, **options: object) -> None:
            await begin(*interaction, **options)
            self.pending.set()

        monkeypatch.setattr(discord.Attachment, "read", slow)
        monkeypatch.setattr(thinking, "_begin", begins)


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(monkeypatch)


async def send(house: House, host: Host, command: str, **options):
    """Use a command whose files come when a pending reply stands."""
    host.files = sum(isinstance(one, tuple) for one in FILES[command].values())
    result = await house.mia.slash(house.channel, command, **{**FILES[command], **options})
    await house.settle()
    return result


@pytest.fixture
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thinking, "AFTER_S", 0.0)


@pytest.mark.usefixtures("_at_once")
async def test_a_pending_reply_that_nobody_heard_of_gives_nothing_private_away(
    house: House, host: Host, monkeypatch: pytest.MonkeyPatch
):
    """Discord took it, but the answer to that was lost."""
    begin = thinking._begin

    async def unheard(interaction: Interaction, *, private: bool) -> None:
        await begin(interaction, private=private)
        interaction.response._response_type = None
        thinking.filled_in(interaction)

    monkeypatch.setattr(errors, "OTHERS_S", 0.01)
    monkeypatch.setattr(thinking, "_begin", unheard)
    host.error = discord.DiscordException("no such file")
    result = await send(house, host, "edit")
    assert result.followups[-1].ephemeral
    assert say("error-file-late", field="").split("``")[0] in result.followups[-1].content
    assert house.channel.history() == []
    assert house.env.errors


@pytest.mark.usefixtures("_at_once")
@pytest.mark.parametrize("private", [True, False])
@pytest.mark.parametrize("command", FILES)
async def test_a_pending_reply_becomes_the_job_s(
    house: House, host: Host, command: str, private: bool
):
    result = await send(house, host, command, private=private)
    assert (await house.job(1)).status is Status.DONE
    assert result.ephemeral is private
    assert result.followups == []
    assert result.response.attachments
    assert len(house.executor.requests) == 1


@pytest.mark.usefixtures("_at_once")
@pytest.mark.parametrize("private", [True, False])
@pytest.mark.parametrize("command", FILES)
async def test_what_went_wrong_is_said_to_nobody_else(
    house: House, host: Host, command: str, private: bool
):
    host.error = discord.DiscordException("no such file")
    result = await send(house, host, command, private=private)
    said = (result.followups or [result.response])[-1]
    assert said.ephemeral
    assert say("error-file-late", field="").split("``")[0] in said.content
    assert house.channel.history() == [], "and nobody sees that somebody asked"
    assert await house.jobs.get(1) is None
    assert house.env.errors


async def test_quick_files_leave_no_pending_reply(house: House, host: Host):
    host.files = 4
    host.pending.set()
    await house.mia.slash(house.channel, "edit", **FILES["edit"])
    await house.settle()
    (request,) = house.executor.requests
    assert len(request.control_images) == len(request.reference_images) == 1
    assert request.control_images[0] != request.image
    assert not thinking_of(house)


def thinking_of(house: House) -> list[object]:
    return [one for one in house.env.backend.interactions.values() if one.loading]


async def test_a_control_of_an_edit_reads_the_picture_itself(house: House):
    files = {"image": ("a.png", photo()), "mask": ("b.png", MASK)}
    await house.mia.slash(house.channel, "edit", prompt="a hat", control="canny:0.5", **files)
    await house.settle()
    (request,) = house.executor.requests
    assert request.controls == (Control("canny", 0.5, preprocess="canny"),)
    assert request.control_images == (request.image,)
    refused = await house.mia.slash(
        house.channel, "outpaint", prompt="a hat --control canny", image=files["image"], zoom=2
    )
    assert "`control_image` must be a picture" in house.refusal(refused)


async def test_the_first_that_fails_ends_the_others():
    ended = []

    async def fails() -> bytes:
        raise ValueError("gone")

    async def waits() -> bytes:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(1)
        return b""

    with pytest.raises(ValueError, match="gone"):
        await fetch_all(once(waits), once(fails), None)
    assert ended == [1]


async def test_a_file_is_fetched_once_for_all_who_want_it():
    asked = []

    async def fetch() -> bytes:
        asked.append(1)
        await asyncio.sleep(0)
        return b"file"

    file = once(fetch)
    await fetch_all(file, file)
    assert (await file(), asked) == (b"file", [1])
