"""Parameters that people type into prompts."""

import contextlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.options.arguments import REPEAT, parse, read
from bot.options.errors import PromptError, TooManyJobs, UnknownParameter
from bot.options.image_options import ImageOptions
from bot.options.permutations import MAX_JOBS, expand
from bot.options.registry import OPTIONS
from bot.options.resolve import request_of
from bot.options.typography import is_blank, tidy
from bot.options.values import nearest_aspect, pick
from bot.texts import all_of
from generation.catalog import EMBEDDED, Catalog
from generation.errors import InvalidRequest
from generation.request import SEED, Aspect, Sampler

CATALOG = Catalog({EMBEDDED.name: EMBEDDED}, EMBEDDED.name)


def test_every_parameter_is_read():
    assert parse(
        "a red fox --ar 3:2 --seed 7 --no text, blurry lines --steps 30 --cfg 6.5 --n 2"
        ' --sampler "euler a" --model Stable Diffusion v1.5 --style line art --repeat 3'
    ) == (
        ImageOptions(
            prompt="a red fox",
            negative_prompt="text, blurry lines",
            aspect=Aspect.LANDSCAPE,
            seed=7,
            steps=30,
            guidance_scale=6.5,
            sampler=Sampler.EULER_A,
            checkpoint="Stable Diffusion v1.5",
            style="line art",
            count=2,
        ),
        3,
    )


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("--seed 7 a fox", ImageOptions(prompt="a fox", seed=7)),
        ("a fox --AR 9:16, in snow", ImageOptions(prompt="a fox in snow", aspect=Aspect.TALL)),
        ("a fox --aspect wide", ImageOptions(prompt="a fox", aspect=Aspect.WIDE)),
        ("a fox —ar 1:1 –seed 3", ImageOptions(prompt="a fox", aspect=Aspect.SQUARE, seed=3)),
        ("a fox --guidance 7,5", ImageOptions(prompt="a fox", guidance_scale=7.5)),
        (
            "a fox --checkpoint “My model” at dawn",
            ImageOptions(prompt="a fox at dawn", checkpoint="My model"),
        ),
        ('a fox --no "red", blue', ImageOptions(prompt="a fox", negative_prompt='"red", blue')),
        ("a fox --no red --no blue", ImageOptions(prompt="a fox", negative_prompt="red, blue")),
        ("a fox --sampler plms", ImageOptions(prompt="a fox", sampler=Sampler.PNDM)),
        ("a fox --sampler uni", ImageOptions(prompt="a fox", sampler=Sampler.UNIPC)),
        ("a fox\n--count 4", ImageOptions(prompt="a fox", count=4)),
    ],
)
def test_ways_to_write_them(text: str, typed: ImageOptions):
    assert parse(text) == (typed, 1)


@pytest.mark.parametrize(
    "text",
    [
        "a fox",
        "a fox -- in snow",
        "well-known--or not",
        "a fox --5 degrees",
        "a fox — sitting — alone",
        "«Oui» —dit-il",
        "fox—seed 7",
        "(red:1.2) --",
        r"--\seed",
    ],
)
def test_other_hyphens_are_words(text: str):
    assert parse(text) == (ImageOptions(prompt=text), 1)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a --seed -2", "--seed must be a whole number, 0 to 4294967295"),
        ("a --seed x3", "as in `--seed 7`; you wrote `--seed x3`"),
        ("a --seed 4294967296", "--seed must be 0 to 4294967295"),
        ("a --seed", "--seed must be followed by its value"),
        ("a --no --seed 1", "--no must be followed by its value"),
        ('a --model ""', "--model must be followed by its value"),
        ("a --seed 1 --SEED 2", "--SEED must be given once"),
        ("a --cfg 5 --guidance 5", "--guidance must be given once"),
        ("a --steps 0", "--steps must be 1 to 100"),
        ("a --cfg high", "--cfg must be a number, 0 to 30"),
        ("a --cfg 31", "--cfg must be 0 to 30,"),
        ("a --n 5", "--n must be 1 to 4"),
        ("a --repeat 9", "--repeat must be 1 to 8"),
        ("a --sampler fast", "--sampler must be one of DDIM, Euler,"),
        ("a --ar 21:9", "--ar must be near one of 1:1, 2:3, 3:2, 16:9 or 9:16"),
        ("a --ar 0:1", "--ar must be near one of"),
        ("a --ar big", "--ar must be near one of"),
    ],
)
def test_what_is_out_of_bounds_is_named(text: str, line: str):
    with pytest.raises(InvalidRequest) as refused:
        parse(text)
    assert line in str(refused.value)


def test_every_unknown_parameter_is_named():
    # --raw is Midjourney's, and is left out; a single dash stands before ordinary words.
    with pytest.raises(UnknownParameter) as refused:
        parse("a fox --sede 7 --hue --stpes 20 --raw —stpes 20 --ar 1:1")
    typed = (option.names[0] for option in (*OPTIONS.values(), REPEAT) if option.names)
    assert str(refused.value) == (
        "I do not know `--sede` (did you mean `--seed`?), `--hue` or `--stpes` (did you mean"
        f" `--steps`?). I know {all_of(f'`--{name}`' for name in typed)}."
    )


@pytest.mark.parametrize(
    ("text", "prompt", "said"),
    [
        ("leaves --tile", "leaves", {"tile": True}),
        ("leaves --tile in autumn --n 2", "leaves in autumn", {"tile": True, "count": 2}),
        ("leaves --tile --hires 1.5", "leaves", {"tile": True, "hires": 1.5}),
        ("leaves --tile no", "leaves", {"tile": False}),
        ("leaves -tile", "leaves", {"tile": True}),
        ("a roof -tile pattern", "a roof -tile pattern", {}),
        ("a fox --hires 2", "a fox", {"hires": 2.0}),
    ],
)
def test_a_name_alone_says_yes(text: str, prompt: str, said: dict):
    options, _ = parse(text)
    assert dict(options) == {"prompt": prompt, **said}


def test_hires_is_bounded():
    with pytest.raises(InvalidRequest, match="--hires must be 1 to 4"):
        parse("a fox --hires 5")


def test_a_heap_of_unknown_ones_fits_a_message():
    with pytest.raises(UnknownParameter, match=r" or 240 more\. I know") as refused:
        parse(" ".join(f"--steeds{'abcdefghij' * 2}{n}" for n in range(250)))
    assert len(str(refused.value)) < 1500


@pytest.mark.parametrize(
    ("ratio", "aspect"),
    [
        ("1:1", Aspect.SQUARE),
        ("4:3", Aspect.LANDSCAPE),
        ("4x5", Aspect.PORTRAIT),
        ("5/4", Aspect.LANDSCAPE),
        ("1920×1080", Aspect.WIDE),
        ("2:1", Aspect.WIDE),
        ("9:19", Aspect.TALL),
    ],
)
def test_a_ratio_near_a_shape_is_that_shape(ratio: str, aspect: Aspect):
    assert nearest_aspect("--ar", ratio) == aspect


@given(st.integers(1, 1000))
def test_between_the_shapes_no_ratio_is_refused(width: int):
    if 9 / 16 <= width / 500 <= 16 / 9:
        nearest_aspect("--ar", f"{width}:500")


def test_what_was_typed_wins_over_the_options():
    said = ImageOptions(prompt="x --seed 1", negative_prompt="text", seed=9, steps=10, count=2)
    (job,) = read("x --seed 1 --no blur --ar 2:3", said)
    assert job == ImageOptions(
        prompt="x",
        negative_prompt="text, blur",
        aspect=Aspect.PORTRAIT,
        seed=1,
        steps=10,
        count=2,
    )
    request = request_of(CATALOG, job)
    assert (request.seed, request.num_inference_steps, request.num_images) == (1, 10, 2)


WORDS = st.text(st.characters(categories=["L", "N", "Zs", "Pf", "S"], exclude_characters="<>|"))


@given(WORDS)
def test_words_alone_are_left_alone(text: str):
    (job,) = read(text, ImageOptions(prompt=text, seed=3))
    assert job == ImageOptions(prompt="" if is_blank(text) else tidy(text).strip(), seed=3)


def test_repeats_go_on_with_the_seeds():
    first, second = read("a fox --seed 5 --repeat 2 --n 3", ImageOptions())
    assert (first["seed"], second["seed"]) == (5, 8)
    first, second = read("a fox --repeat 2", ImageOptions())
    assert first.get("seed") is second.get("seed") is None
    _, second = read("a fox --repeat 2", ImageOptions(seed=1, count=4))
    assert second["seed"] == 5


def test_braces_and_repeats_multiply():
    jobs = read("{red, blue} fox --ar {1:1, 2:3} --seed 0 --repeat 2", ImageOptions())
    assert [(one.prompt, str(one["aspect"]), one["seed"]) for one in jobs] == [
        (f"{colour} fox", aspect, seed)
        for colour in ("red", "blue")
        for aspect in ("square", "portrait")
        for seed in (0, 4)
    ]
    with pytest.raises(TooManyJobs):
        read("{a, b, c} --repeat 3", ImageOptions())
    assert len(read("{a --repeat 4, b --repeat 3, c}", ImageOptions())) == MAX_JOBS


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("emoji", "Emoji"),
        ("EMOJI 2", "Emoji 2"),
        ("real", "Realistic"),
        ("emo", "emo"),
        ("tin", "tin"),
        ("TIN", "Tin"),
        ("tIN", "Tin"),
        ("other", "other"),
    ],
)
def test_names_are_picked_whatever_their_case(typed: str, name: str):
    names = ("Emoji", "Emoji 2", "Realistic", "Tin", "tin")
    assert pick(typed, names) == name


PIECES = (
    "--ar", "3:2", "--seed", "7", "--no", "--steps", "--cfg", "--model", "--style", "--repeat",
    "2", "--n", "--sampler", "euler a", "—ar", "–seed", "--sede", '"', "“", "”", "{a, b}", "{", "}",
    ",", "--", "a fox", "\n", "\\",
)  # fmt: skip


@settings(max_examples=200)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=12).map(" ".join))
@example("--")
def test_any_text_is_read_or_refused(text: str):
    with contextlib.suppress(InvalidRequest, PromptError):
        jobs = read(text, ImageOptions())
        assert 1 <= len(jobs) <= MAX_JOBS
        assert all(SEED[0] <= parse(prompt)[0].get("seed", 0) <= SEED[1] for prompt in expand(text))
