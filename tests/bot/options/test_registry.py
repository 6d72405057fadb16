"""An option that only this file declares: everything else of the bot knows it then."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import discord
import pytest
import simcord

from bot import texts
from bot.core.jobs.derived.remixing import form_of, remix
from bot.features.inspect.service import likeness
from bot.features.privacy.service import Privacy
from bot.options import resolve, stored
from bot.options.arguments import REPEAT
from bot.options.describe import SIZE
from bot.options.image_options import ImageOptions
from bot.options.registry import OPTIONS, PEOPLE, Option, Shown, in_forms
from bot.options.resolve import Layers
from bot.options.values import Whole
from bot.ui.pages import embeds
from generation.metadata.infotext import Parameters
from generation.request import GenerationRequest
from tests.bot.conftest import House, built_in
from tests.languages import catalogs

HUE = Option(
    field="hue",
    key="hue",
    value=Whole(0, 359),
    names=("hue",),
    layers=PEOPLE,
    request="hue",
    column="hue",
    file="Hue",
    shown=Shown.EVERYWHERE,
)
TEXTS = {
    "command-imagine": "Which way the colours are turned",
    "preference": "Turn of the colours",
    "parameter": "Hue",
}

MESSAGES = """
settings-hue = hue { $hue }
left-out-hue = hue { $said }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class HuedRequest(GenerationRequest):
    """A request with the field that belongs to the option."""

    hue: int = 0


@pytest.fixture(autouse=True)
def _declared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Declare the option, give it its texts, and the request its field."""
    monkeypatch.setitem(OPTIONS, "hue", HUE)
    for module in (resolve, stored):
        monkeypatch.setattr(module, "GenerationRequest", HuedRequest)
    folder = tmp_path / "texts"
    folder.mkdir()
    english = (texts.FOLDER / "en.ftl").read_text("utf-8")
    for message, text in TEXTS.items():
        # Attributes stand behind what the message itself says.
        begin, head, rest = english.partition(f"\n{message} =")
        line, end, others = rest.partition("\n")
        english = f"{begin}{head}{line}{end}    .hue = {text}\n{others}"
    with catalogs(folder, en=english + MESSAGES):
        yield


def card(result: simcord.InteractionResult) -> discord.Embed:
    assert result.response is not None
    return result.response.embeds[0]


def commands(house: House) -> dict[str, dict]:
    """Return the commands as Discord was told of them, and their parameters by name."""
    (put,) = [
        one.json
        for one in house.env.backend.http_requests
        if one.method == "PUT" and one.path.endswith("/commands")
    ]
    found = {one["name"]: one for one in put}
    for group in ("settings", "config"):
        found |= {f"{group} {one['name']}": one for one in found[group]["options"]}
    return {
        name: {one["name"]: one for one in command.get("options", ())}
        for name, command in found.items()
    }


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("imagine", "Which way the colours are turned"),
        ("settings set", "Turn of the colours"),
        ("config defaults", "Turn of the colours"),
    ],
)
async def test_commands_take_it(house: House, command: str, said: str):
    parameter = commands(house)[command]["hue"]
    assert parameter["type"] == discord.AppCommandOptionType.integer.value
    assert (parameter["min_value"], parameter["max_value"]) == (0, 359)
    assert (parameter["description"], parameter["required"]) == (said, False)


async def draw(house: House, **given: object) -> simcord.InteractionResult:
    result = await house.mia.slash(house.channel, "imagine", **{"count": 1, **given})
    await house.settle()
    return result


async def test_every_layer_says_it_and_the_nearest_holds(house: House):
    async def hue() -> int:
        await draw(house, prompt="a fox")
        return (await house.jobs.of_person(house.mia.id))[-1].request.hue

    assert await hue() == 0
    admins = house.guild.create_role("Admins", permissions=discord.Permissions(manage_guild=True))
    ada = house.guild.add_member(house.env.create_user("ada"), roles=[admins])
    shown = await ada.slash(house.channel, "config defaults", hue=10)
    assert "`hue` **10**" in str([field.value for field in card(shown).fields])
    assert await hue() == 10
    await ada.slash(house.channel, "config defaults", hue=20, channel=house.channel)
    assert await hue() == 20
    shown = await house.mia.slash(house.channel, "settings set", hue=30)
    assert "`hue` **30**" in card(shown).description
    assert await hue() == 30
    await draw(house, prompt="a fox", hue=40)
    assert (await house.job(5)).request.hue == 40
    await draw(house, prompt="a fox --hue 50", hue=40)
    assert (await house.job(6)).request.hue == 50
    offered = await house.mia.autocomplete(house.channel, "settings reset", "setting", "hu")
    assert [one["value"] for one in offered] == ["hue"]
    shown = await house.mia.slash(house.channel, "settings reset", setting="hue")
    assert "`hue` –" in card(shown).description
    assert await hue() == 20


async def test_what_is_out_of_bounds_is_refused(house: House):
    refused = await house.mia.slash(house.channel, "imagine", prompt="a fox --hue 360")
    assert house.refusal(refused) == (
        "`--hue` must be 0 to 359, as in `--hue 7`; you wrote `--hue 360`."
    )
    refused = await house.mia.slash(house.channel, "imagine", prompt="a fox --hues 3")
    assert "did you mean `--hue`?" in house.refusal(refused)


async def test_what_was_drawn_with_it_says_so(house: House):
    drawn = await draw(house, prompt="a fox", hue=40)
    assert "· hue 40" in drawn.response.content
    details = await house.mia.click(drawn.response, label="Details")
    assert {one.name: one.value for one in card(details).fields}["Hue"] == "40"
    page = await house.morgan.slash(house.channel, "mod history")
    table = await house.morgan.click(page.response, label="Export CSV")
    text = (await table.response.attachments[0].read()).decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert row["hue"] == "40"
    (exported,) = await Privacy(house.app.database, house.app.personal_data).export(
        house.mia.id, 2**20
    )
    assert json.loads(exported)["jobs"][0]["hue"] == 40


async def test_jobs_made_of_a_job_keep_it(house: House):
    drawn = await draw(house, prompt="a fox", hue=40)
    await house.mia.click(drawn.response, label="Reroll")
    await house.settle()
    assert (await house.job(2)).request.hue == 40
    job = await house.job(1)
    assert remix(built_in(), job, form_of(built_in(), job), Layers()).request == job.request


def test_it_is_found_in_pictures_files():
    found = likeness(Parameters(prompt="a fox", other={"Hue": "40", "ENSD": "1"}), built_in())
    assert (found["hue"], found.left_out) == (40, ("ENSD 1",))
    found = likeness(Parameters(prompt="a fox", other={"Hue": "400"}), built_in())
    assert ("hue" in found, found.left_out) == (False, ("hue 400",))
    shown = embeds.parameters(Parameters(prompt="a fox", other={"Hue": "40", "ENSD": "1"}), ())
    assert {one.name: one.value for one in shown.fields} == {"Hue": "40", "Also": "ENSD 1"}


async def test_jobs_from_before_it_was_there_have_its_default(house: House):
    plain = GenerationRequest(
        prompt="a fox",
        checkpoint="Emoji",
        width=64,
        height=64,
        num_inference_steps=5,
        guidance_scale=2.5,
        sampler=built_in()["Emoji"].sampler,
        seed=3,
    )
    assert stored.from_json(stored.to_json(plain)).hue == 0


def test_what_is_no_option_cannot_be_said():
    with pytest.raises(TypeError, match="no such options: colour"):
        ImageOptions(prompt="a fox", colour="red")


def test_nothing_is_typed_by_the_name_of_another():
    names = [name for option in (*OPTIONS.values(), REPEAT) for name in option.names]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("option", [*OPTIONS.values(), HUE], ids=lambda option: option.field)
def test_every_option_has_its_texts(option: Option):
    known = set(texts.keys())
    assert f"command-imagine.{option.key}" in known
    assert not option.layers or f"preference.{option.key}" in known
    assert Shown.DETAILS not in option.shown or f"parameter.{option.key}" in known
    line = Shown.LINE in option.shown and not option.bare and option.field != SIZE
    assert not line or f"settings-{option.key}" in known
    assert option.file is None or {f"left-out-{option.key}", f"parameter.{option.key}"} <= known
    assert not option.in_form or f"form-{option.key}" in known


def test_a_form_has_room_for_what_it_asks():
    places = [option.in_form for option in in_forms()]
    assert places == [1, 2, 3, 4, 5], "Discord's forms have five inputs"
