"""/loras: what there is, for whom, and the request that begins with one."""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from bot.features.catalog.loras import prompt_with
from bot.texts import say
from generation.architectures import Sampler
from generation.catalog import EMBEDDED, Catalog
from generation.catalog.adapters import Adapter, Distillation
from generation.prompts.adapters import AdapterUse
from tests.bot.conftest import House

INK = Adapter(
    name="Ink",
    path=Path("ink.safetensors"),
    family="sd1",
    title="Ink *wash*",
    triggers=("inkwash style", "brush"),
    weight=0.8,
)
FAST = Adapter(
    name="Fast",
    path=Path("fast.safetensors"),
    family="sdxl",
    distillation=Distillation(Sampler.LCM, 8, 1.0),
)
MORE = [Adapter(name=f"More {n}", path=Path(f"{n}.safetensors")) for n in range(5)]


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    picture = tmp_path / "ink.png"
    Image.new("RGB", (300, 200), "navy").save(picture)
    adapters = [replace(INK, picture=picture), FAST, *MORE]
    return Catalog(
        {EMBEDDED.name: EMBEDDED},
        EMBEDDED.name,
        adapters={one.name: one for one in adapters},
    )


async def shown(house: House, **options: str):
    result = await house.max.slash(house.channel, "loras", **options)
    assert result.ephemeral
    return result.response


def labels(message) -> Iterator[str]:
    return (child["label"] for row in message.components for child in row["components"])


async def test_each_is_shown_with_what_is_known_of_it(house: House):
    message = await shown(house)
    titles = [embed.title for embed in message.embeds]
    assert titles == ["Ink", "Fast", "More 0", "More 1", "More 2"]
    ink, fast, more = message.embeds[:3]
    assert ink.description.splitlines() == [
        "Ink \\*wash\\*",
        say("lora-family", family="Stable Diffusion 1"),
        say("lora-triggers", words="inkwash style, brush"),
        say("lora-weight", weight="0.8"),
    ]
    brought = f"{say('lora-steps', steps=8)}, LCM and {say('lora-guidance', guidance='1')}"
    assert fast.description.splitlines() == [
        say("lora-family", family="Stable Diffusion XL"),
        say("lora-brings", settings=brought),
    ]
    assert more.description == say("lora-unknown")
    (file,) = message.attachments
    assert ink.thumbnail.url == f"attachment://{file.filename}"
    assert Image.open(io.BytesIO(await file.read())).size == (256, 256)
    assert titles == list(labels(message))[2:]


async def test_pages_turn_and_a_search_finds_trigger_words(house: House):
    first = await house.max.slash(house.channel, "loras")
    second = await house.max.click(first.response, label=say("page-on"))
    assert [embed.title for embed in second.response.embeds] == ["More 3", "More 4"]
    assert list(labels(second.response))[2:] == ["More 3", "More 4"]
    found = await shown(house, search="wash brush")
    assert [embed.title for embed in found.embeds] == ["Ink"]
    nothing = await shown(house, search="nowhere")
    assert nothing.content == say("nothing-offered")


async def test_a_button_begins_a_request_with_it(house: House):
    message = await shown(house)
    opened = await house.max.click(message, label="Ink")
    (prompt, negative) = inputs(opened.modal)
    assert prompt["value"] == "<lora:Ink:0.8> inkwash style, brush, "
    form = {prompt["custom_id"]: prompt["value"] + "a fox", negative["custom_id"]: "a boat"}
    await house.max.submit_modal(opened, form)
    await house.settle()
    (request,) = house.executor.requests
    assert request.adapters == (AdapterUse("Ink", 0.8, 0.8),)
    assert request.prompt == "inkwash style, brush, a fox"
    assert request.negative_prompt == "a boat"


async def test_one_that_is_gone_is_said(house: House):
    message = await shown(house)
    house.app.catalog.become(replace(house.app.catalog, adapters={"Fast": FAST}))
    refused = await house.max.click(message, label="Ink")
    assert say("error-adapter", name="Ink", reason=say("adapter-not-listed")) == house.refusal(
        refused
    )


def inputs(modal) -> list[dict[str, str]]:
    return [
        child
        for row in modal["components"]
        for child in ([row["component"]] if "component" in row else row["components"])
    ]


def test_syntax_in_trigger_words_stays_text():
    odd = replace(INK, triggers=("{red|blue} coat", "x" * 299, "y" * 299))
    assert prompt_with(odd) == f"<lora:Ink:0.8> \\{{red|blue\\}} coat, {'x' * 299}, "
