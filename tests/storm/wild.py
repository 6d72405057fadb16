"""People who do anything at all, and programs that send what no client of Discord's would."""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from simcord.backend.models import Message
from simcord.components import walk_components
from simcord.enums import AppCommandType, ComponentType

from generation.catalog import EMBEDDED
from generation.errors import CheckpointUnavailable, OutOfMemory, WorkerDied
from tests.storm.cast import Actor, Part, Place
from tests.storm.means import LONG, MOMENT, WHILE, Means, buttons, menus
from tests.storm.steady import Steady
from tests.storm.wire import AUTOCOMPLETE, BUTTON, COMMAND, COMPONENT, FORM

ANYBODY = (Part.MEMBER, Part.MODERATOR, Part.ADMINISTRATOR)
ACTIONS = "upscale reroll vary subtle strong remix cancel details send favourite delete erase x"
JOBS = ("0", "1", "2", "3", "17", "0007", "9" * 18, "9" * 19)
FORMS = ("job:{}:remix", "job:{}:reroll", "job:{}:remix:3", "mod:remove:{}", "mod:block:{}")
FIELDS = [
    "prompt",
    "negative_prompt",
    "seed",
    "guidance_scale",
    "steps",
    "strength",
    "reason",
    "duration",
    "x",
]
HASH = "0" * 64
MARKED_PARTS = 5  # of a button's id: with the mark of its job
ERRORS = (OutOfMemory("too little"), WorkerDied(), CheckpointUnavailable(EMBEDDED.name, "gone"))

LONG_SHARE, HOLD_SHARE, RARE_SHARE = 0.02, 0.03, 0.1


class Wild:
    """Turns that may bring anything; each must be answered."""

    def __init__(self, means: Means, steady: Steady) -> None:
        self._means, self._steady, self._random = means, steady, means.random
        self._making = [command for command in means.commands if command.takes_material]
        self._reserved = [command for command in means.commands if command.reserved]
        self._open = [command for command in means.commands if not command.reserved]

    async def turn(self) -> None:
        """Let somebody do something; how the device fares meanwhile is up to chance, too."""
        await self._means.pass_time(self._random.choice((0.0, 0.5, MOMENT, MOMENT, WHILE)))
        if self._random.random() < LONG_SHARE:
            await self._means.pass_time(LONG)
        device = self._means.executor
        device.hold = device.hold or self._random.random() < HOLD_SHARE
        device.nsfw = self._random.choice((0.0, 0.0, 0.5, 0.99, None))
        device.error = self._random.choice((*5 * (None,), *ERRORS))
        turns: Sequence[Callable[[Place, Actor], Awaitable[object]]] = (
            *5 * (self._any_command,),
            *2 * (self._any_button,),
            self._steady.imagine,
            self._typing,
            self._any_choice,
            self._forged_button,
            self._forged_form,
            self._any_menu,
            self._no_command,
            self._over_and_over,
        )
        place, actor = self._random.choice(list(self._means.cast.with_part(*ANYBODY)))
        await self._random.choice(turns)(place, actor)

    async def _any_command(self, place: Place, actor: Actor) -> None:
        # Nobody in their senses gives moderators' commands as a member; some do.
        offered = [self._means.commands, *3 * [self._open], *4 * [self._making]]
        if actor in place.of(Part.MODERATOR, Part.ADMINISTRATOR):
            offered += 8 * [self._reserved]
        command = self._random.choice(self._random.choice(offered))
        data = self._means.filler.fill(command, place, actor)
        await self._means.send(place, actor, COMMAND, data, around=self._around(actor))

    async def _over_and_over(self, place: Place, actor: Actor) -> None:
        """Give the same command many times at once, as who leans on a key."""
        data = self._means.filler.fill(self._random.choice(self._means.commands), place, actor)
        for _ in range(self._random.randint(2, 8)):
            await self._means.send(place, actor, COMMAND, data)

    def _around(self, actor: Actor) -> dict[str, Any]:
        """Return what Discord says beside a command, now and then something rare."""
        guest = {"authorizing_integration_owners": {"1": str(actor.id)}}
        rare = (
            {"app_permissions": "0"},
            {**guest, "context": 0},
            {**guest, "context": 2},
            {"attachment_size_limit": 100},
        )
        return self._random.choice(rare) if self._random.random() < RARE_SHARE else {}

    async def _typing(self, place: Place, actor: Actor) -> None:
        typing = [self._means.filler.typing(one, place, actor) for one in self._means.commands]
        data = self._random.choice([one for one in typing if one is not None])
        await self._means.send(place, actor, AUTOCOMPLETE, data)

    async def _any_button(self, place: Place, actor: Actor) -> None:
        seen = self._means.wire.visible(place, actor)
        found = [(message, button) for message in seen for button in buttons(message)]
        if not found:
            return
        message, button = self._random.choice(found)
        sent = await self._means.click(place, actor, message, button)
        if sent.record.modal is not None and self._random.random() < 0.8:
            await self._means.submit(sent, self._filled_badly(sent.record.modal), on=message)

    async def _any_choice(self, place: Place, actor: Actor) -> None:
        seen = self._means.wire.visible(place, actor)
        found = [(message, menu) for message in seen for menu in menus(message)]
        if not found:
            return
        message, menu = self._random.choice(found)
        least, most = menu.get("min_values", 1), menu.get("max_values", 1)
        guild_id = 0 if place.guild is None else place.guild.id
        resolved: dict[str, Any] = {}
        if menu["type"] == ComponentType.STRING_SELECT:
            offered: Sequence[Any] = [option["value"] for option in menu["options"]]
        else:
            channels, roles = (
                self._means.cast.channels.get(guild_id),
                self._means.cast.roles.get(guild_id),
            )
            named = {ComponentType.CHANNEL_SELECT: channels, ComponentType.ROLE_SELECT: roles}
            offered = named.get(menu["type"], self._means.cast.members.get(guild_id)) or ()
        count = self._random.randint(min(least, len(offered)), min(most, len(offered)))
        values = self._random.sample(list(offered), count)
        if menu["type"] != ComponentType.STRING_SELECT:
            values = [self._means.wire.name(place, actor, one, resolved) for one in values]
        data = {"custom_id": menu["custom_id"], "component_type": menu["type"], "values": values}
        if menu["type"] != ComponentType.STRING_SELECT:
            data["resolved"] = resolved
        await self._means.send(place, actor, COMPONENT, data, on=message)

    async def _forged_button(self, place: Place, actor: Actor) -> None:
        """Press what an earlier version, or another database, may have put under a message."""
        seen = self._means.wire.visible(place, actor) or [self._means.post(place, actor)]
        under = self._random.choice(seen)
        button = {"type": BUTTON, "custom_id": self._forged_id(seen, under), "style": 2}
        rows = [{"type": ComponentType.ACTION_ROW, "components": [button | {"label": "?"}]}]
        await self._means.click(place, actor, replace(under, components=rows), button)

    def _forged_id(self, seen: Sequence[Message], under: Message) -> str:
        """Return an id of our patterns.

        One that somebody sees, but of another job; the message's own, but to do something else;
        or any.
        """
        job = self._random.choice(JOBS)
        real = [button["custom_id"] for message in seen for button in buttons(message)]
        ours = [one for one in real if ":" in one]
        if ours and self._random.random() < 0.3:
            return re.sub("(?<=:)[0-9]+", job, self._random.choice(ours), count=1)
        action = self._random.choice(ACTIONS.split())
        index = self._random.choice(("", "", "0", "1", "3", "9"))
        own = [button["custom_id"].split(":") for button in buttons(under)]
        marked = [parts for parts in own if parts[0] == "job" and len(parts) == MARKED_PARTS]
        if marked and self._random.random() < 0.6:
            _, job, *_, mark = self._random.choice(marked)
            return f"job:{job}:{action}:{index}:{mark}"
        return f"job:{job}:{action}:{index}".rstrip(":")

    async def _forged_form(self, place: Place, actor: Actor) -> None:
        """Send a form that was never opened, with any fields in it."""
        job = self._random.choice(JOBS)
        custom_id = self._random.choice((*FORMS, f"source:{HASH}")).format(job)
        components = []
        for name in self._random.sample(FIELDS, self._random.randint(0, len(FIELDS))):
            text = {"type": 4, "custom_id": name, "value": self._typed(name)}
            if self._random.random() < 0.1:
                del text["value"]
            rows = {"type": 1, "components": [text]}
            components.append(
                self._random.choice((rows, {"type": 18, "component": text}, {"type": 10}, rows))
            )
        data = {"custom_id": custom_id, "components": components}
        await self._means.send(place, actor, FORM, data)

    async def _any_menu(self, place: Place, actor: Actor) -> None:
        seen = self._means.wire.visible(place, actor)
        if self._random.random() < 0.5 or not seen:
            seen = [self._means.post(place, actor)]
        menu, message = (
            self._random.choice(self._means.menus),
            self._random.choice(seen),
        )
        sent = await self._means.open_menu(place, actor, menu, message)
        if sent.record.modal is not None:
            await self._means.submit(sent, self._filled_badly(sent.record.modal))

    async def _no_command(self, place: Place, actor: Actor) -> None:
        """Give a command that is not there any more, or is another one now."""
        command = self._random.choice(self._means.commands)
        data = self._means.filler.fill(command, place, actor)
        match self._random.randrange(4):
            case 0:
                data["name"] = "never-heard-of"
            case 1:
                data["options"] = [{"name": "gone", "type": 3, "value": self._means.words.wild(50)}]
            case 2:
                data["options"] = []
            case _:
                data["type"] = AppCommandType.MESSAGE
                data |= self._means.wire.target(self._means.post(place, actor))
        await self._means.send(place, actor, COMMAND, data)

    def _filled_badly(self, form: dict[str, Any]) -> dict[str, str]:
        names = [field.get("custom_id") for field in walk_components(form["components"])]
        return {name: self._typed(name) for name in names if name and self._random.random() < 0.7}

    def _typed(self, name: str) -> str:
        return self._means.words.wild() if "prompt" in name else self._means.words.small()
