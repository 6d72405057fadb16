"""The catalog of what people read, and what becomes of it in another language."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from discord import Interaction, Locale, Message, app_commands
from discord.app_commands import TranslationContext, TranslationContextLocation
from fluent.syntax import FluentParser, FluentSerializer
from fluent.syntax.ast import TextElement
from fluent.syntax.visitor import Transformer
from hypothesis import given
from hypothesis import strategies as st

import bot
from bot import texts
from bot.client import Translator
from bot.core.new_jobs import DEFAULT_COUNT, DEFAULT_STRENGTH
from bot.ui.errors import explain
from generation.errors import CheckpointUnavailable, InvalidRequest
from generation.phrases import ENGLISH as PHRASES
from generation.phrases import Phrase
from tests.languages import catalogs

WORD = re.compile(r"[A-Za-z]+")

# A key that is given as it stands; keys that are put together name their beginning.
SAID = re.compile(r"(?:\bsay\(\s*|\blabel = )(f?)[\"']([a-z][a-z0-9-.]+)")


ENGLISH = """
jobs = { $n ->
    [one] One job
   *[other] { $n } jobs
 }
hello = Hello { $name }
command-imagine = Draw
    .prompt = What to draw
"""
GERMAN = "hello = Hallo { $name }\ncommand-imagine = Zeichnen\n"


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[None]:
    """A catalog of its own, in English and German."""
    with catalogs(tmp_path, en=ENGLISH, de=GERMAN):
        yield


def test_plurals_and_fields(catalog: None):
    assert texts.say("jobs", n=1) == "One job"
    assert texts.say("jobs", n=2000) == "2,000 jobs"
    assert texts.say("command-imagine.prompt") == "What to draw"


@given(name=st.text())
def test_a_field_is_put_in_as_it_is(name: str):
    resource = texts.FluentResource("hello = Hello { $name }")
    bundle = texts.FluentBundle(["en"], use_isolating=False)
    bundle.add_resource(resource)
    assert texts._format(bundle, "hello", {"name": name}) == f"Hello {name}"


@pytest.mark.parametrize("key", ["nothing", "hello", "hello.nothing", "command-imagine.nothing"])
def test_what_is_missing_is_a_mistake(catalog: None, key: str):
    with pytest.raises(texts.TextMissing, match=key):
        texts.say(key)


def test_another_language_falls_back_to_english(catalog: None):
    with texts.speaking("de"):
        assert texts.say("hello", name="Mia") == "Hallo Mia"
        assert texts.say("jobs", n=2) == "2 jobs"
    with texts.speaking("xx-YY"):
        assert texts.say("hello", name="Mia") == "Hello Mia"
    assert texts.say("hello", name="Mia") == "Hello Mia"


def place(location: TranslationContextLocation, data: object = None) -> TranslationContext:
    return TranslationContext(location, data)


async def test_discord_is_told_the_words_of_each_language(catalog: None):
    words = Translator()
    context = place(TranslationContextLocation.command_description)
    said = app_commands.locale_str("Draw")
    assert await words.translate(said, Locale.german, context) == "Zeichnen"
    assert await words.translate(said, Locale.french, context) is None
    assert await words.translate(said, Locale.american_english, context) is None
    assert await words.translate(app_commands.locale_str("x"), Locale.german, context) is None


async def test_what_people_type_is_the_same_in_every_language(catalog: None):
    async def opened(_: Interaction, message: Message) -> None: ...

    words, said = Translator(), app_commands.locale_str("Draw")
    for location in ("command_name", "group_name", "parameter_name"):
        context = place(TranslationContextLocation[location])
        assert await words.translate(said, Locale.german, context) is None
    menu = app_commands.ContextMenu(name="Draw", callback=opened)
    picked = place(TranslationContextLocation.command_name, menu)
    assert await words.translate(said, Locale.german, picked) == "Zeichnen"


def test_what_is_said_is_in_the_catalog_and_what_is_in_the_catalog_is_said():
    known = set(texts.keys())
    said: set[str] = set()
    for file in Path(bot.__file__).parent.rglob("*.py"):
        for composed, key in SAID.findall(file.read_text("utf-8")):
            found = {one for one in known if one.startswith(key)} if composed else {key} & known
            assert found, f"{file.name} says {key}, which is in no catalog"
            said |= found
    said |= PHRASES.keys()
    assert known == said, f"nobody says {sorted(known - said)}"


def test_the_options_of_imagine_name_their_defaults():
    assert f"({DEFAULT_COUNT})" in texts.say("command-imagine.count")
    assert f"({DEFAULT_STRENGTH:g})" in texts.say("command-imagine.strength")


@pytest.mark.parametrize("code", PHRASES)
def test_what_generation_says_stands_in_the_catalog(code: str):
    fields = re.findall(r"{(\w+)}", PHRASES[code])
    phrase = Phrase(code, **{name: f"<{name}>" for name in fields})
    assert texts.phrased(phrase) == str(phrase)


@pytest.fixture
def foreign(tmp_path: Path) -> Iterator[None]:
    """The whole catalog in a language without one of our letters."""
    tree = FluentParser().parse((texts.FOLDER / "en.ftl").read_text("utf-8"))
    Foreign().visit(tree)
    with catalogs(tmp_path, ru=FluentSerializer().serialize(tree)), texts.speaking("ru"):
        yield


class Foreign(Transformer):
    """Writes every word of a catalog anew, but not its keys and fields."""

    def visit_TextElement(self, node: TextElement) -> TextElement:  # noqa: N802
        node.value = WORD.sub("ж", node.value)
        return node


@pytest.mark.parametrize("code", PHRASES)
def test_what_generation_says_has_no_english_in_another_language(foreign: None, code: str):
    fields = dict.fromkeys(re.findall(r"{(\w+)}", PHRASES[code]), "42")
    if "names" in fields:
        fields["names"] = ("1", "2", "3")
    said = Phrase(code, **fields)
    error = (
        InvalidRequest("0", said) if code.startswith("bound-") else CheckpointUnavailable("0", said)
    )
    assert WORD.findall(explain(error)) == []


def test_a_reason_inside_another_is_said_in_the_language_too(foreign: None):
    inner = Phrase("checkpoint-takes", channels=9)
    outer = Phrase("checkpoint-file", file="0", why=inner)
    assert WORD.findall(texts.phrased(outer)) == []
