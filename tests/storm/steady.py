"""People who ask for pictures as one should, and must get them."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from simcord.backend.models import Message

from generation.catalog import EMBEDDED, STYLES
from generation.styles import NO_STYLE
from tests.storm.cast import Actor, Part, Place
from tests.storm.means import MOMENT, WHILE, Means, buttons, menus
from tests.storm.wire import COMPONENT, Sent


class Steady:
    """Turns that must bring pictures; some take two interactions."""

    def __init__(self, means: Means) -> None:
        self._means, self._random = means, means.random

    async def turn(self) -> None:
        place, actor = self._random.choice(list(self._means.cast.with_part(Part.STEADY)))
        turns: Sequence[Callable[[Place, Actor], Awaitable[Sent | None]]] = (
            *3 * (self.imagine,),
            *2 * (self._again,),
            self._several,
            self._upscale,
            self._remix,
            self._from_source,
            self._use_these,
            self._from_history,
        )
        await self._means.pass_time(MOMENT)
        self._means.executor.nsfw, self._means.executor.error = 0.0, None
        sent = await self._random.choice(turns)(place, actor)
        if sent is None:  # nothing is there yet that it could begin with
            sent = await self.imagine(place, actor)
        await self._means.pass_time(WHILE)
        self._means.drawn.setdefault(place.channel.id, []).extend(
            (actor, one) for one in self._means.judge.delivered(sent)
        )

    async def imagine(self, place: Place, actor: Actor) -> Sent:
        offered: dict[str, Any] = {
            "negative_prompt": self._means.words.small(),
            "aspect": self._random.choice(("square", "portrait", "landscape", "wide", "tall")),
            "count": self._random.randint(1, 4),
            "steps": self._random.randint(4, 12),
            "guidance_scale": self._random.uniform(1, 30),
            "seed": self._random.choice((0, 2**32 - 9)),
            "sampler": self._random.choice(("DDIM", "Heun", "Euler a")),
            "checkpoint": EMBEDDED.name,
            "style": self._random.choice((*(style.name for style in STYLES), NO_STYLE)),
            "private": True,
        }
        names = self._random.sample(list(offered), self._random.choice((0, 1, 3, 6)))
        given = {name: offered[name] for name in names}
        prompt = self._means.words.prompt()
        if len(prompt) > 300:
            given.pop("style", None)  # it would need room of its own
        file = None
        if self._random.random() < 0.3:
            file, given["strength"] = (
                self._means.files.picture(),
                self._random.uniform(0.3, 1),
            )
        return await self._means.command(place, actor, "imagine", file, prompt=prompt, **given)

    async def _several(self, place: Place, actor: Actor) -> Sent:
        asked = await self._means.command(
            place, actor, "imagine", prompt=self._means.words.several()
        )
        return await self._press(place, actor, asked)

    async def _upscale(self, place: Place, actor: Actor) -> Sent:
        factor = self._random.choice((2, 4))
        return await self._means.command(
            place, actor, "upscale", self._means.files.picture(), factor=factor
        )

    async def _again(self, place: Place, actor: Actor) -> Sent | None:
        """Press a button under pictures that makes more of them."""
        found = self._under_pictures(
            place, actor, ("upscale", "reroll", "vary", "subtle", "strong")
        )
        if found is None:
            return None
        message, button = found
        return await self._means.click(place, actor, message, button)

    async def _remix(self, place: Place, actor: Actor) -> Sent | None:
        found = self._under_pictures(place, actor, ("remix",))
        if found is None:
            return None
        message, button = found
        opened = await self._means.click(place, actor, message, button)
        return await self._means.submit(opened, {"prompt": self._means.words.prompt()}, on=message)

    async def _from_source(self, place: Place, actor: Actor) -> Sent | None:
        drawn = self._means.drawn.get(place.channel.id, ())
        pictures = [one.message for _, one in drawn if one.message.visible_to(actor.id)]
        if not pictures:
            return None
        menu = next(menu for menu in self._means.menus if menu["name"] == "Use as source image")
        opened = await self._means.open_menu(place, actor, menu, self._random.choice(pictures))
        return await self._means.submit(opened, {"prompt": self._means.words.prompt()})

    async def _use_these(self, place: Place, actor: Actor) -> Sent:
        asked = await self._means.command(place, actor, "inspect", self._means.files.described())
        return await self._press(place, actor, asked)

    async def _from_history(self, place: Place, actor: Actor) -> Sent | None:
        mine = self._means.drawn.get(place.channel.id, ())
        known = {str(one.job_id) for who, one in mine if who is actor and one.kind != "upscale"}
        asked = await self._means.command(place, actor, "history")
        album = self._means.wire.message(place.channel.id, asked.record.message_id)
        for menu in menus(album):
            if offered := [one["value"] for one in menu["options"] if one["value"] in known]:
                data = {
                    "custom_id": menu["custom_id"],
                    "component_type": menu["type"],
                    "values": [self._random.choice(offered)],
                }
                return await self._means.send(place, actor, COMPONENT, data, on=album)
        return None

    def _under_pictures(
        self, place: Place, actor: Actor, actions: Sequence[str]
    ) -> tuple[Message, dict[str, Any]] | None:
        """Return a button with one of the actions, and its message."""
        found = [
            (one.message, button)
            for _, one in self._means.drawn.get(place.channel.id, ())
            if one.message.visible_to(actor.id)
            for button in buttons(one.message)
            if button["custom_id"].split(":")[2] in actions
        ]
        return self._random.choice(found) if found else None

    async def _press(self, place: Place, actor: Actor, asked: Sent) -> Sent:
        """Press the first button of an answer; where it has none, that is all there is."""
        answer = self._means.wire.message(place.channel.id, asked.record.message_id)
        offered = buttons(answer)
        if answer is None or not offered:
            return asked
        return await self._means.click(place, actor, answer, offered[0])
