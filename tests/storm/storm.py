"""A storm of interactions: everything that can be sent to the bot, by many people, in any order.

Somewhat more than every fourth is one that must bring pictures, sent by people who ask for them as
one should, where nobody sets rules. Every other one is anything at all.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import simcord
from simcord.backend.models import Message
from simcord.components import walk_components
from simcord.enums import SELECT_TYPES, AppCommandType, ComponentType

from generation.errors import CheckpointUnavailable, OutOfMemory, WorkerDied
from tests.fakes import RecordingExecutor
from tests.storm.cast import Actor, Cast, Part, Place, gather
from tests.storm.commands import LOCALES, Filler, registered, slash_commands
from tests.storm.files import File, Files
from tests.storm.judge import Drawn, Judge, Tally
from tests.storm.wire import AUTOCOMPLETE, BUTTON, COMMAND, COMPONENT, FORM, Sent, Wire
from tests.storm.words import Words

STEADY_SHARE = 0.36  # of the turns; some take two interactions
ANYBODY = (Part.MEMBER, Part.MODERATOR, Part.ADMINISTRATOR)
ACTIONS = "upscale reroll vary subtle strong remix cancel details send favourite delete erase x"
HASH = "0" * 64
ERRORS = (OutOfMemory("too little"), WorkerDied(), CheckpointUnavailable("Emoji", "gone"))
MOMENT, WHILE, LONG = 3.0, 5.0, 650.0  # seconds; views forget themselves after ten minutes


class Storm:
    """One bot in one storm, the same for the same seed."""

    def __init__(
        self, env: simcord.Env, executor: RecordingExecutor, folder: Path, seed: str
    ) -> None:
        self._env, self._executor = env, executor
        self._random = Random(seed)
        self._words = Words(self._random)
        self._files = Files(self._random, self._words)
        self._cast: Cast = gather(env)
        self._wire = Wire(env)
        self._judge = Judge(env, self._wire, folder)
        self._filler = Filler(self._random, self._wire, self._cast, self._words, self._files)
        self._commands = slash_commands(env)
        self._making = [command for command in self._commands if command.takes_material]
        self._menus = registered(env, AppCommandType.MESSAGE)
        self._drawn: dict[int, list[tuple[Actor, Drawn]]] = {}  # by channel, steady people's

    async def blow(self, interactions: int) -> Tally:
        """Send so many interactions, let everything end, and return what became of them."""
        with self._judge.listening():
            while self._judge.tally.interactions < interactions:
                if self._executor.hold and self._random.random() < 0.2:
                    await self._let_go()
                if not self._executor.hold and self._random.random() < STEADY_SHARE:
                    await self._steady_turn()
                else:
                    await self._wild_turn()
            await self._let_go()
            await self._pass(2 * LONG)
            self._judge.look_at_the_store()
        return self._judge.tally

    # What must bring pictures

    async def _steady_turn(self) -> None:
        place, actor = self._random.choice(list(self._cast.with_part(Part.STEADY)))
        turns: Sequence[Callable[[Place, Actor], Awaitable[Sent | None]]] = (
            *3 * (self._imagine,),
            *2 * (self._again,),
            self._several,
            self._upscale,
            self._remix,
            self._from_source,
            self._use_these,
            self._from_history,
        )
        await self._pass(MOMENT)
        self._executor.nsfw, self._executor.error = 0.0, None
        sent = await self._random.choice(turns)(place, actor)
        if sent is None:  # nothing is there yet that it could begin with
            sent = await self._imagine(place, actor)
        await self._pass(WHILE)
        self._drawn.setdefault(place.channel.id, []).extend(
            (actor, one) for one in self._judge.delivered(sent)
        )

    async def _command(
        self, place: Place, actor: Actor, name: str, file: File | None = None, **given: Any
    ) -> Sent:
        """Give a command by its name."""
        command = next(one for one in self._commands if one.name == name)
        types = {option["name"]: option["type"] for option in command.options}
        resolved: dict[str, Any] = {}
        if file is not None:
            given["image"] = self._wire.attach(place, file, resolved)
        options = [
            {"name": option, "type": types[option], "value": value}
            for option, value in given.items()
        ]
        return await self._send(place, actor, COMMAND, command.data(options, resolved))

    async def _imagine(self, place: Place, actor: Actor) -> Sent:
        offered: dict[str, Any] = {
            "negative_prompt": self._words.small(),
            "aspect": self._random.choice(("square", "portrait", "landscape", "wide", "tall")),
            "count": self._random.randint(1, 4),
            "steps": self._random.randint(4, 12),
            "guidance_scale": self._random.uniform(1, 30),
            "seed": self._random.choice((0, 2**32 - 9)),
            "sampler": self._random.choice(("DDIM", "Heun", "Euler a")),
            "checkpoint": "Emoji",
            "style": self._random.choice(("Portrait", "Deep colours", "none")),
            "private": True,
        }
        names = self._random.sample(list(offered), self._random.choice((0, 1, 3, 6)))
        given = {name: offered[name] for name in names}
        prompt = self._words.prompt()
        if len(prompt) > 300:
            given.pop("style", None)  # it would need room of its own
        file = None
        if self._random.random() < 0.3:
            file, given["strength"] = self._files.picture(), self._random.uniform(0.3, 1)
        return await self._command(place, actor, "imagine", file, prompt=prompt, **given)

    async def _several(self, place: Place, actor: Actor) -> Sent:
        asked = await self._command(place, actor, "imagine", prompt=self._words.several())
        return await self._press(place, actor, asked, 0)

    async def _upscale(self, place: Place, actor: Actor) -> Sent:
        factor = self._random.choice((2, 4))
        return await self._command(place, actor, "upscale", self._files.picture(), factor=factor)

    async def _again(self, place: Place, actor: Actor) -> Sent | None:
        """Press a button under pictures that makes more of them."""
        found = self._under_pictures(
            place, actor, ("upscale", "reroll", "vary", "subtle", "strong")
        )
        if found is None:
            return None
        message, button = found
        return await self._click(place, actor, message, button)

    async def _remix(self, place: Place, actor: Actor) -> Sent | None:
        found = self._under_pictures(place, actor, ("remix",))
        if found is None:
            return None
        message, button = found
        opened = await self._click(place, actor, message, button)
        return await self._submit(opened, {"prompt": self._words.prompt()}, on=message)

    async def _from_source(self, place: Place, actor: Actor) -> Sent | None:
        drawn = self._drawn.get(place.channel.id, ())
        pictures = [one.message for _, one in drawn if one.message.visible_to(actor.id)]
        if not pictures:
            return None
        menu = next(menu for menu in self._menus if menu["name"] == "Use as source image")
        opened = await self._open_menu(place, actor, menu, self._random.choice(pictures))
        return await self._submit(opened, {"prompt": self._words.prompt()})

    async def _use_these(self, place: Place, actor: Actor) -> Sent:
        asked = await self._command(place, actor, "inspect", self._files.described())
        return await self._press(place, actor, asked, 0)

    async def _from_history(self, place: Place, actor: Actor) -> Sent | None:
        mine = self._drawn.get(place.channel.id, ())
        known = {str(one.job_id) for who, one in mine if who is actor and one.kind != "upscale"}
        asked = await self._command(place, actor, "history")
        album = self._wire.message(place.channel.id, asked.record.message_id)
        for menu in _menus(album):
            if offered := [one["value"] for one in menu["options"] if one["value"] in known]:
                data = {
                    "custom_id": menu["custom_id"],
                    "component_type": menu["type"],
                    "values": [self._random.choice(offered)],
                }
                return await self._send(place, actor, COMPONENT, data, on=album)
        return None

    def _under_pictures(
        self, place: Place, actor: Actor, actions: Sequence[str]
    ) -> tuple[Message, dict[str, Any]] | None:
        """Return a button with one of the actions, and its message."""
        found = [
            (one.message, button)
            for _, one in self._drawn.get(place.channel.id, ())
            if one.message.visible_to(actor.id)
            for button in _buttons(one.message)
            if button["custom_id"].split(":")[2] in actions
        ]
        return self._random.choice(found) if found else None

    async def _press(self, place: Place, actor: Actor, asked: Sent, number: int) -> Sent:
        """Press a button of an answer, if it has one; what it is for is judged by its jobs."""
        answer = self._wire.message(place.channel.id, asked.record.message_id)
        buttons = _buttons(answer)
        if answer is None or len(buttons) <= number:
            return asked
        return await self._click(place, actor, answer, buttons[number])

    # Anything at all

    async def _wild_turn(self) -> None:
        place, actor = self._random.choice(list(self._cast.with_part(*ANYBODY)))
        turns: Sequence[Callable[[Place, Actor], Awaitable[object]]] = (
            *4 * (self._any_command,),
            self._imagine,
            self._typing,
            self._any_button,
            self._any_button,
            self._any_choice,
            self._forged_button,
            self._forged_form,
            self._any_menu,
            self._no_command,
        )
        await self._pass(self._random.choice((0.0, 0.5, MOMENT, MOMENT, WHILE)))
        if self._random.random() < 0.02:
            await self._pass(LONG)
        if self._random.random() < 0.03:
            self._executor.hold = True
        self._executor.nsfw = self._random.choice((0.0, 0.0, 0.5, 0.99, None))
        self._executor.error = self._random.choice((*5 * (None,), *ERRORS))
        await self._random.choice(turns)(place, actor)

    async def _any_command(self, place: Place, actor: Actor) -> None:
        taking = self._random.choice((self._commands, self._making))
        data = self._filler.fill(self._random.choice(taking), place, actor)
        await self._send(place, actor, COMMAND, data)

    async def _typing(self, place: Place, actor: Actor) -> None:
        typing = [self._filler.typing(one, place, actor) for one in self._commands]
        data = self._random.choice([one for one in typing if one is not None])
        await self._send(place, actor, AUTOCOMPLETE, data)

    async def _any_button(self, place: Place, actor: Actor) -> None:
        seen = self._wire.visible(place, actor)
        found = [(message, button) for message in seen for button in _buttons(message)]
        if not found:
            return
        message, button = self._random.choice(found)
        sent = await self._click(place, actor, message, button)
        if sent.record.modal is not None and self._random.random() < 0.8:
            await self._submit(sent, self._filled_badly(sent.record.modal), on=message)

    async def _any_choice(self, place: Place, actor: Actor) -> None:
        seen = self._wire.visible(place, actor)
        found = [(message, menu) for message in seen for menu in _menus(message)]
        if not found:
            return
        message, menu = self._random.choice(found)
        least, most = menu.get("min_values", 1), menu.get("max_values", 1)
        guild_id = 0 if place.guild is None else place.guild.id
        resolved: dict[str, Any] = {}
        if menu["type"] == ComponentType.STRING_SELECT:
            offered: Sequence[Any] = [option["value"] for option in menu["options"]]
        else:
            channels, roles = self._cast.channels.get(guild_id), self._cast.roles.get(guild_id)
            named = {ComponentType.CHANNEL_SELECT: channels, ComponentType.ROLE_SELECT: roles}
            offered = named.get(menu["type"], self._cast.members.get(guild_id)) or ()
        count = self._random.randint(min(least, len(offered)), min(most, len(offered)))
        values = self._random.sample(list(offered), count)
        if menu["type"] != ComponentType.STRING_SELECT:
            values = [self._wire.name(place, actor, one, resolved) for one in values]
        data = {"custom_id": menu["custom_id"], "component_type": menu["type"], "values": values}
        if menu["type"] != ComponentType.STRING_SELECT:
            data["resolved"] = resolved
        await self._send(place, actor, COMPONENT, data, on=message)

    async def _forged_button(self, place: Place, actor: Actor) -> None:
        """Press what an earlier version, or another database, may have put under a message."""
        seen = self._wire.visible(place, actor) or [self._post(place, actor)]
        job = self._random.choice(("0", "1", "2", "3", "17", "0007", "9" * 18, "9" * 19))
        action = self._random.choice(ACTIONS.split())
        index = self._random.choice(("", "", ":0", ":1", ":3", ":9"))
        button = {"type": BUTTON, "custom_id": f"job:{job}:{action}{index}", "style": 2}
        rows = [{"type": ComponentType.ACTION_ROW, "components": [button | {"label": "?"}]}]
        message = replace(self._random.choice(seen), components=rows)
        await self._click(place, actor, message, button)

    async def _forged_form(self, place: Place, actor: Actor) -> None:
        """Send a form that was never opened, with any fields in it."""
        job = self._random.choice(("1", "2", "3", "40", "9" * 19))
        custom_id = self._random.choice(
            (f"job:{job}:remix", f"job:{job}:reroll", f"job:{job}:remix:3", f"source:{HASH}")
        )
        names = ("prompt", "negative_prompt", "seed", "guidance_scale", "steps", "strength", "x")
        components = []
        for name in self._random.sample(names, self._random.randint(0, len(names))):
            text = {"type": 4, "custom_id": name, "value": self._typed(name)}
            if self._random.random() < 0.1:
                del text["value"]
            rows = {"type": 1, "components": [text]}
            components.append(
                self._random.choice((rows, {"type": 18, "component": text}, {"type": 10}, rows))
            )
        data = {"custom_id": custom_id, "components": components}
        await self._send(place, actor, FORM, data)

    async def _any_menu(self, place: Place, actor: Actor) -> None:
        seen = self._wire.visible(place, actor)
        if self._random.random() < 0.5 or not seen:
            seen = [self._post(place, actor)]
        menu, message = self._random.choice(self._menus), self._random.choice(seen)
        sent = await self._open_menu(place, actor, menu, message)
        if sent.record.modal is not None:
            await self._submit(sent, self._filled_badly(sent.record.modal))

    async def _no_command(self, place: Place, actor: Actor) -> None:
        """Give a command that is not there any more, or is another one now."""
        command = self._random.choice(self._commands)
        data = self._filler.fill(command, place, actor)
        match self._random.randrange(4):
            case 0:
                data["name"] = "never-heard-of"
            case 1:
                data["options"] = [{"name": "gone", "type": 3, "value": self._words.wild(50)}]
            case 2:
                data["options"] = []
            case _:
                data["type"] = AppCommandType.MESSAGE
                data |= self._wire.target(self._post(place, actor))
        await self._send(place, actor, COMMAND, data)

    # The means

    async def _send(
        self,
        place: Place,
        actor: Actor,
        kind: int,
        data: dict[str, Any],
        on: Message | None = None,
    ) -> Sent:
        locale = self._random.choice(LOCALES)
        sent = await self._wire.send(place, actor, kind, data, on=on, locale=locale)
        self._judge.look_at(sent)
        return sent

    async def _click(
        self, place: Place, actor: Actor, message: Message, button: dict[str, Any]
    ) -> Sent:
        data = {"custom_id": button["custom_id"], "component_type": BUTTON}
        return await self._send(place, actor, COMPONENT, data, on=message)

    async def _open_menu(
        self, place: Place, actor: Actor, menu: dict[str, Any], message: Message
    ) -> Sent:
        data = {"id": menu["id"], "name": menu["name"], "type": menu["type"]}
        return await self._send(place, actor, COMMAND, data | self._wire.target(message))

    async def _submit(
        self, opened: Sent, values: dict[str, str], on: Message | None = None
    ) -> Sent:
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
        return await self._send(opened.place, opened.actor, FORM, data, on=on)

    def _filled_badly(self, form: dict[str, Any]) -> dict[str, str]:
        names = [field.get("custom_id") for field in walk_components(form["components"])]
        return {name: self._typed(name) for name in names if name and self._random.random() < 0.7}

    def _typed(self, name: str) -> str:
        return self._words.wild() if "prompt" in name else self._words.small()

    def _post(self, place: Place, actor: Actor) -> Message:
        """Let somebody post a message with files, or without."""
        files = [self._files.any() for _ in range(self._random.choice((0, 1, 1, 2)))]
        attached = self._env.backend.store_attachments(
            place.channel.id, [(file.name, file.content) for file in files]
        )
        text = f"Look: {self._words.wild(200)}"
        return self._env.backend.create_message(
            place.channel.id, actor.id, text, attachments=attached
        )

    async def _let_go(self) -> None:
        """Let what was held up go on."""
        self._executor.hold = False
        self._executor.let_go()
        await self._pass(4 * WHILE)
        self._executor._steps = asyncio.Semaphore(0)

    async def _pass(self, seconds: float) -> None:
        if seconds:
            await self._env.advance_time(seconds)
            self._judge.look_around()


def _buttons(message: Message | None) -> list[dict[str, Any]]:
    return _pressable(message, (ComponentType.BUTTON,))


def _menus(message: Message | None) -> list[dict[str, Any]]:
    return _pressable(message, SELECT_TYPES)


def _pressable(message: Message | None, types: Sequence[int]) -> list[dict[str, Any]]:
    found = [] if message is None else walk_components(message.components)
    return [
        one
        for one in found
        if one["type"] in types and one.get("custom_id") and not one.get("disabled")
    ]
