"""The bot's commands as Discord has them, with options filled in, well or badly."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import simcord
from simcord.enums import AppCommandType, OptionType
from simcord.interactions import command_leaves, nest_options

from generation.catalog import EMBEDDED
from tests.storm.cast import Actor, Cast, Place
from tests.storm.files import Files
from tests.storm.wire import Wire
from tests.storm.words import Words

LOCALES = ("en-US", "en-GB", "de", "ja", "pt-BR", "xx")
LARGEST = 2**53
ASTRAY_SHARE = 0.03  # of the values: Discord would not take them, by the command as it is now
NAMES = (EMBEDDED.name, "Secret", "Bare", "Euler a", "1d", "2w", "apple", "none", "for good")
PROMPTS = ("prompt", "negative_prompt", "text")
NUMBERED = ("job", "filter")


@dataclass(frozen=True, slots=True)
class Command:
    """A command that can be given: its root as it was registered, and the way to it from there."""

    root: dict[str, Any]
    path: tuple[str, ...]
    options: tuple[dict[str, Any], ...]

    @property
    def name(self) -> str:
        """What people type."""
        return " ".join(self.path)

    @property
    def takes_material(self) -> bool:
        """Whether it takes a prompt or a file."""
        return any(
            option["name"] in PROMPTS or option["type"] == OptionType.ATTACHMENT
            for option in self.options
        )

    @property
    def reserved(self) -> bool:
        """Whether not everybody may give it."""
        return self.root.get("default_member_permissions") is not None

    def data(self, options: list[dict[str, Any]], resolved: dict[str, Any]) -> dict[str, Any]:
        """Return an interaction's data."""
        return {
            "id": self.root["id"],
            "name": self.root["name"],
            "type": self.root.get("type", AppCommandType.CHAT_INPUT),
            "options": nest_options(self.root, list(self.path[1:]), options),
            "resolved": resolved,
        }


def registered(env: simcord.Env, kind: AppCommandType) -> list[dict[str, Any]]:
    """Return what the bot told Discord about its commands of a kind."""
    roots = env.backend.commands.get(None, {}).values()
    return [root for root in roots if root.get("type", AppCommandType.CHAT_INPUT) == kind]


def slash_commands(env: simcord.Env) -> list[Command]:
    """Return every command that can be typed."""
    return [
        Command(root, tuple(path), tuple(leaf.get("options") or ()))
        for root in registered(env, AppCommandType.CHAT_INPUT)
        for path, leaf in command_leaves(root)
    ]


class Filler:
    """Fills options in from a seeded generator."""

    def __init__(self, random: Random, wire: Wire, cast: Cast, words: Words, files: Files) -> None:
        self._random, self._wire, self._cast = random, wire, cast
        self._words, self._files = words, files
        self._kinds: dict[int, Callable[..., Any]] = {
            OptionType.STRING: self._text,
            OptionType.INTEGER: self._whole,
            OptionType.NUMBER: self._number,
            OptionType.BOOLEAN: lambda *_: random.random() < 0.5,
            OptionType.USER: self._handle,
            OptionType.CHANNEL: self._handle,
            OptionType.ROLE: self._handle,
            OptionType.MENTIONABLE: self._handle,
            OptionType.ATTACHMENT: self._file,
        }

    def fill(self, command: Command, place: Place, actor: Actor) -> dict[str, Any]:
        """Return the data of a command with some of its options, most as Discord takes them."""
        resolved: dict[str, Any] = {}
        share = self._random.random()
        given = []
        for option in command.options:
            if option.get("required") or self._random.random() < share:
                value = self._kinds[option["type"]](option, place, actor, resolved)
                if value is not None:
                    given.append({"name": option["name"], "type": option["type"], "value": value})
        return command.data(given, resolved)

    def typing(self, command: Command, place: Place, actor: Actor) -> dict[str, Any] | None:
        """Return the data of somebody typing an option that is completed; None if none is."""
        completed = [option for option in command.options if option.get("autocomplete")]
        if not completed:
            return None
        focused = self._random.choice(completed)
        data: dict[str, Any] = {}
        typed = self._random.choice((self._words.wild(90), self._words.small(), "", "e"))
        options = [{"name": focused["name"], "type": focused["type"], "value": typed}]
        options[0]["focused"] = True
        for option in command.options:
            if option is not focused and option["type"] == OptionType.STRING:
                value = self._text(option, place, actor, data)
                options.append({"name": option["name"], "type": option["type"], "value": value})
        return command.data(options, {})

    def _text(self, option: dict[str, Any], *_: object) -> str:
        if self._random.random() < ASTRAY_SHARE:
            return self._words.wild(6000)
        if choices := option.get("choices"):
            return str(self._random.choice(choices)["value"])
        longest = option.get("max_length", 200)
        if option["name"] in PROMPTS and self._random.random() < 0.4:
            text = self._words.prompt()
        elif self._random.random() < (0.7 if option.get("autocomplete") else 0.3):
            text = self._random.choice(NAMES)
        else:
            text = self._words.wild(longest)
        return text[:longest].ljust(option.get("min_length", 0), "x")

    def _whole(self, option: dict[str, Any], *_: object) -> int:
        if choices := option.get("choices"):
            return int(self._random.choice(choices)["value"])
        least, most = option.get("min_value", -LARGEST), option.get("max_value", LARGEST)
        if self._random.random() < ASTRAY_SHARE:
            return self._random.choice((least - 1, most + 1, 0, 2**63, 2**70))
        if option["name"] in NUMBERED:
            most = self._random.choice((12, 80, most))
        return self._random.choice((least, most, self._random.randint(least, most)))

    def _number(self, option: dict[str, Any], *_: object) -> float:
        least, most = option.get("min_value", -1e9), option.get("max_value", 1e9)
        if self._random.random() < ASTRAY_SHARE:
            return self._random.choice((least - 1, most + 1, 0.0, -0.0, 1e300))
        return self._random.choice((least, most, self._random.uniform(least, most)))

    def _file(self, _: object, place: Place, __: object, resolved: dict[str, Any]) -> str:
        return self._wire.attach(place, self._files.any(), resolved)

    def _handle(
        self, option: dict[str, Any], place: Place, actor: Actor, resolved: dict[str, Any]
    ) -> str | None:
        guild_id = None if place.guild is None else place.guild.id
        offered: dict[int, Sequence[Any]] = {
            OptionType.USER: (*self._cast.users, *self._cast.members.get(guild_id or 0, ())),
            OptionType.CHANNEL: self._cast.channels.get(guild_id or 0, ()),
            OptionType.ROLE: self._cast.roles.get(guild_id or 0, ()),
        }
        offered[OptionType.MENTIONABLE] = (*offered[OptionType.USER], *offered[OptionType.ROLE])
        handles = offered[option["type"]]
        if not handles:
            return None
        return self._wire.name(place, actor, self._random.choice(handles), resolved)
