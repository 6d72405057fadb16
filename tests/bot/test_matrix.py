"""Every door × everybody who should not get in: nobody learns of a job that they cannot see.

The doors are found by walking what is registered, so that a new one has to be classified here.
"""

from collections.abc import Iterable
from dataclasses import replace
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

import discord
import pytest
from discord import app_commands
from simcord.backend import serializers
from simcord.components import walk_components
from simcord.enums import SELECT_TYPES, AppCommandType, ComponentType, OptionType

import bot
from bot.db.records import Job
from bot.features.editing.region import TEMPLATE as REGION
from bot.ui.actions import moderation_actions
from bot.ui.actions.custom_id import TEMPLATE
from bot.ui.actions.job_actions import JOB_ACTIONS
from bot.ui.actions.moderation_actions import MODERATION_ACTIONS
from tests.bot.conftest import House
from tests.bot.doors import (
    AUTOCOMPLETES,
    COMMANDS,
    DYNAMIC,
    EDITS,
    FORMS,
    JOB_BUTTONS,
    LAST,
    MENUS,
    MOD_BUTTONS,
    PARTS_OF_VIEWS,
    VIEWS,
    Learns,
)
from tests.bot.scene import Persona, Scene, stage
from tests.fakes import png
from tests.storm.commands import Command, registered, slash_commands
from tests.storm.files import File
from tests.storm.wire import AUTOCOMPLETE, BUTTON, COMMAND, COMPONENT, FORM, Sent, Wire
from tests.texts import says

REFUSALS = ("error-permissions", "error-server-only")
INDEXED = {"upscale", "vary", "subtle", "strong", *EDITS}


def test_every_command_is_classified(house: House):
    tree = house.bot.tree
    found = {one.qualified_name for one in tree.walk_commands() if not is_group(one)}
    assert found == set(COMMANDS)
    menus = (discord.AppCommandType.message, discord.AppCommandType.user)
    assert {one.name for kind in menus for one in tree.get_commands(type=kind)} == set(MENUS)


def test_every_autocomplete_is_classified(house: House):
    found = {
        f"{command.name} {option['name']}"
        for command in slash_commands(house.env)
        for option in command.options
        if option.get("autocomplete")
    }
    assert found == set(AUTOCOMPLETES)


def test_every_button_is_classified(house: House):
    assert set(JOB_BUTTONS) == set(JOB_ACTIONS)
    assert set(MOD_BUTTONS) == set(MODERATION_ACTIONS)
    found = house.bot._connection._view_store._dynamic_items
    assert {pattern.pattern for pattern in found} == DYNAMIC


def test_every_form_is_classified(house: House):
    assert {pattern.pattern for pattern, _ in house.app.forms} == set(FORMS)
    modals = {one.__name__ for one in subclasses(discord.ui.Modal)}
    assert modals == set(), "forms are known by their ids, and are none of these"


def test_every_view_is_classified():
    found = {one.__name__ for one in subclasses(discord.ui.View, discord.ui.LayoutView)}
    assert found == set(VIEWS) | PARTS_OF_VIEWS


@pytest.mark.parametrize(
    "name",
    [
        "member",
        "member among adults",
        "moderator of another channel",
        "moderator of another server",
        "blocked",
        "guest",
        "direct message",
    ],
)
async def test_nobody_learns_of_what_they_cannot_see(house: House, name: str):
    scene = await stage(house)
    persona = scene.personas[name]
    for job in scene.jobs.values():  # as when they still saw all of them
        await house.favourites.toggle(person_id=persona.actor.id, job_id=job.id)
    visit = Visit(house, scene, persona)
    await visit.commands(one for one in slash_commands(house.env) if one.name not in LAST)
    await visit.menus()
    await visit.typing()
    await visit.buttons()
    await visit.forms()
    await visit.commands(one for one in slash_commands(house.env) if one.name in LAST)
    assert house.env.errors, "most of it is refused"
    assert "\n".join(visit.leaks) == ""
    assert visit.shown >= persona.sees, "who may see it does"
    for word, job in scene.jobs.items():
        now = await house.job(job.id)
        if word not in persona.ends:
            assert (now.deleted_at, now.status) == (job.deleted_at, job.status), word
    trail = await house.audit.page(house.guild.id, before=None, limit=50)
    ended = {scene.jobs[word].id for word in persona.ends}
    theirs = {one.job_id for one in trail if one.moderator_id == persona.actor.id}
    assert theirs <= ended, "nothing else was theirs to moderate"


class Visit:
    """One person's try at every door; what they should not have learnt is in ``leaks``."""

    def __init__(self, house: House, scene: Scene, persona: Persona) -> None:
        self.house, self.scene, self.persona = house, scene, persona
        self.wire = Wire(house.env)
        self.leaks: list[str] = []
        self.shown: set[str] = set()
        self._pressed: set[str] = set()
        self._requests = self._files = 0

    async def commands(self, commands: Iterable[Command]) -> None:
        """Give each command with as little as it takes, with each job, and with all it takes."""
        for command in commands:
            learns = COMMANDS[command.name]
            numbered = [one for one in command.options if one["name"] == "job"]
            jobs = [job.id for job in self.scene.jobs.values()]
            for job_id in jobs if numbered else jobs[:1]:
                await self._command(command, job_id, learns, every=False)
            await self._command(command, jobs[0], learns, every=True)

    async def menus(self) -> None:
        """Open each entry of the menus of messages and of people."""
        message = self._message(self.scene.jobs["openword"])
        for menu in registered(self.house.env, AppCommandType.MESSAGE):
            data = {"id": menu["id"], "name": menu["name"], "type": menu["type"]}
            sent = await self._send(COMMAND, data | self.wire.target(message))
            await self._judge(sent, menu["name"], MENUS[menu["name"]])
        for menu in registered(self.house.env, AppCommandType.USER):
            resolved: dict[str, Any] = {}
            target = self._named(resolved)
            data = {
                "id": menu["id"],
                "name": menu["name"],
                "type": menu["type"],
                "target_id": target,
            }
            sent = await self._send(COMMAND, data | {"resolved": resolved})
            await self._judge(sent, menu["name"], MENUS[menu["name"]])

    async def typing(self) -> None:
        """Ask for what each option completes to."""
        for command in slash_commands(self.house.env):
            for option in command.options:
                if option.get("autocomplete"):
                    for typed in ("", "word"):
                        given = {"name": option["name"], "type": option["type"], "value": typed}
                        data = command.data([given | {"focused": True}], {})
                        await self._send(AUTOCOMPLETE, data)
                        name = f"{command.name} {option['name']}"
                        self._look(name, AUTOCOMPLETES[name])

    async def buttons(self) -> None:
        """Press every button of every job, as if it stood where they are."""
        for job in self.scene.jobs.values():
            for action, learns in JOB_BUTTONS.items():
                index = ":0" if action in INDEXED else ""
                await self._press(f"job:{job.id}:{action}{index}", learns)
            for tool in ("5", "words", "draw"):  # of a panel
                panel = f"region:{job.id}:0:{job.mark}:{tool}"
                await self._press(panel, Learns.SEEN)
            for act, learns in MOD_BUTTONS.items():
                await self._press(f"mod:{act}:{job.id}", learns)

    async def forms(self) -> None:
        """Send every form of every job back."""
        fields = {"prompt": "a pear", "negative_prompt": "", "reason": "", "duration": "1h"}
        rows = [
            {"type": 18, "component": {"type": 4, "custom_id": name, "value": value}}
            for name, value in fields.items()
        ]
        for learns, ids in FORMS.values():
            for job in self.scene.jobs.values():
                for custom_id in ids:
                    data = {"custom_id": custom_id.format(job.id, job.mark), "components": rows}
                    sent = await self._send(FORM, data)
                    await self._judge(sent, data["custom_id"], learns)

    async def _command(self, command: Command, job_id: int, learns: Learns, *, every: bool) -> None:
        resolved: dict[str, Any] = {}
        options = [
            {
                "name": option["name"],
                "type": option["type"],
                "value": self._value(option, job_id, resolved),
            }
            for option in command.options
            if (every or option.get("required") or option["name"] == "job")
            and (self.persona.place.guild or option["type"] != OptionType.CHANNEL)
        ]
        sent = await self._send(COMMAND, command.data(options, resolved))
        await self._judge(sent, f"/{command.name} {job_id}", learns)

    def _value(self, option: dict[str, Any], job_id: int, resolved: dict[str, Any]) -> Any:
        place, actor = self.persona.place, self.persona.actor
        if option["name"] == "job":
            return job_id
        if choices := option.get("choices"):
            return choices[0]["value"]
        match option["type"]:
            case OptionType.STRING:
                said = {"duration": "1h", "since": "1d", "until": "today"}
                return said.get(option["name"], "word")
            case OptionType.BOOLEAN:
                return False
            case OptionType.ATTACHMENT:
                return self.wire.attach(place, File("a.png", png(7)), resolved)
            case OptionType.USER | OptionType.MENTIONABLE:
                return self._named(resolved)
            case OptionType.CHANNEL:
                return self.wire.name(place, actor, place.channel, resolved)
            case _:
                return option.get("min_value", 1)

    def _named(self, resolved: dict[str, Any]) -> str:
        """Name Mia, whose jobs they are, wherever somebody does so."""
        mia = self.house.mia_user._user
        resolved["users"] = {str(mia.id): dict(serializers.user_payload(mia))}
        return str(mia.id)

    async def _press(self, custom_id: str, learns: Learns) -> None:
        button = {"type": BUTTON, "custom_id": custom_id, "style": 2, "label": "?"}
        rows = [{"type": ComponentType.ACTION_ROW, "components": [button]}]
        message = replace(self._message(self.scene.jobs["openword"]), components=rows)
        data = {"custom_id": custom_id, "component_type": BUTTON}
        sent = await self._send(COMPONENT, data, message)
        assert sent.record.responded, custom_id
        await self._judge(sent, custom_id, learns)

    async def _judge(self, sent: Sent, door: str, learns: Learns) -> None:
        """Look at what was said, and press everything that stands below it."""
        self._look(door, learns)
        message = self.wire.message(sent.record.channel_id, sent.record.message_id)
        for item in walk_components([] if message is None else message.components):
            custom_id = item.get("custom_id")
            if not custom_id or custom_id in self._pressed or item.get("disabled"):
                continue
            if any(
                pattern.fullmatch(custom_id)
                for pattern in (TEMPLATE, moderation_actions.TEMPLATE, REGION)
            ):
                continue  # pressed for every job
            self._pressed.add(custom_id)
            data: dict[str, Any] = {"custom_id": custom_id, "component_type": item["type"]}
            if item["type"] in SELECT_TYPES:
                data["values"] = [option["value"] for option in item.get("options", ())][:1]
            below = await self._send(COMPONENT, data, message)
            await self._judge(below, f"{door} > {item.get('label') or 'menu'}", learns)

    def _look(self, door: str, learns: Learns) -> None:
        requests = self.house.env.http_requests[self._requests :]
        said = "\n".join(repr(request.json) for request in requests)
        files = list(self._blobs.values())[self._files :]
        told = {
            word
            for word, job in self.scene.jobs.items()
            if tells_of(job, word, said) or any(self._shows(word, file) for file in files)
        }
        self.shown |= told
        self.leaks += [f"{door} tells of {word}" for word in told - self.persona.sees]
        if says(said, "error-unforeseen") and not self.persona.moderates:
            self.leaks.append(f"{door} broke")
        barred = learns is Learns.ADMINISTRATORS or (
            learns is Learns.MODERATORS and not self.persona.moderates
        )
        if barred and not any(says(said, key) for key in REFUSALS):
            self.leaks.append(f"{door} was not refused: {said[:300]}")

    def _shows(self, word: str, file: bytes) -> bool:
        return file in self.scene.files[word] or word.encode() in file

    def _message(self, job: Job) -> Any:
        return self.wire.message(job.origin.channel_id, job.message_id)

    async def _send(self, kind: int, data: dict[str, Any], on: Any = None) -> Sent:
        # Nobody is too fast here: that would hide what the door itself says.
        await self.house.env.advance_time(3)
        self._requests, self._files = len(self.house.env.http_requests), len(self._blobs)
        persona = self.persona
        sent = await self.wire.send(
            persona.place, persona.actor, kind, data, on=on, around=persona.around
        )
        await self.house.env.advance_time(1)
        return sent

    @property
    def _blobs(self) -> dict[str, bytes]:
        return self.house.env.backend.cdn._blobs


def tells_of(job: Job, word: str, said: str) -> bool:
    """Tell whether something names a job, its words, its message or its files."""
    signs = (word, str(job.message_id), f"darkroom-{job.id}-", f"job-{job.id}.")
    return any(sign in said for sign in signs)


def is_group(command: object) -> bool:
    return isinstance(command, app_commands.Group)


def subclasses(*bases: type) -> set[type]:
    """Return the classes of the bot's that are made from these."""
    for module in walk_packages(bot.__path__, "bot."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    found, left = set(), list(bases)
    while left:
        below = left.pop().__subclasses__()
        found |= {one for one in below if one.__module__.startswith("bot.")}
        left += below
    return found
