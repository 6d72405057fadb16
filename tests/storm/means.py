"""What everybody in the storm acts with: one bot, one clock, one seeded generator."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import simcord
from simcord.backend.models import Message
from simcord.components import walk_components
from simcord.enums import SELECT_TYPES, AppCommandType, ComponentType

from tests.fakes import RecordingExecutor
from tests.storm.cast import Actor, Place, gather
from tests.storm.commands import LOCALES, Filler, registered, slash_commands
from tests.storm.files import File, Files
from tests.storm.judge import Drawn, Judge
from tests.storm.wire import BUTTON, COMMAND, COMPONENT, FORM, Sent, Wire
from tests.storm.words import Words

MOMENT, WHILE, LONG = 3.0, 5.0, 650.0  # seconds; views forget themselves after ten minutes


class Means:
    """The bot's surroundings, and the ways to act on it; every interaction is judged."""

    def __init__(
        self, env: simcord.Env, executor: RecordingExecutor, folder: Path, seed: str
    ) -> None:
        self.env, self.executor = env, executor
        self.random = Random(seed)
        self.words = Words(self.random)
        self.files = Files(self.random, self.words)
        self.cast = gather(env)
        self.wire = Wire(env)
        self.judge = Judge(env, self.wire, folder)
        self.filler = Filler(self.random, self.wire, self.cast, self.words, self.files)
        self.commands = slash_commands(env)
        self.menus = registered(env, AppCommandType.MESSAGE)
        self.drawn: dict[int, list[tuple[Actor, Drawn]]] = {}  # by channel, steady people's

    async def send(
        self,
        place: Place,
        actor: Actor,
        kind: int,
        data: dict[str, Any],
        *,
        on: Message | None = None,
        around: Mapping[str, Any] | None = None,
    ) -> Sent:
        """Send an interaction; ``around`` is what Discord says with it."""
        said = {"locale": self.random.choice(LOCALES)} | dict(around or {})
        sent = await self.wire.send(place, actor, kind, data, on=on, around=said)
        self.judge.look_at(sent)
        return sent

    async def command(
        self, place: Place, actor: Actor, name: str, file: File | None = None, **given: Any
    ) -> Sent:
        """Give a command by its name."""
        command = next(one for one in self.commands if one.name == name)
        types = {option["name"]: option["type"] for option in command.options}
        resolved: dict[str, Any] = {}
        if file is not None:
            given["image"] = self.wire.attach(place, file, resolved)
        options = [
            {"name": option, "type": types[option], "value": value}
            for option, value in given.items()
        ]
        return await self.send(place, actor, COMMAND, command.data(options, resolved))

    async def click(
        self, place: Place, actor: Actor, message: Message, button: dict[str, Any]
    ) -> Sent:
        """Press a button."""
        data = {"custom_id": button["custom_id"], "component_type": BUTTON}
        return await self.send(place, actor, COMPONENT, data, on=message)

    async def open_menu(
        self, place: Place, actor: Actor, menu: dict[str, Any], message: Message
    ) -> Sent:
        """Pick an entry of a message's menu."""
        data = {"id": menu["id"], "name": menu["name"], "type": menu["type"]}
        return await self.send(place, actor, COMMAND, data | self.wire.target(message))

    async def submit(self, opened: Sent, values: dict[str, str], on: Message | None = None) -> Sent:
        """Send a form back with some fields changed; what opened none is all there is."""
        form = opened.record.modal
        if form is None:
            return opened
        components = [
            {
                "type": ComponentType.LABEL,
                "component": {
                    "type": ComponentType.TEXT_INPUT,
                    "custom_id": field["custom_id"],
                    "value": values.get(field["custom_id"], field.get("value", "")),
                },
            }
            for field in walk_components(form["components"])
            if field["type"] == ComponentType.TEXT_INPUT
        ]
        data = {"custom_id": form["custom_id"], "components": components}
        return await self.send(opened.place, opened.actor, FORM, data, on=on)

    def post(self, place: Place, actor: Actor) -> Message:
        """Let somebody post a message with files, or without."""
        files = [self.files.any() for _ in range(self.random.choice((0, 1, 1, 2)))]
        attached = self.env.backend.store_attachments(
            place.channel.id, [(file.name, file.content) for file in files]
        )
        text = f"Look: {self.words.wild(200)}"
        return self.env.backend.create_message(
            place.channel.id, actor.id, text, attachments=attached
        )

    async def let_go(self) -> None:
        """Let what was held up go on."""
        self.executor.hold = False
        self.executor.let_go()
        await self.pass_time(4 * WHILE)
        self.executor._steps = asyncio.Semaphore(0)

    async def pass_time(self, seconds: float) -> None:
        """Let time go by, and see what happened meanwhile."""
        if seconds:
            await self.env.advance_time(seconds)
            self.judge.look_around()


def buttons(message: Message | None) -> list[dict[str, Any]]:
    """Return a message's buttons that can be pressed."""
    return _pressable(message, (ComponentType.BUTTON,))


def menus(message: Message | None) -> list[dict[str, Any]]:
    """Return a message's menus that can be chosen from."""
    return _pressable(message, SELECT_TYPES)


def _pressable(message: Message | None, types: Sequence[int]) -> list[dict[str, Any]]:
    found = [] if message is None else walk_components(message.components)
    return [
        one
        for one in found
        if one["type"] in types and one.get("custom_id") and not one.get("disabled")
    ]
