"""What Discord asks of commands beyond the schemas ("Application Commands" in the API reference).

Every rule holds in every language.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import regex

Json = dict[str, Any]

SLASH, ENTRY_POINT = 1, 4
SUBCOMMAND, GROUP, STRING, INTEGER, NUMBER = 1, 2, 3, 4, 10
MOST = {SLASH: 100, 2: 5, 3: 5}  # discord.py's for menus, which is below Discord's

# \p{sc=Deva}, \p{sc=Thai}: vowel signs are neither letters nor numbers.
_NAME = regex.compile(r"[-_'\p{L}\p{N}\p{Script=Deva}\p{Script=Thai}]{1,32}")


def of_commands(commands: list[Json]) -> Iterator[str]:
    """Say what is wrong with a list of commands that replaces all others."""
    kinds = Counter(command.get("type") or SLASH for command in commands)
    for kind, most in MOST.items():
        if kinds[kind] > most:
            yield f"{kinds[kind]} commands of type {kind}, {most} are allowed"
    for kind in kinds:
        alike = [command for command in commands if (command.get("type") or SLASH) == kind]
        yield from _twice(f"commands of type {kind}", alike)
    for command in commands:
        yield from of_command(command)


def of_command(command: Json) -> Iterator[str]:
    """Say what is wrong with one command."""
    where = f"/{command.get('name')}"
    if (command.get("type") or SLASH) == SLASH:
        yield from _named(command, where)
        yield from _options(command.get("options") or [], where)
    else:
        for locale, name in _in_all_languages(command, "name"):
            if not 1 <= len(name.strip()) <= 32:
                yield f"{where}: a name of {len(name)} characters in {locale}"
        described = command.get("description") and command["type"] != ENTRY_POINT
        if described or command.get("options"):
            yield f"{where}: a menu has neither description nor options"
    if (size := _size(command)) > 8000:
        yield f"{where}: {size} characters in all, 8000 are allowed"


def _in_all_languages(thing: Json, key: str) -> list[tuple[str, str]]:
    said = {"the default": thing.get(key) or "", **(thing.get(f"{key}_localizations") or {})}
    return list(said.items())


def _named(thing: Json, where: str) -> Iterator[str]:
    for locale, name in _in_all_languages(thing, "name"):
        if not _NAME.fullmatch(name) or name != name.lower():
            yield f"{where}: {name!r} is no name in {locale}"
    for locale, description in _in_all_languages(thing, "description"):
        if not 1 <= len(description.strip()) <= len(description) <= 100:
            yield f"{where}: a description of {len(description)} characters in {locale}"


def _options(options: list[Json], where: str, depth: int = 0) -> Iterator[str]:
    if len(options) > 25:
        yield f"{where}: {len(options)} options, 25 are allowed"
    yield from _twice(f"{where}: options", options)
    required = [bool(one.get("required")) for one in options]
    if required != sorted(required, reverse=True):
        yield f"{where}: a required option after one that is not"
    nests = [one.get("type") in (SUBCOMMAND, GROUP) for one in options]
    if any(nests) and not all(nests):
        yield f"{where}: subcommands beside options"
    for option in options:
        here = f"{where} {option.get('name')}"
        yield from _named(option, here)
        if option.get("type") in (SUBCOMMAND, GROUP):
            if depth > (1 if option["type"] == SUBCOMMAND else 0):
                yield f"{here}: nested too deep"
            yield from _options(option.get("options") or [], here, depth + 1)
        else:
            yield from _bounds(option, here)
            yield from _choices(option, here)


def _bounds(option: Json, where: str) -> Iterator[str]:
    names = {STRING: ("min_length", "max_length")}
    names |= dict.fromkeys((INTEGER, NUMBER), ("min_value", "max_value"))
    least, most = (option.get(name) for name in names.get(option.get("type") or 0, ("", "")))
    if least is not None and most is not None and least > most:
        yield f"{where}: at least {least} and at most {most}"


def _choices(option: Json, where: str) -> Iterator[str]:
    if option.get("type") not in (STRING, INTEGER, NUMBER):
        return
    choices = option.get("choices") or []
    if choices and option.get("autocomplete"):
        yield f"{where}: choices and suggestions"
    yield from _twice(f"{where}: choices", choices)
    values = Counter(choice.get("value") for choice in choices)
    for value, times in values.items():
        if times > 1:
            yield f"{where}: the value {value!r} {times} times"
        if isinstance(value, str) and not 1 <= len(value) <= 100:
            yield f"{where}: a value of {len(value)} characters"
    for choice in choices:
        for locale, name in _in_all_languages(choice, "name"):
            if not 1 <= len(name.strip()) <= len(name) <= 100:
                yield f"{where}: a choice's name of {len(name)} characters in {locale}"


def _twice(where: str, things: list[Json]) -> Iterator[str]:
    """Look for a name that is there twice, in any language: it stands for what lacks its own."""
    things = list(filter(None, things))
    locales = {one for thing in things for one in thing.get("name_localizations") or {}}
    for locale in ("the default", *sorted(locales)):
        said = [
            (thing.get("name_localizations") or {}).get(locale) or thing.get("name")
            for thing in things
        ]
        for name, times in Counter(said).items():
            if times > 1:
                yield f"{where}: {name!r} {times} times in {locale}"


def _size(thing: Json) -> int:
    """Count names, descriptions and values; of languages, the longest counts."""
    own = sum(
        max(len(text) for _, text in _in_all_languages(thing, key))
        for key in ("name", "description")
    )
    if isinstance(value := thing.get("value"), str):
        own += len(value)
    inner = [*(thing.get("options") or []), *(thing.get("choices") or [])]
    return own + sum(_size(one) for one in inner if one is not None)
