"""What people copy, as it comes: from Midjourney, Civitai, other programs, and other keyboards."""

import json
from dataclasses import replace

import pytest

from bot.options.arguments import all_said
from bot.options.image_options import ImageOptions
from generation.catalog import EMBEDDED, Catalog

CATALOG = Catalog({EMBEDDED.name: EMBEDDED}, EMBEDDED.name)
WIDE, TALL, LANDSCAPE, PORTRAIT, SQUARE = "wide", "tall", "landscape", "portrait", "square"


def said(text: str) -> list[ImageOptions]:
    return list(all_said(ImageOptions(prompt=text), CATALOG))


@pytest.mark.parametrize(
    ("source", "text", "options", "left_out"),
    [
        (
            "Midjourney, pictures in front",
            "https://cdn.x.com/1.png?ex=6&is=7 https://s.mj.run/abc a fox --iw 2 --ar 16:9",
            {"aspect": WIDE},
            ["--iw 2", "https://cdn.x.com/1.png?ex=6&is=7", "https://s.mj.run/abc"],
        ),
        (
            "Midjourney, codes of styles",
            "a fox --sref 3142719847 --sw 200 --profile abc12de --s 500",
            {},
            ["--sref 3142719847", "--sw 200", "--profile abc12de", "--s 500"],
        ),
        (
            "Midjourney, weighed codes",
            "a fox --sref 12::2 34::1 --v 7 --draft",
            {},
            ["--sref 12::2 34::1", "--v 7", "--draft"],
        ),
        (
            "Midjourney, random styles",
            "a fox --sref random --c 10 --ar 3:2",
            {"aspect": LANDSCAPE},
            ["--sref random", "--c 10"],
        ),
        (
            "Midjourney 7",
            "a fox --oref https://a.b/x.png --ow 400 --exp 25 --p m712 --ar 9:16",
            {"aspect": TALL},
            ["--oref https://a.b/x.png", "--ow 400", "--exp 25", "--p m712"],
        ),
        (
            "Midjourney, references",
            "a fox --p --sref https://a.b/1 https://a.b/2 --cref https://c.d/e --cw 50",
            {},
            ["--p", "--sref https://a.b/1 https://a.b/2", "--cref https://c.d/e", "--cw 50"],
        ),
        (
            "Midjourney, films",
            "a fox --motion high --video 1 --end loop --loop --bs 1",
            {},
            ["--motion high", "--video 1", "--end loop", "--loop", "--bs 1"],
        ),
        (
            "Midjourney, a bot's message",
            "**a fox --ar 3:2 --v 6.0** - @user (fast)",
            {"aspect": LANDSCAPE},
            ["- @user (fast)", "--v 6.0"],
        ),
        (
            "Midjourney, an upscale's message",
            "a fox --seed 12 --v 5.2 - Upscaled (Subtle) by <@123> (fast, stealth)",
            {"seed": 12},
            ["- Upscaled (Subtle) by <@123> (fast, stealth)", "--v 5.2"],
        ),
        (
            "Midjourney, a phone",
            "a fox —ar 16:9 —v 6 —s 250 —no hats",
            {"aspect": WIDE, "negative_prompt": "hats"},
            ["--v 6", "--s 250"],
        ),
        ("Midjourney, fractions", "a fox --ar 1.5:1", {"aspect": LANDSCAPE}, []),
        ("Midjourney, pixels", "a fox --ar 1920x1080", {"aspect": WIDE}, []),
        (
            "Midjourney, pictures between",
            "a fox, https://a.b/c.png, (https://d.e/f.jpg:1.2)",
            {},
            ["https://a.b/c.png", "https://d.e/f.jpg:1.2"],
        ),
        ("a block of code", "```\na fox\n--ar 3:2\n```", {"aspect": LANDSCAPE}, []),
        ("code", "`a fox --seed 5`", {"seed": 5}, []),
        ("a label", "Prompt: a fox", {}, []),
        (
            "A1111, ADetailer and ControlNet",
            "a fox\nNegative prompt: blurry\nSteps: 30, Sampler: Euler a, CFG scale: 5.5, Seed: 1, "
            'Size: 832x1216, ADetailer prompt: "a face, \\"happy\\"", '
            "ADetailer negative prompt: sad, "
            ""
            'ControlNet 0: "Module: canny, Weight: 1", RP Ratios: "1,1", Version: f2.0.1',
            {
                "negative_prompt": "blurry",
                "steps": 30,
                "sampler": "Euler a",
                "guidance_scale": 5.5,
                "seed": 1,
                "aspect": PORTRAIT,
            },
            [
                'ADetailer prompt a face, "happy"',
                "ADetailer negative prompt sad",
                "ControlNet 0 Module: canny, Weight: 1",
                "RP Ratios 1,1",
            ],
        ),
        (
            "A1111, hires and a seed of any kind",
            "a fox\nSteps: 9, Sampler: DPM++ SDE Karras, Seed: -1, Hires upscale: 2,"
            " Denoising strength: 0.4",
            {"steps": 9, "hires": 2.0},
            ["sampler DPM++ SDE Karras", "strength 0.4"],
        ),
        (
            "A1111, tiles",
            "a fox\nSteps: 9, Sampler: Euler, Seed: 3, Hires upscale: 5, Tiling: True",
            {"steps": 9, "sampler": "Euler", "seed": 3, "tile": True},
            ["hires 5"],
        ),
        (
            "Forge, Flux",
            "a fox\nSteps: 20, Sampler: Euler, CFG scale: 1, Seed: 3, Distilled CFG Scale: 3.5",
            {"steps": 20, "sampler": "Euler", "guidance_scale": 1.0, "seed": 3},
            ["Distilled CFG Scale 3.5"],
        ),
        (
            "two settings",
            "a fox\n\nNegative prompt: blurry\n\nSteps: 20, Seed: 3",
            {"negative_prompt": "blurry", "steps": 20, "seed": 3},
            [],
        ),
        (
            "a setting a line",
            "Prompt: a fox\nNegative prompt: blurry\nSteps: 20\nSampler: Euler a\nSeed: 5",
            {"negative_prompt": "blurry", "steps": 20, "sampler": "Euler a", "seed": 5},
            [],
        ),
        (
            "Civitai's page",
            "Prompt\na fox\nNegative prompt\nblurry\ncfgScale: 7\nsteps: 25\nseed: 12\nclipSkip: 2",
            {"negative_prompt": "blurry", "guidance_scale": 7.0, "steps": 25, "seed": 12},
            ["Clip skip 2"],
        ),
        (
            "small letters",
            "positive prompt: a fox\nnegative prompt: blurry",
            {"negative_prompt": "blurry"},
            [],
        ),
        ("a short label", "a fox\nnegative: blurry", {"negative_prompt": "blurry"}, []),
        (
            "settings and what was typed",
            "a fox\nSteps: 20\nSeed: 5 --n 2",
            {"steps": 20, "seed": 5, "count": 2},
            [],
        ),
        ("regional prompter", "a fox ADDCOMM ADDCOL", {}, ["ADDCOMM", "ADDCOL"]),
        ("sd-dynamic-prompts, variables", "${season=summer}, a fox", {}, ["${season=summer}"]),
        (
            "SwarmUI",
            "a fox, <segment:face,0.5> <object:0.1,0.1,0.5,0.5> <setvar[x]:y> <var:x> <base>",
            {},
            [
                "<segment:face,0.5>",
                "<object:0.1,0.1,0.5,0.5>",
                "<setvar[x]:y>",
                "<var:x>",
                "<base>",
            ],
        ),
        (
            "Chinese labels",
            "正向提示词：a fox\n反向提示词：模糊\nSteps: 20\nSeed: 5",
            {"negative_prompt": "模糊", "steps": 20, "seed": 5},
            [],
        ),
        (
            "Chinese labels on one line",
            "正面提示：a fox 负面提示：模糊，文字",
            {"negative_prompt": "模糊，文字"},
            [],
        ),
        (
            "Japanese labels",
            "プロンプト：a fox\nネガティブプロンプト：文字",
            {"negative_prompt": "文字"},
            [],
        ),
        (
            "Japanese vowels for dashes",
            "a fox ーーar 16:9 ーーno 文字",
            {"aspect": WIDE, "negative_prompt": "文字"},
            [],
        ),
        ("wide values", "a fox --ar 16：9 --seed １２３４５", {"aspect": WIDE, "seed": 12345}, []),
        (
            "Arabic",
            "a fox --ar ٣:٢ --seed ١٢٣ --no \u200fنص",
            {"aspect": LANDSCAPE, "seed": 123, "negative_prompt": "نص"},
            [],
        ),
        ("Chinese full stop", "a fox --ar 3:2。", {"aspect": LANDSCAPE}, []),
        ("German quotes", "a fox --no „Text, Logo“", {"negative_prompt": "Text, Logo"}, []),
        ("French quotes", "a fox --no « texte »", {"negative_prompt": "texte"}, []),
        (
            "other separators",
            "a fox --steps=30 --cfg:7,5 --seed：9",
            {"steps": 30, "guidance_scale": 7.5, "seed": 9},
            [],
        ),
    ],
)
def test_it_is_read_as_meant(
    source: str, text: str, options: dict[str, object], left_out: list[str]
):
    (job,) = said(text)
    assert job == ImageOptions(options, prompt="a fox"), source
    assert list(job.left_out) == left_out, source


@pytest.mark.parametrize(
    ("source", "text", "prompt"),
    [
        ("SwarmUI, turns", "<alternate:a fox,a cat>", "[a fox|a cat]"),
        ("SwarmUI, one after another", "<fromto[0.5]:a fox|a cat>", "[a fox:a cat:0.5]"),
        ("wide brackets", "狐，（杰作：1.2），（雪:1.3）", "狐，(杰作:1.2)，(雪:1.3)"),
        ("a decimal comma", "(ein Fuchs:1,2)", "(ein Fuchs:1.2)"),
        ("wide ratios", "（16：9）の狐、（12：30）", "（16：9）の狐、（12：30）"),
        ("wide brackets alone", "狐【赤】《雪》（動物）", "狐【赤】《雪》（動物）"),
        ("Pony", "score_9, score_8_up, source_anime", "score_9, score_8_up, source_anime"),
        ("sections", "a fox BREAK a hat", "a fox BREAK a hat"),
        ("SwarmUI, sections", "a fox<break>a hat", "a fox BREAK a hat"),
        ("Danbooru", r"ganyu \(genshin impact\)", r"ganyu \(genshin impact\)"),
        ("dashes of German", "ein Fuchs — im Schnee – nachts", "ein Fuchs — im Schnee – nachts"),
        ("dashes alone", "foxes -- in the snow --", "foxes -- in the snow --"),
        ("one dash before words", "rock -n roll e-mail -seed catalogue",
         "rock -n roll e-mail -seed catalogue"),
        ("Discord's markup", "**bold** fox || spoiler || <:fox:1234> <@1>",
         "**bold** fox || spoiler || <:fox:1234> <@1>"),
        ("an aside", "a car - image by someone (fast)", "a car - image by someone (fast)"),
        ("words with colons", "Q: what? A: fox, seed: oak", "Q: what? A: fox, seed: oak"),
        ("lines with colons", "A recipe\nModel: a woman\nSize: small",
         "A recipe\nModel: a woman\nSize: small"),
        ("words about prompts", "negative space, prompt art", "negative space, prompt art"),
        ("NovelAI 4, weights", "1.2::fox::, 0.8::snow::", "(fox:1.2), (snow:0.8)"),
        ("three composed", "a fox AND a cat AND a dog", "a fox, a cat, a dog"),
    ],
)  # fmt: skip
def test_words_are_kept(source: str, text: str, prompt: str):
    (job,) = said(text)
    assert job.prompt == prompt, source
    assert not job.negative_prompt


@pytest.mark.parametrize(
    ("text", "prompts"),
    [
        ("<random:red|blue> fox", ["red fox", "blue fox"]),
        ("a {red, blue} bird in {snow, fog}",
         ["a red bird in snow", "a red bird in fog", "a blue bird in snow", "a blue bird in fog"]),
        ("{0.7::red|0.3::blue} fox", ["red fox", "blue fox"]),
        ("fox --ar {1:1, 2:3}", ["fox", "fox"]),
    ],
)  # fmt: skip
def test_several_are_several(text: str, prompts: list[str]):
    assert [job.prompt for job in said(text)] == prompts


CORE = {"steps": 25, "seed": 5}
OURS = {"negative_prompt": "blur", "steps": 25, "seed": 5}


@pytest.mark.parametrize(
    ("program", "table", "prompt", "left_out"),
    [
        ("Fooocus", {"Prompt": "a fox", "Negative Prompt": "blur", "Steps": 25, "Seed": "5",
                     "Performance": "Speed", "Base Model": "x", "Version": "Fooocus v2.5.5"},
         "a fox", ["model x", "Performance Speed"]),
        ("SwarmUI", {
             "sui_image_params": CORE | {"prompt": "a fox <lora:x:1>", "negativeprompt": "blur"}},
         "a fox", ["<lora:x:1>"]),
        ("Easy Diffusion", {"numOutputsTotal": 1, "reqBody": CORE | {
            "prompt": "a fox", "negative_prompt": "blur", "use_stable_diffusion_model": "sd"}},
         "a fox", ["model sd"]),
        ("NovelAI", CORE | {"prompt": "{a, b} (c)", "uc": "blur", "cfg_rescale": 0},
         r"(a, b:1.05) \(c\)", []),
        ("InvokeAI", CORE | {"app_version": "5.6", "positive_prompt": "a (red fox)1.3, snow++",
                             "negative_prompt": "blur", "rand_device": "cpu"},
         "a (red fox:1.3), (snow:1.21)", []),
        ("Draw Things", CORE | {"c": "a fox", "uc": "blur", "v2": {}}, "a fox", []),
        ("ComfyUI", {"3": {"class_type": "KSampler", "inputs": CORE | {
            "cfg": 7.5, "positive": ["6", 0], "negative": ["7", 0]}},
            "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a fox"}},
            "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "blur"}}},
         "a fox", []),
        ("nobody", {"prompt": "a {fox}", "negative": "blur", **CORE}, "a (fox:1.05)", []),
    ],
)  # fmt: skip
def test_json_in_place_of_a_prompt_is_read(
    program: str, table: dict[str, object], prompt: str, left_out: list[str]
):
    for indent in (None, 2):
        (job,) = said(json.dumps(table, indent=indent))
        assert job.prompt == prompt, program
        assert {field: job.get(field) for field in OURS} == OURS
        assert list(job.left_out) == left_out


def test_json_that_says_only_a_prompt_is_one():
    (job,) = said('{"prompt": "a fox"}')
    assert job == ImageOptions(prompt="a fox")


def test_a_second_pass_that_is_too_large_here_is_left_out():
    large = Catalog({"Large": replace(EMBEDDED, name="Large", size=1024)}, "Large")
    text = "a fox\nSteps: 9, Sampler: Euler, Seed: 3, Hires upscale: {}"
    (fits,) = all_said(ImageOptions(prompt=text.format(2)), large)
    (larger,) = all_said(ImageOptions(prompt=text.format(3)), large)
    assert (fits["hires"], fits.left_out) == (2.0, ())
    assert ("hires" in larger, larger.left_out) == (False, ("hires 3",))


def test_a_prompt_in_json_that_is_nobody_s_data_is_one_prompt():
    text = '{"scene": "a fox, snow", "camera": {"lens": "85mm", "angle": "low"}}'
    (one,) = said(text)
    assert one.prompt == text
    (wide,) = said(f"{text} --ar 16:9")
    assert (wide.prompt, wide.get("aspect")) == (text, WIDE)


@pytest.mark.parametrize("text", ["--ar 16:9 --seed 5", "—ar 16:9 ——seed 5"])
def test_parameters_after_what_is_kept_out_are_read(text: str):
    (one,) = said(f"a fox\nNegative prompt: blurry - text {text}")
    assert (one.prompt, one.negative_prompt) == ("a fox", "blurry - text")
    assert (one.get("aspect"), one.get("seed")) == (WIDE, 5)
