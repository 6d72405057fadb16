import io
import json

import pytest
from PIL import Image

from bot.core.audit_store import NewAuditEntry
from bot.db.records import Status
from bot.texts import say
from generation.catalog import EMBEDDED
from generation.metadata.infotext import Parameters
from generation.metadata.png import chunks
from generation.source_image import MAX_BYTES
from tests.bot.conftest import House, labels
from tests.generation.metadata import files as made
from tests.generation.metadata.test_workflow import page

MADE = Parameters(
    prompt="a *red* apple",
    negative_prompt="<@&1>",
    steps=20,
    sampler="Euler a",
    guidance_scale=7.5,
    seed=42,
    width=512,
    height=768,
    model="dreams_v9",
    other={"Clip skip": "2"},
)


def file(found: Parameters | None = MADE) -> tuple[str, bytes]:
    written = io.BytesIO()
    info = None if found is None else chunks(found)
    Image.new("RGB", (8, 8)).save(written, "PNG", pnginfo=info)
    return "found.png", written.getvalue()


def fields(result) -> dict[str, str]:
    (embed,) = result.response.embeds
    return {field.name: field.value for field in embed.fields}


async def test_what_a_file_says_is_shown_privately_and_without_its_markup(house: House):
    result = await house.mia.slash(house.channel, "inspect", image=file())
    assert result.ephemeral
    assert result.response.embeds[0].description == r"a \*red\* apple"
    said = fields(result)
    assert (said["Steps"], said["Guidance"], said["Seed"]) == ("20", "7.5", "42")
    assert (
        said[say("parameter.aspect")],
        said[say("parameter.sampler")],
        said[say("file-also")],
    ) == ("512×768", "Euler a", "Clip skip 2")
    assert "dreams" in said[say("file-left-out")]
    assert house.executor.requests == []


async def test_use_these_makes_the_job_and_takes_the_button_away(house: House):
    result = await house.mia.slash(house.channel, "inspect", image=file())
    assert labels(result.response) == [say("button-use-these")]
    clicked = await house.mia.click(result.response, label=say("button-use-these"))
    await house.settle()
    (request,) = house.executor.requests
    assert (request.prompt, request.negative_prompt) == ("a *red* apple", "<@&1>")
    assert (request.seed, request.num_inference_steps, request.num_images) == (42, 20, 1)
    assert (request.checkpoint, request.width < request.height) == (EMBEDDED.name, True)
    assert (await house.job(1)).status is Status.DONE
    assert len(clicked.response.attachments) == 1
    assert labels(result.response) == []


async def test_what_cannot_be_drawn_here_is_shown_without_the_offer(house: House):
    wordless = Parameters(steps=5, sampler="DDIM", seed=1)
    result = await house.mia.slash(house.channel, "inspect", image=file(wordless))
    assert fields(result) == {"Steps": "5", say("parameter.sampler"): "DDIM", "Seed": "1"}
    assert labels(result.response) == []


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (file(None), say("error-file-says-nothing")),
        (("x.png", b"no picture"), "`image` must be"),
        (
            ("x.png", bytes(MAX_BYTES + 1)),
            say("error-invalid", field="image", bound="at most 10 MiB"),
        ),
    ],
)
async def test_a_file_without_an_answer_gets_a_line(
    house: House, content: tuple[str, bytes], line: str
):
    result = await house.mia.slash(house.channel, "inspect", image=content)
    assert house.refusal(result).startswith(line)


async def test_the_menu_of_a_message_reads_its_first_picture(house: House):
    house.executor.hold = True
    asked = await house.mia.slash(house.channel, "imagine", prompt="a red apple")
    result = await house.max.context_menu(house.channel, say("menu-details"), asked.response)
    assert house.refusal(result) == say("no-picture")
    house.executor.let_go()
    await house.settle()
    result = await house.max.context_menu(house.channel, say("menu-details"), asked.response)
    assert house.refusal(result) == say("error-file-says-nothing")


async def test_what_the_file_leaves_open_is_filled_in_like_a_new_wish(house: House):
    entry = NewAuditEntry(guild_id=house.guild.id, moderator_id=1, action="config", detail="")
    await house.rules.change({0: {"max_steps": 12, "guidance_scale": 9.0}}, entry)
    await house.mia.slash(
        house.channel, "settings set", sampler="heun", style="Portrait", negative_prompt="text"
    )
    result = await house.mia.slash(
        house.channel, "inspect", image=file(Parameters(prompt="an apple", steps=500, seed=5))
    )
    await house.mia.click(result.response, label=say("button-use-these"))
    await house.settle()
    (request,) = house.executor.requests
    assert (request.num_inference_steps, request.guidance_scale) == (12, 9.0)
    assert (request.sampler, request.seed) == ("Heun", 5)
    assert (request.prompt, request.negative_prompt) == ("an apple", ""), "its words are all said"


GRAPH = {
    "1": {"class_type": "CLIPTextEncode", "inputs": {"text": ["9", 0]}},
    "2": {
        "class_type": "KSampler",
        "inputs": {"steps": 20, "cfg": 7.0, "seed": 42, "sampler_name": "euler",
                   "scheduler": "karras", "positive": ["1", 0], "negative": ["1", 0]},
    },
    "9": {"class_type": "SomeLanguageModel", "inputs": {"temperature": 1}},
}  # fmt: skip
LEFT_OUT = (
    "an apple\nSteps: 20, Sampler: Euler, Schedule type: Karras, CFG scale: 7, Seed: 42, Size:"
    " 512x512, Clip skip: 2, Hires upscale: 2, Hires steps: 10, Variation seed: 5, Variation seed"
    ' strength: 0.3, Lora hashes: "ink: 0123", VAE: clear.pt, Version: v1.10'
)


@pytest.mark.parametrize(
    ("source", "content"),
    [
        (
            "A1111, zTXt behind the pixels",
            made.png(made.text_chunk("parameters", made.INFOTEXT, "zTXt"), after=True),
        ),
        ("A1111, a JPEG", made.with_comment(b"UNICODE\0" + made.INFOTEXT.encode("utf-16-le"))),
        ("A1111, AVIF", made.with_comment(made.INFOTEXT.encode(), "AVIF")),
        ("a GIF's comment", made.gif(made.INFOTEXT.encode())),
        ("stealth pnginfo", made.png(image=made.stealth(made.INFOTEXT))),
        ("XMP", made.saved("WEBP", xmp=made.xmp("dc:description", made.INFOTEXT).encode())),
    ],
)  # fmt: skip
async def test_every_place_is_read_through_the_command(house: House, source: str, content: bytes):
    result = await house.mia.slash(house.channel, "inspect", image=("x.png", content))
    assert result.response.embeds[0].description == "a fox, film noir", source
    assert fields(result)["Seed"] == "77"
    await house.mia.click(result.response, label=say("button-use-these"))
    await house.settle()
    (request,) = house.executor.requests
    assert (request.prompt, request.negative_prompt, request.seed) == (
        "a fox, film noir",
        "blurry",
        77,
    )


async def test_a_program_is_named_and_read_as_the_others(house: House):
    content = made.with_texts(
        parameters=json.dumps({"sui_image_params": {"prompt": "a fox", "seed": 7}})
    )
    result = await house.mia.slash(house.channel, "inspect", image=("x.png", content))
    (embed,) = result.response.embeds
    assert (embed.description, embed.footer.text) == (
        "a fox",
        say("file-program", program="SwarmUI"),
    )


async def test_who_does_not_say_how_is_named(house: House):
    content = made.with_texts(workflow=json.dumps({"nodes": [], "links": []}))
    result = await house.mia.slash(house.channel, "inspect", image=("x.png", content))
    assert house.refusal(result) == say("error-file-of-program", program="ComfyUI")


async def test_a_graph_that_is_known_in_part_says_so_and_why_there_is_no_button(house: House):
    content = made.with_texts(prompt=json.dumps(GRAPH))
    result = await house.mia.slash(house.channel, "inspect", image=("x.png", content))
    (embed,) = result.response.embeds
    assert embed.description == say("file-no-prompt")
    assert say("file-partial") in embed.footer.text
    assert say("file-no-offer", bound=say("bound-image-prompt")) in embed.footer.text
    assert labels(result.response) == []


async def test_everything_that_cannot_be_had_here_is_named(house: House):
    content = made.with_texts(parameters=LEFT_OUT)
    result = await house.mia.slash(house.channel, "inspect", image=("x.png", content))
    missing = fields(result)[say("file-left-out")].replace("\\", "")
    for part in (
        "Schedule type Karras", "Clip skip 2", "Hires steps 10",
        "Variation seed 5", "Variation seed strength 0.3", "Lora hashes ink: 0123", "VAE clear.pt",
    ):  # fmt: skip
        assert part in missing
    assert "Version" not in missing
    assert fields(result)["Hires"] == "2"


async def test_the_page_of_comfyui_is_known_in_part_and_offered(house: House):
    content = made.with_texts(workflow=json.dumps(page()))
    result = await house.mia.slash(house.channel, "inspect", image=("x.png", content))
    (embed,) = result.response.embeds
    assert (embed.description, fields(result)["Seed"]) == ("a fox", "5")
    assert embed.footer.text.splitlines() == [
        say("file-program", program="ComfyUI"),
        say("file-partial"),
    ]
    await house.mia.click(result.response, label=say("button-use-these"))
    await house.settle()
    (request,) = house.executor.requests
    assert (request.prompt, request.negative_prompt, request.seed) == ("a fox", "blurry", 5)


async def test_what_a_file_s_prompt_cannot_have_here_is_named_before_and_after(house: House):
    content = made.with_texts(
        parameters="a fox, <lora:ink:0.8>, [cat:dog:0.5]\nSteps: 12, Sampler: Euler, Seed: 7"
    )
    result = await house.mia.slash(house.channel, "inspect", image=("x.png", content))
    missing = fields(result)[say("file-left-out")].replace("\\", "")
    assert missing == "<lora:ink:0.8>"
    clicked = await house.mia.click(result.response, label=say("button-use-these"))
    await house.settle()
    assert house.executor.requests[0].prompt == "a fox, [cat:dog:0.5]"
    assert (await house.job(1)).left_out == "<lora:ink:0.8>"
    assert "ink:0.8" in clicked.response.content.replace("\\", "")
