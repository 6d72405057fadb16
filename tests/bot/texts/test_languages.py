"""A person whose Discord is German, and one whose Discord is English, in the same server."""

from collections.abc import Iterator
from typing import Any

import pytest
import simcord
from discord import AppCommandType

from tests.bot.conftest import House, labels
from tests.languages import catalogs

GERMAN = """
error-no-job-of-yours = Du hast hier keinen Auftrag.
error-parameters-unknown = Ich kenne { $unknown } nicht, aber { $known }.
bound-whole = eine ganze Zahl, { $least } bis { $most }
error-invalid = `{ $field }` muss { $bound } sein.
error-checkpoint = Dieses Modell geht nicht: { $reason }.
bound-characters = { $least } bis { $most } Zeichen
bound-characters-most = höchstens { $most } Zeichen lang
bound-between = { $least } bis { $most }
bound-typed = { $bound }, wie in { $example }; da steht { $piece }
bound-one-of = { $names }
checkpoint-not-listed = es gibt nur { $names }
command-imagine = Entwickelt Bilder aus einer Beschreibung
    .prompt = Was zu zeichnen ist
aspect =
    .square = quadratisch
status =
    .queued = wartend
usage-chart-pictures = Bilder
menu-details = Woher das Bild kommt
command-queue = Wer wartet
question-erase = Das ist endgültig.
button-erase = Alles löschen
erased =
    Gelöscht: { $jobs ->
        [one] ein Auftrag
       *[other] { $jobs } Aufträge
    }.
"""


@pytest.fixture(autouse=True)
def german(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """German beside English, from before the bot starts."""
    with catalogs(tmp_path_factory.mktemp("texts"), de=GERMAN):
        yield


@pytest.fixture
def locales(monkeypatch: pytest.MonkeyPatch) -> dict[int, str]:
    """What Discord says of people's languages, by their ids; English without."""
    known: dict[int, str] = {}
    payload_of = simcord.interactions.base_payload

    def spoken(*args: Any, user_id: int, **given: Any) -> Any:
        record, payload = payload_of(*args, user_id=user_id, **given)
        payload["locale"] = known.get(user_id, payload["locale"])
        return record, payload

    monkeypatch.setattr(simcord.interactions, "base_payload", spoken)
    return known


async def test_each_is_answered_in_their_own_language(house: House, locales: dict[int, str]):
    locales[house.mia.id] = "de"
    mine = await house.mia.slash(house.channel, "cancel")
    theirs = await house.max.slash(house.channel, "cancel")
    assert house.refusal(mine) == "Du hast hier keinen Auftrag."
    assert house.refusal(theirs) == "You have no jobs in progress here."
    wrong = await house.mia.slash(house.channel, "imagine", prompt="an apple --steps many --no")
    assert house.refusal(wrong) == (
        "`--steps` muss eine ganze Zahl, 1 bis 100, wie in `--steps 7`;"
        " da steht `--steps many` sein."
    )
    unknown = await house.mia.slash(house.channel, "imagine", prompt="--foo --qux --zork")
    assert "`--foo`, `--qux` oder `--zork` nicht" in house.refusal(unknown)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"prompt": " "}, "`prompt` muss 1 bis 10000 Zeichen sein."),
        (
            {"prompt": "a --no " + "x" * 5000, "negative_prompt": "y" * 5500},
            "`negative_prompt` muss höchstens 10000 Zeichen lang sein.",
        ),
        (
            {"prompt": "a --steps 0"},
            "`--steps` muss 1 bis 100, wie in `--steps 7`; da steht `--steps 0` sein.",
        ),
        ({"prompt": "a", "style": "none of ours"}, " oder none sein."),
        ({"prompt": "a", "checkpoint": "none"}, "Dieses Modell geht nicht: es gibt nur "),
    ],
)
async def test_what_generation_refuses_is_said_in_the_language(
    house: House, locales: dict[int, str], options: dict[str, str], line: str
):
    locales[house.mia.id] = "de"
    refused = await house.mia.slash(house.channel, "imagine", **options)
    assert line in house.refusal(refused)


async def test_buttons_of_a_question_go_on_in_the_language(house: House, locales: dict[int, str]):
    locales[house.mia.id] = "de"
    await house.max.slash(house.channel, "imagine", prompt="a pear")
    await house.settle()
    question = await house.mia.slash(house.channel, "privacy erase")
    assert question.response.content == "Das ist endgültig."
    assert labels(question.response) == ["Alles löschen"]
    await house.mia.click(question.response, label="Alles löschen")
    assert question.response.content == "Gelöscht: 0 Aufträge."


async def test_discord_is_sent_what_describes_commands_in_each_language(house: House):
    commands = house.env.backend.commands[None]
    imagine = commands["imagine", AppCommandType.chat_input.value]
    assert imagine["description"] == "Develop pictures from a description"
    assert imagine["description_localizations"] == {
        "de": "Entwickelt Bilder aus einer Beschreibung"
    }
    options = {option["name"]: option for option in imagine["options"]}
    assert options["prompt"]["description_localizations"] == {"de": "Was zu zeichnen ist"}
    assert not options["seed"].get("description_localizations")
    squares = options["aspect"]["choices"][0]
    assert (squares["name"], squares["value"]) == ("square", "square")
    assert squares["name_localizations"] == {"de": "quadratisch"}
    mod = commands["mod", AppCommandType.chat_input.value]
    queued = next(one for one in _options([mod]) if one.get("value") == "queued")
    assert queued["name_localizations"] == {"de": "wartend"}
    menu = commands["Generation details", AppCommandType.message.value]
    assert menu["name_localizations"] == {"de": "Woher das Bild kommt"}
    typed = [
        command
        for (_, kind), command in commands.items()
        if kind == AppCommandType.chat_input.value
    ]
    named = [one for one in _options(typed) if "value" not in one]
    assert "pictures" in {one["name"] for one in named}
    assert not any(one.get("name_localizations") for one in named)


def _options(commands: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield commands, what they group, their options, and what those offer."""
    for command in commands:
        yield command
        yield from _options(command.get("options", []))
        yield from command.get("choices", [])


async def test_help_speaks_the_language_too(house: House, locales: dict[int, str]):
    locales[house.mia.id] = "de"
    shown = (await house.mia.slash(house.channel, "help")).response.embeds[0].description
    assert "`/queue` Wer wartet\n" in shown
    assert "*Woher das Bild kommt*" in shown
    assert "`/cancel` Cancel one of your jobs, or all of them" in shown
