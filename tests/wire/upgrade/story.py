"""A server's life with the last release, up to the moment at which its process is killed."""

import asyncio
import json
import re
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from benchmarks.discord.stub_worker import picture
from playground import Playground, Upload
from playground.interactions.interactions import Interaction
from playground.messages.messages import Message
from tests.wire.conftest import PATIENCE_S, REAL, Process

Json = dict[str, Any]

NOTES = "notes.json"
# Finished jobs, and who looks at them: a few files a person, as nobody may have more at once.
READERS = {
    "first": "mia",
    "upscaled": "olive",
    "varied": "morgan",
    "styled": "mia",
    "private": "morgan",
    "enlarged": "olive",
    "unwanted": "theo",
}
STEPS = 100  # of the job that is drawn when the process is killed
PICTURES = 2  # of the first job
SETTINGS: Json = {"guidance_scale": 5.5, "negative_prompt": "fog"}
RULES: Json = {"steps": 7, "count": 1, "max_count": 3, "pictures_per_day": 30}
RULES_HERE: Json = {"negative_prompt": "mist"}
WORD = "marzipan"  # is not allowed
REASON = "too much marzipan"
PHOTO = Upload("photo.png", picture(1, 64, 48))
QUOTA = 40  # Mia's pictures a day


class LastRelease(Process):
    """The last release's process, from a folder with its sources."""

    program = REAL
    template = None
    settings: ClassVar = {
        name: value for name, value in Process.settings.items() if name != "GENERATION__DRAIN_S"
    }

    def __init__(self, playground: Playground, folder: Path, sources: Path) -> None:
        super().__init__(playground, folder)
        self.cwd = sources

    async def begin(self, **environment: str) -> None:
        await super().begin(PYTHONPATH=str(self.cwd), **environment)


def action_of(custom_id: str | None) -> str:
    """Return what a job's button does, and for which picture, as "upscale:0"."""
    found = re.fullmatch(r"job:\d+:([a-z]+:?\d?):?\w*", custom_id or "")
    return "" if found is None else found[1].rstrip(":")


def button(message: Message, action: str) -> str:
    """Return the custom id of a job's button."""
    ids = [one.custom_id for one in message.buttons if action_of(one.custom_id) == action]
    assert len(ids) == 1, f"{action}: {message.content!r} has {message.buttons}"
    return ids[0] or ""


@dataclass
class People:
    """What people do with the bot, and read; nothing here depends on a release's words."""

    playground: Playground
    bot: Process

    async def told(self, who: str, command: str, /, **options: Any) -> Message:
        """Give a command and return its answer."""
        asked = await self.playground.slash(who, "darkroom", command, **options)
        return await asked.response(PATIENCE_S)

    async def pressed(self, who: str, message: Message, action: str) -> Interaction:
        """Press one of a job's buttons, and wait for an answer."""
        pressed = await self.playground.click(who, message, button(message, action))
        return await pressed.answered(PATIENCE_S)

    async def done(self, message: Message) -> Message:
        """Wait until a job's message has pictures and buttons, and its row knows it."""

        def drawn() -> bool:
            actions = [action_of(one.custom_id) for one in message.buttons]
            return bool(message.attachments) and "details" in actions

        await self.playground.wait_for(drawn, PATIENCE_S, f"pictures in {message.content!r}")
        await self.bot.until(
            "message_id, status", lambda *row: row == (message.id, "done"), PATIENCE_S
        )
        return message

    async def drawn(self, who: str, /, **options: Any) -> Message:
        """Ask for pictures and wait for them."""
        return await self.done(await self.told(who, "imagine", **options))

    async def made(self, who: str, message: Message, action: str) -> Message:
        """Press a button that makes a job, and wait for its pictures."""
        return await self.done(
            await (await self.pressed(who, message, action)).response(PATIENCE_S)
        )

    async def details(self, who: str, message: Message) -> Json:
        """Return the card that Details shows."""
        answer = await (await self.pressed(who, message, "details")).response(PATIENCE_S)
        return answer.embeds[0]

    async def table(self) -> str:
        """Return the server's jobs as CSV."""
        listed = await self.told("morgan", "mod history")
        pressed = await self.playground.click("morgan", listed, "📄")
        answer = await pressed.response(PATIENCE_S)
        (file,) = answer.attachments
        return file.content.decode("utf-8-sig")


async def live(playground: Playground, bot: LastRelease, notes: Path) -> None:
    """Let people do what they do, kill the bot in mid-job, and note what it said of its jobs."""
    people = People(playground, bot)
    await bot.start(GENERATION__ROWS="1")  # one job at a time
    await configure(people)
    first = await people.drawn(
        "mia", prompt="a red apple on a table", count=PICTURES, seed=11, guidance_scale=6.25
    )
    upscaled = await people.made("mia", first, "upscale:0")
    varied = await people.made("mia", first, "vary:1")
    styled = await people.drawn(
        "mia", prompt="a lighthouse", style="In blue", sampler="Euler a", negative_prompt="rain"
    )
    await people.pressed("mia", styled, "favourite")
    private = await people.drawn("morgan", prompt="a present", private=True)
    enlarged = await people.done(await people.told("mia", "upscale", image=PHOTO))
    unwanted = await people.drawn("theo", prompt="a bowl of pears")
    question = await (await people.pressed("morgan", unwanted, "delete")).response(PATIENCE_S)
    await people.told("morgan", "mod block", person="theo", reason=REASON)
    form = await people.pressed("mia", first, "remix")
    finished = {
        "first": first,
        "upscaled": upscaled,
        "varied": varied,
        "styled": styled,
        "private": private,
        "enlarged": enlarged,
        "unwanted": unwanted,
    }
    cards = {name: await people.details(READERS[name], one) for name, one in finished.items()}
    table = await people.table()

    # The long one first, or another's turn could come before; the others at once, or it could end
    # before the last is asked for.
    running = await people.told("mia", "imagine", prompt="a blue boat", steps=STEPS, seed=12)
    waiting = await asyncio.gather(
        *(
            people.told(who, "imagine", prompt=prompt, seed=13)
            for who, prompt in (("mia", "a cat"), ("morgan", "a tree"), ("mia", "a fish"))
        ),
    )
    await playground.wait_for(
        lambda: re.search(r"step [1-9]", running.content), PATIENCE_S, "a step"
    )
    await bot.end(signal.SIGKILL)
    rows = sorted(bot.rows("fair_start, message_id, status"))
    following, last, _ = (message_id for _, message_id, status in rows if status == "queued")
    written = {
        "messages": {name: message.id for name, message in finished.items()}
        | {"question": question.id, "running": running.id, "cancelled": waiting[-1].id}
        | {"next": following, "last": last},
        "form": form.id,
        "cards": cards,
        "table": table,
    }
    notes.write_text(json.dumps(written, ensure_ascii=False, indent=1), "utf-8")


async def configure(people: People) -> None:
    """Set what is set by people, administrators and moderators."""
    await people.told("mia", "settings set", **SETTINGS)
    for command, fields in (
        ("config defaults", ("steps", "count")),
        ("config bounds", ("max_count",)),
        ("config quota", ("pictures_per_day",)),
    ):
        await people.told("olive", command, **{field: RULES[field] for field in fields})
    await people.told(
        "olive", "config negative", text=RULES_HERE["negative_prompt"], channel="darkroom"
    )
    await people.told("morgan", "mod filter add", pattern=WORD, action="refuse")
    await people.told("morgan", "mod quota set", who="mia", pictures_per_day=QUOTA)
