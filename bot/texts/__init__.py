"""The text catalog: every sentence people read, by key, with one file per language.

``en.ftl`` is the catalog, in Fluent's syntax (https://projectfluent.org/fluent/guide/). Another
language is one more file beside it, named as Discord names it (``de.ftl``, ``pt-BR.ftl``); texts it
lacks are shown in English. Commands are described under ``command-<name>``, their options as its
attributes; an error's sentence is ``error-<what happened>``. ``ORDINAL($n)`` is our own function:
it selects by a language's forms of 1st, 2nd and so on, as a number by itself selects by those of 1,
2.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from babel import Locale
from babel.lists import format_list
from fluent.runtime import FluentBundle, FluentResource
from fluent.syntax.ast import Message, Resource

from generation.phrases import Phrase, Value

FOLDER = Path(__file__).parent
ENGLISH = "en"
SMALL, AGAIN = 1000, 5000  # numbers in texts that are resolved once, and how many such texts

_spoken: ContextVar[str] = ContextVar("language", default=ENGLISH)


class TextMissing(LookupError):
    """The catalog has no such key, or the sentence lacks an argument: a bug."""


def say(key: str, /, **fields: str | float) -> str:
    """Return a sentence in the current language; raises TextMissing.

    ``key`` may name an attribute: ``command-imagine.prompt``. Numbers are formatted for the
    language, with thousands separators: pass ids and seeds as strings. Arguments are inserted as
    they are; escape people's texts with `bot.texts.inert` first.
    """
    language = _spoken.get()
    for known in (language, language.partition("-")[0]):
        if known in languages() and (text := _said(_bundle(known), key, fields)) is not None:
            return text
    text = _said(_bundle(ENGLISH), key, fields)
    if text is None:
        raise TextMissing(key)
    return text


@contextmanager
def speaking(locale: str) -> Iterator[None]:
    """Use this language, by Discord's name, for the duration of the context."""
    before = _spoken.set(locale)
    try:
        yield
    finally:
        _spoken.reset(before)


def speak(locale: str) -> None:
    """Use this language in the current task, as while answering an interaction."""
    _spoken.set(locale)


def translation(english: str, locale: str) -> str | None:
    """Return a language's text for this English sentence, None if it has none."""
    for known in (locale, locale.partition("-")[0]):
        if known != ENGLISH and known in languages():
            for key in _keys().get(english, ()):
                if (text := _format(_bundle(known), key, {}, strict=False)) is not None:
                    return text
    return None


def spoken(english: str) -> str:
    """Return an English sentence of the catalog in the current language.

    For texts defined before any interaction, such as commands' descriptions.
    """
    return translation(english, _spoken.get()) or english


def all_of(parts: Iterable[str]) -> str:
    """Return a list of everything: ``a, b and c``."""
    return format_list(list(parts), "standard", _list_locale())


def any_of(parts: Iterable[str]) -> str:
    """Return a list of alternatives: ``a, b or c``."""
    return format_list(list(parts), "or", _list_locale())


def _list_locale() -> Locale:
    """Return the locale for lists: the current language's, if there is a file."""
    spoken = _spoken.get()
    known = (one for one in (spoken, spoken.partition("-")[0]) if one in languages())
    language = next(known, ENGLISH)
    # International English has no comma before "and"; US English does.
    return Locale.parse("en_001" if language == ENGLISH else language.replace("-", "_"))


def phrased(words: str) -> str:
    """Return the text of a ``generation`` error in the current language.

    Other texts come from the catalog already, and are returned unchanged.
    """
    if not isinstance(words, Phrase):
        return words
    join = any_of if words.code.startswith("bound-") else all_of
    return say(words.code, **{name: _field(value, join) for name, value in words.values.items()})


def _field(value: Value, join: Callable[[Iterable[str]], str]) -> str | float:
    if isinstance(value, tuple):
        return join(value)
    if isinstance(value, str):
        return phrased(value)
    return str(value) if isinstance(value, int) else value  # a seed has no thousands separators


@cache
def languages() -> frozenset[str]:
    """Return the languages that have a file."""
    return frozenset(file.stem for file in FOLDER.glob("*.ftl"))


def keys(language: str = ENGLISH) -> Iterator[str]:
    """Yield every key of a language, including messages' attributes."""
    for message in _resource(language).body:
        if isinstance(message, Message):
            if message.value is not None:
                yield message.id.name
            for attribute in message.attributes:
                yield f"{message.id.name}.{attribute.id.name}"


@cache
def _keys() -> dict[str, list[str]]:
    """Return the keys of each English sentence without arguments."""
    found: dict[str, list[str]] = {}
    for key in keys():
        if (text := _format(_bundle(ENGLISH), key, {}, strict=False)) is not None:
            found.setdefault(text, []).append(key)
    return found


@cache
def _bundle(language: str) -> FluentBundle:
    # Fluent's isolation marks for bidirectional text show up as boxes in file names.
    ordinal: Any = Locale.parse(language, sep="-").ordinal_form  # a plural category
    bundle = FluentBundle([language], functions={"ORDINAL": ordinal}, use_isolating=False)
    bundle.add_resource(_resource(language))
    return bundle


@cache
def _resource(language: str) -> Resource:
    return FluentResource((FOLDER / f"{language}.ftl").read_text("utf-8"))


def _said(bundle: FluentBundle, key: str, fields: dict[str, str | float]) -> str | None:
    """Return what `_format` does, and resolve only once what is said again and again.

    That are texts without arguments, and those with small whole numbers alone, such as durations.
    """
    if not all(type(value) is int and 0 <= value < SMALL for value in fields.values()):
        return _format(bundle, key, fields)
    return _again(bundle, key, tuple(fields.items()))


@lru_cache(AGAIN)
def _again(
    bundle: FluentBundle, key: str, fields: tuple[tuple[str, str | float], ...]
) -> str | None:
    return _format(bundle, key, dict(fields))


def _format(
    bundle: FluentBundle, key: str, fields: dict[str, str | float], *, strict: bool = True
) -> str | None:
    name, _, attribute = key.partition(".")
    if not bundle.has_message(name):
        return None
    message = bundle.get_message(name)
    pattern = message.attributes.get(attribute) if attribute else message.value
    if pattern is None:
        return None
    text, errors = bundle.format_pattern(pattern, fields)
    if errors:
        if strict:
            raise TextMissing(f"{key}: {errors[0]}")
        return None
    return str(text)
