"""Whose files are understood: each as its program writes it, and what is only recognised."""

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags

from generation.errors import InvalidRequest
from generation.metadata import fields, infotext, midjourney, reader
from generation.metadata.containers import Texts
from generation.metadata.infotext import Parameters
from generation.metadata.reader import read
from tests.generation.metadata import files
from tests.generation.metadata.files import (
    exif_block,
    png,
    saved,
    text_chunk,
    with_comment,
    with_texts,
)

CORE = {"prompt": "a fox", "negative_prompt": "blurry", "steps": 23, "seed": 77}
NAI = {
    "prompt": "a fox", "uc": "blurry", "steps": 23, "seed": 77, "scale": 6.5, "width": 512,
    "height": 768, "sampler": "k_euler_ancestral", "strength": 0.7, "noise": 0.2,
}  # fmt: skip
V4 = {
    "v4_prompt": {
        "caption": {
            "base_caption": "a fox", "char_captions": [{"char_caption": "red", "centers": []}]
        }
    },
    "v4_negative_prompt": {"caption": {"base_caption": "blurry", "char_captions": []}},
}  # fmt: skip
SWARM = {
    "sui_image_params": {
        "prompt": "a fox", "negativeprompt": "blurry", "model": "ink", "seed": 77, "steps": 23,
        "cfgscale": 6.5, "width": 512, "height": 768, "sampler": "euler_ancestral",
        "scheduler": "normal", "swarm_version": "0.9.3.1",
    },
    "sui_extra_data": {"date": "2025-01-25"},
}  # fmt: skip
FOOOCUS = {
    "prompt": "a fox", "negative_prompt": "blurry", "steps": 23, "seed": "77",
    "resolution": "(512, 768)", "guidance_scale": 6.5, "base_model": "ink",
    "sampler": "euler_ancestral", "scheduler": "normal", "performance": "Speed",
    "metadata_scheme": "fooocus", "version": "Fooocus v2.5.5", "full_prompt": ["a fox", "film"],
}  # fmt: skip
INVOKE = {
    "app_version": "5.0", "generation_mode": "txt2img", "positive_prompt": "a fox",
    "negative_prompt": "blurry", "width": 512, "height": 768, "seed": 77, "cfg_scale": 6.5,
    "steps": 23, "scheduler": "euler_a", "model": {"key": "x", "name": "ink", "hash": "blake3:1"},
}  # fmt: skip
SD_METADATA = {
    "model": "stable diffusion", "model_weights": "ink", "app_id": "invoke-ai/InvokeAI",
    "image": {
        "prompt": [{"prompt": "a fox [blurry]", "weight": 1}], "steps": 23, "cfg_scale": 6.5,
        "seed": 77, "sampler": "k_euler_a", "width": 512, "height": 768,
    },
}  # fmt: skip
EASY = {
    "prompt": "a fox", "negative_prompt": "blurry", "seed": 77, "num_inference_steps": 23,
    "guidance_scale": 6.5, "sampler_name": "euler_a", "width": 512, "height": 768,
    "use_stable_diffusion_model": "ink",
}  # fmt: skip
DRAW_THINGS = {
    "c": "a fox", "uc": "blurry", "seed": 77, "steps": 23, "scale": 6.5, "sampler": "Euler A",
    "size": "512x768", "model": "ink", "strength": 1, "v2": {"steps": 23},
}  # fmt: skip
TENSORART = {
    "prompt": "a fox", "negativePrompt": "blurry", "width": 512, "height": 768, "steps": 23,
    "cfgScale": 6.5, "seed": "77", "samplerName": "euler_ancestral", "clipSkip": 2,
    "baseModel": {"label": "Ink", "modelFileName": "ink"},
    "models": [{"label": "Wash", "type": "LORA", "weight": 0.8}],
}  # fmt: skip
CIVITAI = {
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "urn:air"}},
    "extra": {"airs": []},
    "extraMetadata": json.dumps(
        {"prompt": "a fox", "negativePrompt": "blurry", "steps": 23, "cfgScale": 6.5,
         "sampler": "Euler a", "seed": 77, "width": 512, "height": 768, "workflowId": "txt2img"}
    ),
}  # fmt: skip
SDNEXT = (
    "a fox\nNegative prompt: blurry\nSteps: 23 | Size: 512x768 | Sampler: Euler a | CFG scale: 6.5"
    " | Seed: 77 | Model: ink | App: SD.Next | Version: 1"
)
ONE_LINE = (
    "a fox Negative prompt: blurry Steps: 23, Sampler: Euler a, CFG scale: 6.5, Seed: 77,"
    " Size: 512x768, Model: ink"
)
CIVITAI_LINE = (
    "a fox\nNegative prompt: blurry\nSteps: 23, Sampler: Euler a, CFG scale: 6.5, Seed: 77, Size:"
    ' 512x768, Created Date: 2025-01-01T10:00:00Z, Civitai resources: [{"type":"checkpoint",'
    '"modelName":"Ink, wash","weights":[1,2]},{"type":"lora"}], Civitai metadata: {"a":{"b":1}},'
    " Model: ink"
)
FORGE = (
    "a fox\nNegative prompt: blurry\nSteps: 23, Sampler: Euler a, Schedule type: Automatic, CFG"
    " scale: 6.5, Distilled CFG Scale: 3.5, Seed: 77, Size: 512x768, Model: ink, Version: f2.0.1"
)
dump = json.dumps
FILES = {
    "A1111": with_texts(parameters=files.INFOTEXT.replace(", film noir", "")),
    "Forge": with_texts(parameters=FORGE),
    "SD.Next": with_texts(parameters=SDNEXT),
    "one line": with_texts(parameters=ONE_LINE),
    "Civitai, a line": with_comment(b"UNICODE\0" + CIVITAI_LINE.encode("utf-16-le")),
    "Civitai, a graph": with_comment(b"UNICODE\0" + dump(CIVITAI).encode("utf-16-be")),
    "SwarmUI": with_texts(parameters=dump(SWARM)),
    "SwarmUI in a JPEG": with_comment(b"UNICODE\0" + dump(SWARM).encode("utf-16-le")),
    "Fooocus": with_texts(parameters=dump(FOOOCUS), fooocus_scheme="fooocus"),
    "Fooocus in a WebP": with_comment(dump(FOOOCUS).encode(), "WEBP", first=True),
    "Fooocus, its log's names": with_texts(
        parameters=dump(
            {"Prompt": "a fox", "Negative Prompt": "blurry", "Steps": 23, "Guidance Scale": 6.5,
             "Performance": "Speed", "Resolution": "(512, 768)", "Sampler": "euler_ancestral",
             "Scheduler": "normal", "Seed": 77, "Base Model": "ink"}
        )
    ),
    "RuinedFooocus": with_texts(
        parameters=dump(
            {"Prompt": "a fox", "Negative": "blurry", "steps": 23, "cfg": 6.5, "width": 512,
             "height": 768, "seed": 77, "sampler_name": "euler_ancestral", "scheduler": "normal",
             "base_model_name": "ink", "software": "RuinedFooocus"}
        )
    ),
    "InvokeAI": with_texts(invokeai_metadata=dump(INVOKE)),
    "InvokeAI 2": png(text_chunk("sd-metadata", dump(SD_METADATA))),
    "InvokeAI 1": png(
        text_chunk("Dream", '"a fox [blurry]" -s 23 -S 77 -W 512 -H 768 -C 6.5 -A k_euler_a')
    ),
    "NovelAI": with_texts(
        Software="NovelAI", Description="a fox", Source="ink", Comment=dump(NAI)
    ),
    "NovelAI 4": with_texts(
        Software="NovelAI", Description="a fox", Source="ink", Comment=dump(NAI | V4)
    ),
    "NovelAI, hidden": png(
        image=files.stealth(
            dump({"Software": "NovelAI", "Source": "ink", "Description": "", "Comment": dump(NAI)})
        )
    ),
    "NovelAI in a WebP": with_comment(
        b"UNICODE\0"
        + dump({"Description": "a fox", "Source": "ink", "Comment": dump(NAI)}).encode(),
        "WEBP",
    ),
    "Easy Diffusion": with_texts(**{key: str(value) for key, value in EASY.items()}),
    "Easy Diffusion in a JPEG": with_comment(b"UNICODE\0" + dump(EASY).encode("utf-16-be")),
    "Easy Diffusion, its labels": with_texts(
        Prompt="a fox", Negative_Prompt="blurry", Seed="77", Steps="23", Guidance_Scale="6.5",
        Sampler="euler_a", Width="512", Height="768", Stable_Diffusion_model="ink",
    ),
    "Draw Things": png(
        text_chunk("XML:com.adobe.xmp", files.xmp("exif:UserComment", dump(DRAW_THINGS)), "iTXt")
    ),
    "TensorArt": png(text_chunk("generation_data", dump(TENSORART) + "\0\0\0")),
    "a program nobody knows": with_texts(
        parameters=dump(
            CORE | {"cfg": 6.5, "sampler": "euler_a", "size": [512, 768], "model": "ink"}
        )
    ),
}  # fmt: skip


@pytest.mark.parametrize("program", FILES)
def test_every_program_s_file_is_read(program: str):
    found = read(FILES[program])
    assert found is not None
    prompt = "a fox, red" if program == "NovelAI 4" else "a fox"
    assert (found.prompt, found.negative_prompt) == (prompt, "blurry")
    assert (found.steps, found.seed, found.guidance_scale) == (23, 77, 6.5)
    assert (found.sampler, found.width, found.height) == ("Euler a", 512, 768)
    nowhere = ("Civitai, a graph", "InvokeAI 1")  # one has a URN, one did not say
    assert found.model == (None if program in nowhere else "ink")


@pytest.mark.parametrize(
    ("program", "name"),
    [
        ("SwarmUI", "SwarmUI"), ("Fooocus", "Fooocus v2.5.5"), ("RuinedFooocus", "RuinedFooocus"),
        ("InvokeAI", "InvokeAI"), ("InvokeAI 1", "InvokeAI"), ("NovelAI, hidden", "NovelAI"),
        ("Easy Diffusion", "Easy Diffusion"), ("Draw Things", "Draw Things"),
        ("TensorArt", "TensorArt"), ("Civitai, a graph", "Civitai"),
    ],
)  # fmt: skip
def test_the_program_is_named(program: str, name: str):
    assert read(FILES[program]).program == name


def test_what_has_no_field_is_kept():
    assert read(FILES["TensorArt"]).other == {"clipSkip": "2", "LoRA": "Wash (0.8)"}
    resources = read(FILES["Civitai, a line"]).other["Civitai resources"]
    assert json.loads(resources)[0]["modelName"] == "Ink, wash"
    assert read(FILES["Civitai, a line"]).other["Civitai metadata"] == '{"a":{"b":1}}'
    assert read(FILES["SD.Next"]).other["App"] == "SD.Next"
    assert read(FILES["NovelAI"]).strength == 0.7


@pytest.mark.parametrize(
    ("program", "texts", "other"),
    [
        ("Fooocus, the web UI's scheme", {"parameters":
            "a fox\nSteps: 30, Sampler: DPM++ 2M SDE, Seed: 5, CFG scale: 4, ADM Guidance:"
            " (1.5, 0.8, 0.3), Scheduler: karras, Styles: ['x, y'], Version: Fooocus v2.5.5"},
         {"ADM Guidance": "(1.5, 0.8, 0.3)", "Styles": "['x, y']", "Version": "Fooocus v2.5.5"}),
        ("Fooocus-MRE", {"Comment": dump(
            {"software": "Fooocus-MRE", "prompt": "a fox", "steps": 30, "cfg": 4, "seed": 5,
             "sampler": "dpmpp_2m_sde_gpu", "scheduler": "karras", "l1": "None", "img": False})},
         {"software": "Fooocus-MRE"}),
        ("InvokeAI 5", {"invokeai_metadata": dump(
            {"app_version": "5", "positive_prompt": "a fox", "steps": 30, "cfg_scale": 4, "seed": 5,
             "scheduler": "dpmpp_2m_sde_k", "loras": [{"model": {"name": "ink"}, "weight": 0.7}],
             "controlnets": [{"control_model": {"name": "canny"}, "control_weight": 1}],
             "vae": {"name": "clear"}, "canvas_v2_metadata": {"referenceImages": []}})},
         {"app_version": "5", "loras": "ink (0.7)", "controlnets": "canny (1)", "vae": "clear"}),
        ("Easy Diffusion, copied", {"parameters": dump(
            {"seed": 5, "reqBody": {"prompt": "a fox", "num_inference_steps": 30, "seed": 5,
             "guidance_scale": 4, "sampler_name": "dpmpp_2m_sde_k",
             "use_stable_diffusion_model": None}})}, {}),
    ],
)  # fmt: skip
def test_relatives_are_read_too(program: str, texts: dict[str, str], other: dict[str, str]):
    found = read(with_texts(**texts))
    assert (found.prompt, found.steps, found.seed) == ("a fox", 30, 5), program
    assert (found.sampler, found.guidance_scale) == ("DPM++ 2M SDE Karras", 4.0)
    assert found.other == other


def test_a_schedule_that_we_lack_stands_beside_the_sampler_that_we_have():
    for said in (
        NAI | {"noise_schedule": "karras"},
        SWARM["sui_image_params"] | {"scheduler": "beta"},
    ):
        found = fields.read(said, program=None)
        assert (found.sampler, found.other["Schedule type"] in ("karras", "beta")) == (
            "Euler a",
            True,
        )
    found = infotext.parse(
        "a fox\nSteps: 5, Sampler: DPM++ 2M, Schedule type: Exponential, Seed: 7"
    )
    assert (found.sampler, found.other) == ("DPM++ 2M", {"Schedule type": "Exponential"})


def test_midjourney_s_line_is_taken_apart():
    text = (
        "a fox --no text, hats --ar 3:2 --seed 77 --stylize 250 --tile --v 6.1"
        " Job ID: 01234567-89ab-cdef-0123-456789abcdef"
    )
    for data in (
        with_texts(Description=text, Author="somebody"),
        saved("JPEG", exif=exif_block(ExifTags.Base.ImageDescription, text, first=True)),
        saved("WEBP", xmp=files.xmp("dc:description", text).encode()),
    ):
        found = read(data)
        assert (found.program, found.prompt, found.negative_prompt) == (
            "Midjourney",
            "a fox",
            "text, hats",
        )
        assert (found.seed, found.width, found.height, found.model) == (77, 3, 2, "Midjourney 6.1")
        assert (found.other["--stylize"], found.other["--tile"]) == ("250", "on")


@pytest.mark.parametrize(
    ("data", "program"),
    [
        (with_texts(workflow=dump({"nodes": [], "links": []})), "ComfyUI"),
        (with_texts(prompt=dump({"1": {"class_type": "LoadImage", "inputs": {}}})), "ComfyUI"),
        (with_texts(invokeai_workflow="{}"), "InvokeAI"),
        (with_texts(Software="NovelAI"), "NovelAI"),
        (
            saved("JPEG", exif=exif_block(ExifTags.Base.Software, "Adobe Firefly", first=True)),
            "Adobe Firefly",
        ),
        (saved("JPEG", xmp=files.xmp("xmp:CreatorTool", "Draw Things").encode()), "Draw Things"),
        (saved("JPEG", xmp=files.xmp("dc:creator", "Made with Google AI").encode()), "Google"),
        (png(files.chunk(b"caBX", b"jumbc2pa...OpenAI API...")), "OpenAI"),
    ],
)  # fmt: skip
def test_who_is_recognised_and_says_nothing_is_named(data: bytes, program: str):
    found = read(data)
    assert (found.program, found.says_how) == (program, False)


@pytest.mark.parametrize(
    "data",
    [
        with_comment(b"ASCII\0\0\0Screenshot"),
        saved("JPEG", comment=b"CREATOR: gd-jpeg v1.0, quality = 90"),
        saved("JPEG", exif=exif_block(ExifTags.Base.Make, "Canon", first=True)),
        saved("JPEG", exif=exif_block(ExifTags.Base.Software, "Adobe Photoshop 25", first=True)),
        with_texts(Description="My holiday: the sea, at noon", Software="gnome-screenshot"),
        with_texts(Comment="Created with GIMP"),
        with_texts(Title="x", parameters='{"prompt": "and nothing else"}'),
        files.gif(b"made on a Mac"),
        png(files.chunk(b"caBX", b"jumbc2pa...Leica...")),
        png(text_chunk("XML:com.adobe.xmp", files.xmp("dc:description", "The sea"), "iTXt")),
    ],
)
def test_what_says_nothing_says_nothing(data: bytes):
    assert read(data) is None


def test_line_ends_that_were_lost_are_found_again():
    found = infotext.parse("a fox, film noir Negative prompt: Steps: 23, Sampler: DDIM, Seed: 5")
    assert found == Parameters(prompt="a fox, film noir", steps=23, sampler="DDIM", seed=5)
    found = infotext.parse("a fox Steps: 23, Sampler: sample_euler_ancestral, Seed: 5")
    assert (found.prompt, found.sampler) == ("a fox", "Euler a")


@pytest.mark.parametrize("line", ["x [a, b", "x {a, b", "[[[[", '["a, ]', "[}"])
def test_an_open_bracket_is_only_a_bracket(line: str):
    found = infotext.parse(f"a fox\nSteps: 5, Odd: {line}, Sampler: DDIM, Seed: 7")
    assert (found.prompt, found.steps, found.seed) == ("a fox", 5, 7)


keys = st.sampled_from(
    sorted({*NAI, *SWARM, *FOOOCUS, *INVOKE, *SD_METADATA, *EASY, *DRAW_THINGS, *TENSORART, *V4,
            *CIVITAI, "Comment", "Description", "nodes", "links", "class_type", "inputs"})
)  # fmt: skip
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["1e999", "(512, 768)", "9" * 30, "a [b] c", "k_euler_k", dump(NAI)]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
places = st.sampled_from(
    ["parameters", "prompt", "workflow", "UserComment", "Comment", "Description", "Software",
     "Dream", "sd-metadata", "invokeai_metadata", "generation_data", "Source", "seed", "steps"]
)  # fmt: skip


@settings(max_examples=150)
@given(
    st.lists(
        st.tuples(
            places, st.dictionaries(keys, values, max_size=8).map(dump) | st.text(max_size=40)
        ),
        max_size=4,
    )
)
def test_no_texts_raise(pairs: list[tuple[str, str]]):
    found = reader.parse(Texts(tuple(pairs)))
    if found is not None:
        assert isinstance(found.prompt, str)
        dump(found.other, allow_nan=False)
        assert found.steps is None or type(found.steps) is int


@given(st.dictionaries(keys, values))
def test_any_table_is_some_parameters(table: dict[str, object]):
    assert isinstance(fields.read(table, program=None), Parameters)


@given(st.text(max_size=80))
def test_any_line_of_midjourney_s_is_read(words: str):
    text = f"{words} --ar {words} --no {words} Job ID: 01234567-89ab-cdef-0123-456789abcdef"
    assert midjourney.parse(Texts((("Description", text),))).program == "Midjourney"


@settings(max_examples=60)
@given(st.data())
def test_broken_files_of_any_program_are_refused_or_read(data):
    broken = bytearray(data.draw(st.sampled_from(list(FILES.values()))))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(broken) - 1))
        broken[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    with contextlib.suppress(InvalidRequest):
        assert isinstance(read(bytes(broken)), Parameters | None)
