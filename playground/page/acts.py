"""What a person does on the page, by the names under which the page asks for it."""

from collections.abc import Awaitable, Callable
from typing import Any

from playground.checks.refusals import NotPossible
from playground.interactions.interactions import Kind
from playground.messages.messages import Message
from playground.people.mishaps import Mishaps
from playground.people.people import People
from playground.world.places import Channel
from playground.world.users import User

Json = dict[str, Any]


class Acts:
    """Does what a person ordered and gives what the page is to know of it.

    Raises NotPossible, InvalidOption or LookupError for what cannot be done.
    """

    def __init__(self, people: People, mishaps: Mishaps) -> None:
        self._people = people
        self._state = people.state
        self._mishaps = mishaps
        self.by_name: dict[str, Callable[[User, Json], Awaitable[Json]]] = {
            "slash": self._slash,
            "autocomplete": self._autocomplete,
            "menu": self._menu,
            "click": self._click,
            "select": self._select,
            "submit": self._submit,
            "send": self._send,
            "delete": self._delete,
            "thread": self._thread,
            "delete_thread": self._delete_thread,
            "message_bot": self._message_bot,
            "direct_messages": self._direct_messages,
            "locale": self._locale,
            "mishap": self._mishap,
        }

    async def _slash(self, person: User, orders: Json) -> Json:
        interaction = await self._people.slash(
            person, orders["channel"], orders["command"], **orders["options"]
        )
        return {"id": str(interaction.id)}

    async def _autocomplete(self, person: User, orders: Json) -> Json:
        try:
            choices = await self._people.autocomplete(
                person,
                orders["channel"],
                orders["command"],
                orders["option"],
                orders["typed"],
                **orders["options"],
            )
        except TimeoutError:
            raise NotPossible("Loading options failed.") from None
        return {"choices": choices}

    async def _menu(self, person: User, orders: Json) -> Json:
        """Use a command from the menu of a message or of a person."""
        target: User | Message
        if "message" in orders:
            target = self._message(person, orders)
        else:
            target = self._state.world.user(orders["user"])
        interaction = await self._people.context_menu(
            person, orders["channel"], orders["command"], target
        )
        return {"id": str(interaction.id)}

    async def _click(self, person: User, orders: Json) -> Json:
        message = self._message(person, orders)
        interaction = await self._people.click(person, message, orders["custom_id"])
        return {"id": str(interaction.id)}

    async def _select(self, person: User, orders: Json) -> Json:
        message = self._message(person, orders)
        interaction = await self._people.select(
            person, message, orders["custom_id"], orders["values"]
        )
        return {"id": str(interaction.id)}

    async def _submit(self, person: User, orders: Json) -> Json:
        opened = self._state.interactions.find(int(orders["interaction"]))
        if opened is None or opened.user != person or opened.kind is Kind.AUTOCOMPLETE:
            raise NotPossible("This form is gone.")
        return {"id": str((await self._people.submit(opened, orders["values"])).id)}

    async def _send(self, person: User, orders: Json) -> Json:
        files = list(orders.get("options", {}).values())
        message = await self._people.send(person, orders["channel"], orders["content"], *files)
        return {"id": str(message.id)}

    async def _delete(self, person: User, orders: Json) -> Json:
        await self._people.delete_message(person, self._message(person, orders))
        return {}

    async def _thread(self, person: User, orders: Json) -> Json:
        message = self._message(person, orders)
        thread = await self._people.start_thread(person, message, orders["name"])
        return {"id": str(thread.id)}

    async def _delete_thread(self, person: User, orders: Json) -> Json:
        self._people.delete_thread(person, self._place(person, orders))
        return {}

    async def _message_bot(self, person: User, _orders: Json) -> Json:
        return {"id": str(self._people.open_direct_messages(person).id)}

    async def _direct_messages(self, person: User, orders: Json) -> Json:
        if orders["taken"]:
            self._people.take_direct_messages(person)
        else:
            self._people.close_direct_messages(person)
        return {}

    async def _locale(self, person: User, orders: Json) -> Json:
        self._people.set_locale(person, orders["locale"])
        return {}

    async def _mishap(self, person: User, orders: Json) -> Json:
        return {"said": self._mishaps.happen(orders["name"], self._place(person, orders))}

    def _place(self, person: User, orders: Json) -> Channel:
        channel = self._state.world.channel(orders["channel"])
        if not self._state.may_see(person, channel):
            raise NotPossible("This channel is not yours to see.")
        return channel

    def _message(self, person: User, orders: Json) -> Message:
        message = self._state.messages.find(int(orders["message"]))
        seen = message is not None and self._state.may_see(person, message.channel)
        if message is None or not seen or message.private_to not in (None, person):
            raise NotPossible("This message was deleted.")
        return message
