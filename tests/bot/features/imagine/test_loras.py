"""LoRAs in /imagine and in what follows it, through the doors that people use."""

import csv
import io
from pathlib import Path

import pytest

from bot.texts import say
from generation.architectures import Sampler
from generation.catalog import Catalog
from generation.library.offers import Looker
from generation.prompts.adapters import AdapterUse
from generation.request import GenerationRequest
from generation.styles import Style
from tests.bot.conftest import House, built_in
from tests.generation.library.files import write
from tests.generation.metadata import files as made

INK = AdapterUse("Ink Wash", 0.8, 0.8)


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    folder = tmp_path / "models" / "loras"
    write(folder / "Ink Wash.safetensors", ss_tag_frequency='{"a": {"inkish": 9}}')
    write(folder / "lcm-lora.safetensors")
    write(folder / "paper.safetensors")
    (folder / "large.toml").write_text('family = "sdxl"\n')
    write(folder / "large.safetensors")
    found = Looker([folder.parent], tmp_path / "kept", None, None)()
    assert found.notes == ()
    return Catalog(
        built_in().checkpoints,
        built_in().default,
        built_in().styles,
        adapters=found.catalog.adapters,
    )


async def ask(house: House, prompt: str, **options: object):
    asked = {"count": 1, "seed": 7, **options}
    result = await house.mia.slash(house.channel, "imagine", prompt=prompt, **asked)
    await house.settle()
    return result


def drawn(house: House) -> GenerationRequest:
    request = house.executor.requests[-1]
    assert isinstance(request, GenerationRequest)
    return request


async def test_it_is_drawn_with_and_told_wherever_options_are(house: House):
    first = await ask(house, "a fox <lora:ink wash:0.8>")
    assert (drawn(house).prompt, drawn(house).adapters) == ("a fox", (INK,))
    assert "LoRA Ink Wash 0.8" in first.response.content
    details = await house.mia.click(first.response, label=say("button-details"))
    (embed,) = details.response.embeds
    assert {one.name: one.value for one in embed.fields}["LoRA"] == "Ink Wash 0.8"
    for label in (say("button-reroll"), "V1"):
        made_again = await house.mia.click(first.response, label=label)
        await house.settle()
        assert drawn(house).adapters == (INK,)
        assert "LoRA Ink Wash 0.8" in made_again.response.content
    opened = await house.mia.click(first.response, label=say("button-remix"))
    sent = await house.mia.submit_modal(opened, {"prompt": "an owl <lora:paper:-1>"})
    await house.settle()
    assert (drawn(house).prompt, drawn(house).adapters) == (
        "an owl",
        (AdapterUse("paper", -1, -1),),
    )
    assert "LoRA paper -1" in sent.response.content


async def test_moderators_tables_have_them(house: House):
    await ask(house, "a fox", lora="ink wash:0.8, paper")
    found = await house.morgan.slash(house.channel, "mod history", person=house.mia)
    shown = await house.morgan.click(found.response, label=say("button-export"))
    (table,) = shown.response.attachments
    head, row = csv.reader(io.StringIO((await table.read()).decode("utf-8-sig"), newline=""))
    assert row[head.index("lora")] == "<lora:Ink Wash:0.8> <lora:paper:1>"
    assert row[head.index("prompt")] == "a fox"
    exported = await house.mia.slash(house.channel, "privacy export")
    (file,) = exported.response.attachments
    assert b"<lora:Ink Wash:0.8> <lora:paper:1>" in await file.read()


@pytest.mark.parametrize(
    ("prompt", "line"),
    [
        ("a fox <lora:papper:1>", "“papper”: not among the LoRAs here"),
        ("a fox <lora:large:1>", "it was made for Stable Diffusion XL"),
        ("a fox <lora:paper:3>", "LoRA weights from -2 to 2"),
    ],
)
async def test_what_cannot_be_is_one_private_line(house: House, prompt: str, line: str):
    refused = house.refusal(await house.mia.slash(house.channel, "imagine", prompt=prompt))
    assert line in refused
    assert len(refused.splitlines()) == 1
    assert await house.jobs.get(1) is None


async def test_the_option_offers_names_and_trigger_words_and_what_fits_first(house: House):
    async def offered(typed: str) -> list[str]:
        found = await house.mia.autocomplete(house.channel, "imagine", "lora", typed)
        return [one["value"] for one in found]

    assert await offered("") == ["Ink Wash", "lcm-lora", "paper", "large"]
    assert await offered("inkish") == ["Ink Wash"]
    assert await offered("paper:0.5, ink") == ["paper:0.5, Ink Wash"]
    await ask(house, "a fox", lora="paper:0.5, Ink Wash:0.8")
    assert drawn(house).adapters == (AdapterUse("paper", 0.5, 0.5), INK)


async def test_alternatives_are_jobs_each_with_its_own(house: House):
    question = await house.mia.slash(
        house.channel, "imagine", prompt="a fox <lora:{paper,Ink Wash}:0.8> --n 1"
    )
    assert question.response.content.replace("\\", "").splitlines()[1:] == [
        "- a fox <lora:paper:0.8>",
        "- a fox <lora:Ink Wash:0.8>",
    ]
    await house.mia.click(question.response, label=say("question-yes", jobs=2))
    await house.settle()
    used = [one.adapters for one in house.executor.requests if isinstance(one, GenerationRequest)]
    assert sorted(used) == [(INK,), (AdapterUse("paper", 0.8, 0.8),)]


async def test_a_distilled_one_brings_its_settings(house: House):
    await house.mia.slash(house.channel, "settings set", steps=30, sampler="Euler a")
    await ask(house, "a fox --lora lcm-lora")
    request = drawn(house)
    found = (request.sampler, request.num_inference_steps, request.guidance_scale)
    assert found == (Sampler.LCM, 8, 1.0)
    await ask(house, "a fox --lora lcm-lora --steps 5")
    assert drawn(house).num_inference_steps == 5


async def test_a_style_shows_and_brings_its_own(house: House):
    inked = Style(name="Inked", prompt="{prompt}, wet", adapters=(INK,))
    house.app.catalog.styles = {"Inked": inked}
    listed = await house.mia.slash(house.channel, "styles")
    (embed,) = listed.response.embeds
    assert say("style-loras", loras="Ink Wash 0.8") in embed.description
    first = await ask(house, "a fox <lora:paper:1>", style="Inked")
    assert drawn(house).adapters == (AdapterUse("paper"), INK)
    opened = await house.mia.click(first.response, label=say("button-remix"))
    assert opened.modal is not None
    await house.mia.submit_modal(opened, {"prompt": "an owl"})
    await house.settle()
    assert (drawn(house).prompt, drawn(house).adapters) == ("an owl, wet", (INK,))


async def test_others_pictures_bring_those_that_are_here(house: House):
    content = made.with_texts(
        parameters="a fox <lora:Ink Wash:0.8> <lora:gone:1>\nSteps: 12, Sampler: Euler, Seed: 7,"
        ' Lora hashes: "Ink Wash: 0123, gone: 4567"'
    )
    result = await house.mia.slash(house.channel, "inspect", image=("x.png", content))
    (embed,) = result.response.embeds
    shown = {one.name: one.value.replace("\\", "") for one in embed.fields}
    assert shown[say("file-left-out")] == "<lora:gone:1>"
    await house.mia.click(result.response, label=say("button-use-these"))
    await house.settle()
    assert (drawn(house).prompt, drawn(house).adapters) == ("a fox", (INK,))
