"""What files say about how they were made: ours, other programs', and hostile ones."""

import contextlib
import io
import pickle
import struct
import subprocess
import sys
import time
import zlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from sd_parsers import ParserManager

from generation.errors import InvalidRequest
from generation.hires import Hires
from generation.metadata import infotext
from generation.metadata.infotext import Parameters, sampler_named
from generation.metadata.png import MAX_TEXT, chunks, describe, enlarged, exif, read
from generation.request import GenerationRequest, Sampler
from generation.source_image import MAX_BYTES

# The least that ComfyUI's reader takes for a graph.
GRAPH = '{"1": {"inputs": {"steps": 20, "cfg": 7.5, "seed": 3}}}'
REQUEST = GenerationRequest(
    prompt="a red fox, in (snow:1.2)\nat dawn",
    negative_prompt="text, blurry",
    checkpoint="Stable Diffusion v1.5",
    width=512,
    height=768,
    num_inference_steps=20,
    guidance_scale=7.0,
    sampler=Sampler.DPMPP_2M_KARRAS,
    seed=41,
    num_images=4,
)
MADE = describe(REQUEST, seed=42, model_hash="0123456789")


def png(info: PngInfo | None = None) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(file, "PNG", pnginfo=info)
    return file.getvalue()


def stamped(parameters: Parameters) -> bytes:
    return png(chunks(parameters))


def with_text(name: str, text: str, *, packed: bool = False) -> bytes:
    info = PngInfo()
    info.add_text(name, text, zip=packed)
    return png(info)


def seen_by_others(data: bytes):
    # Not as the package caches: an image's id may come again with another image.
    found = ParserManager().parse(io.BytesIO(data))
    assert found is not None
    (sampler,) = found.samplers
    return found, sampler


def test_the_text_is_what_the_web_ui_writes():
    lines = infotext.write(MADE).split("\n")
    assert lines[:3] == ["a red fox, in (snow:1.2)", "at dawn", "Negative prompt: text, blurry"]
    assert lines[3].startswith(
        "Steps: 20, Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 42, Size: 512x768,"
        " Model hash: 0123456789, Model: Stable Diffusion v1.5, Version: Darkroom "
    )
    assert len(lines) == 4


def test_a_picture_keeps_how_it_was_made():
    assert read(stamped(MADE)) == MADE
    from_image = replace(MADE, strength=0.55, guidance_scale=6.25, sampler="PNDM", model_hash=None)
    assert read(stamped(from_image)) == from_image
    assert "Sampler: PLMS" in infotext.write(from_image)
    assert "Denoising strength: 0.55" in infotext.write(from_image)
    assert pickle.loads(pickle.dumps(MADE)) == MADE


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_a_shrunk_picture_keeps_it_too(kind: str):
    file = io.BytesIO()
    made = replace(MADE, prompt="ein Fuchs 🦊, im Schnee")
    Image.new("RGB", (8, 8)).save(file, kind, exif=exif(made))
    assert read(file.getvalue()) == made
    _, sampler = seen_by_others(file.getvalue())
    assert str(sampler.prompts[0]) == made.prompt


@pytest.mark.parametrize("sampler", Sampler)
def test_sd_parsers_understands_our_pictures(sampler: Sampler):
    made = describe(replace(REQUEST, sampler=sampler), seed=7, model_hash="0123456789")
    found, seen = seen_by_others(stamped(made))
    assert found.full_prompt == REQUEST.prompt
    assert found.full_negative_prompt == REQUEST.negative_prompt
    assert sampler_named(seen.name) == sampler
    assert seen.parameters == {"steps": "20", "cfg_scale": "7", "seed": "7"}
    assert (seen.model.name, seen.model.hash) == ("Stable Diffusion v1.5", "0123456789")
    assert found.metadata["Size"] == "512x768"


words = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters=":"), min_size=1)
sentences = st.lists(words, min_size=1, max_size=8).map(" ".join)


@settings(max_examples=60)
@given(prompt=sentences, negative=sentences, seed=st.integers(0, 2**32 - 1))
def test_sd_parsers_reads_any_reasonable_prompt(prompt: str, negative: str, seed: int):
    made = replace(MADE, prompt=prompt, negative_prompt=negative, seed=seed)
    found, seen = seen_by_others(stamped(made))
    assert found.full_prompt == prompt.strip()
    assert found.full_negative_prompt == negative.strip()
    assert seen.parameters["seed"] == str(seed)


@pytest.mark.parametrize(
    "prompt", ["a fox\nSteps: 5", "Steps: 5, Sampler: x, Seed: 3, CFG scale: 1"]
)
@pytest.mark.parametrize("name", ["Plain", 'A "quoted", name: of {mine}', "Seed: 3, Steps: 1"])
def test_words_like_settings_lead_nobody_astray(prompt: str, name: str):
    made = replace(MADE, prompt=prompt, model=name)
    assert read(stamped(made)) == made
    found, seen = seen_by_others(stamped(made))
    assert (found.full_prompt, seen.parameters["steps"]) == (prompt, "20")
    assert seen.parameters["seed"] == "42"


tricky = st.lists(
    st.one_of(
        st.text(max_size=30),
        st.sampled_from(
            ("\n", " ", "\n\n", "\r\n", "\t", "\0", "\x85", "\u2028", "\\", '"', "{", "}", ",", ":")
        ),
        st.sampled_from(
            ("Negative prompt:", "Steps: 5", "Exact prompt: x", "Seed: 1, Size: 8x8, ")
        ),
    ),
    max_size=8,
).map("".join)


@settings(max_examples=100)
@given(
    prompt=tricky,
    negative=tricky,
    model=tricky,
    guidance=st.floats(1, 30),
    strength=st.none() | st.floats(0.001, 1),
)
def test_any_prompt_comes_back(
    prompt: str, negative: str, model: str, guidance: float, strength: float | None
):
    made = replace(
        MADE,
        prompt=prompt,
        negative_prompt=negative,
        model=model,
        guidance_scale=guidance,
        strength=strength,
    )
    assert infotext.parse(infotext.write(made)) == made
    assert read(stamped(made)) == made


def test_a_lone_surrogate_stops_no_picture():
    assert read(stamped(replace(MADE, prompt="a\ud800b"))).prompt == "a\ud800b"


@pytest.mark.parametrize("factor", [2, 4])
def test_an_enlarged_picture_says_what_its_source_said(factor: int):
    large = enlarged(read(stamped(MADE)), factor=factor)
    assert read(stamped(large)) == large
    assert large.other["Postprocess upscale by"] == str(factor)
    assert (large.prompt, large.width, large.steps) == (MADE.prompt, 512, 20)
    assert enlarged(large, factor=2).other["Postprocess upscale by"] == str(2 * factor)
    found, _ = seen_by_others(stamped(large))
    assert found.full_prompt == MADE.prompt


def test_the_web_ui_s_own_texts_are_read():
    found = read(
        with_text(
            "parameters",
            "portrait, <lora:ink:0.8> (hat:1.1)\r\nNegative prompt: lowres\r\n"
            "Steps: 28, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 6.5,"
            " Seed: 123456789012, Face restoration: CodeFormer, Size: 640x832,"
            " Model hash: 6ce0161689, Model: v1-5,"
            ' Lora hashes: "ink: 0123abcd, two: 99", Hashes: {"model": "6ce0", "lora:ink": "0123"},'
            " Clip skip: 2, Version: v1.10.1",
        )
    )
    assert found == Parameters(
        prompt="portrait, <lora:ink:0.8> (hat:1.1)",
        negative_prompt="lowres",
        steps=28,
        sampler="DPM++ 2M Karras",
        guidance_scale=6.5,
        seed=123456789012,
        width=640,
        height=832,
        model="v1-5",
        model_hash="6ce0161689",
        other={
            "Face restoration": "CodeFormer",
            "Lora hashes": "ink: 0123abcd, two: 99",
            "Hashes": '{"model": "6ce0", "lora:ink": "0123"}',
            "Clip skip": "2",
            "Version": "v1.10.1",
        },
    )


@pytest.mark.parametrize(
    ("name", "schedule", "ours"),
    [
        ("euler A", "", Sampler.EULER_A),
        ("DPM++ 2M", "Automatic", Sampler.DPMPP_2M_KARRAS),
        ("DPM++ 2M", "Uniform", Sampler.DPMPP_2M),
        ("DPM++ 2M SDE", "Karras", Sampler.DPMPP_2M_SDE_KARRAS),
        ("DPM++ 2M SDE Karras", "Karras", Sampler.DPMPP_2M_SDE_KARRAS),
        ("DPM++ 2M", "Exponential", None),
        ("DPM++ 3M SDE", "", None),
        ("", "", None),
    ],
)
def test_sampler_names(name: str, schedule: str, ours: Sampler | None):
    assert sampler_named(name, schedule) == ours


def test_what_is_not_ours_is_kept():
    text = "x\nSteps: many, Sampler: DPM++ 3M SDE, Schedule type: Exponential, Seed: 1, Size: big"
    found = infotext.parse(text)
    assert (found.steps, found.sampler, found.seed) == (None, "DPM++ 3M SDE", 1)
    assert found.other == {"Steps": "many", "Schedule type": "Exponential", "Size": "big"}
    assert infotext.parse("only words: here").prompt == "only words: here"


@pytest.mark.parametrize("packed", [False, True])
def test_comfyui_s_chunk_is_read(packed: bool):
    found = read(with_text("prompt", GRAPH, packed=packed))
    assert found == Parameters(steps=20, guidance_scale=7.5, seed=3)


def test_a_file_that_says_nothing():
    assert read(png()) is None
    for text in ("{}", "[]", "3", "{" * 90_000, "1" * 5000, "[" * 90_000, '{"1": {"inputs": 3}}'):
        assert read(with_text("prompt", text)) is None
    assert read(with_text("parameters", '{"prompt": "of another program"}')) is None
    assert read(with_text("parameters", " \n ")) is None


@settings(max_examples=100)
@given(st.data())
def test_broken_files_are_refused_or_say_nothing(data):
    broken = bytearray(data.draw(st.sampled_from(FILES)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(broken) - 1))
        broken[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    check(bytes(broken))


@settings(max_examples=50)
@given(
    st.binary(max_size=60),
    st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe1", b"RIFF"]),
)
def test_any_bytes_are_refused_or_say_nothing(tail: bytes, head: bytes):
    check(head + tail)


def check(data: bytes) -> None:
    with contextlib.suppress(InvalidRequest):
        found = read(data)
        assert found is None or isinstance(found, Parameters)


def _files() -> list[bytes]:
    made = [stamped(MADE), with_text("prompt", GRAPH, packed=True)]
    for kind in ("JPEG", "WEBP"):
        file = io.BytesIO()
        Image.new("RGB", (8, 8)).save(file, kind, exif=exif(MADE))
        made.append(file.getvalue())
    return made


FILES = _files()


def bomb(name: bytes, size: int) -> bytes:
    """A PNG whose zTXt chunk unpacks to ``size`` bytes."""
    body = name + b"\0\0" + zlib.compress(b"a" * size, 9)
    chunk = struct.pack(">I", len(body)) + b"zTXt" + body
    chunk += struct.pack(">I", zlib.crc32(b"zTXt" + body))
    whole = png()
    return whole[:33] + chunk + whole[33:]


def test_hostile_texts_are_bounded():
    for data in (
        b"\x89PNG" * (MAX_BYTES // 4 + 1),
        bomb(b"parameters", 64 * MAX_TEXT),
        with_text("parameters", "a" * (MAX_TEXT + 1)),
        with_text("prompt", "a" * (MAX_TEXT + 1)),
    ):
        with pytest.raises(InvalidRequest, match=r"image must be"):
            read(data)


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "a: ",
        "a:,",
        "a:{,",
        'a:"\\',
        'a:"\\",',
        ",",
        "\n",
        "Steps:1,",
        "a:\n",
        "Negative prompt:\n",
    ],
)
def test_no_text_takes_long(unit: str):
    text = unit * (MAX_TEXT // 8 // len(unit))
    started = time.process_time()
    infotext.parse(text)
    assert time.process_time() - started < 1


def test_reading_takes_no_torch():
    code = (
        "import sys, generation.metadata.png, generation.loading.model_hash;"
        " print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=30
    )
    assert done.stdout.strip() == "False"


def test_a_file_says_how_its_picture_was_edited():
    masked = describe(replace(REQUEST, strength=0.75, feather=12), seed=7)
    assert (masked.strength, masked.other["Mask blur"]) == (0.75, "12")
    larger = replace(REQUEST, hires=Hires(1.5, 0.4, 12), tiling=True)
    made = describe(larger, seed=7)
    assert read(stamped(made)) == made
    assert made.strength == 0.4
    assert (made.width, made.height) == (512, 768)
    edits = {"Hires upscale": "1.5", "Hires steps": "12", "Hires upscaler": "waifu2x"}
    assert {**edits, "Tiling": "True"}.items() <= made.other.items()
    assert not {"Mask blur", "Hires upscale", "Tiling"} & MADE.other.keys()
