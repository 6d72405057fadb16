"""What other programs' prompts are read as, whatever is typed; each case names its program."""

import contextlib
import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.options.arguments import all_said, parse, read
from bot.options.errors import PromptError
from bot.options.image_options import ImageOptions
from bot.options.other_programs.dialects import words
from generation.catalog import EMBEDDED, Catalog
from generation.catalog.adapters import Adapter
from generation.errors import InvalidRequest
from generation.prompts.adapters import AdapterUse
from generation.prompts.weights import parse as weights
from generation.request import Aspect

CATALOG = Catalog({EMBEDDED.name: EMBEDDED}, EMBEDDED.name)
WITH_LORAS = Catalog(
    CATALOG.checkpoints,
    CATALOG.default,
    adapters={name: Adapter(name=name, path=Path(name), family="sd1") for name in ("x", "ink")},
)


def prompts(text: str) -> list[str]:
    return [one.prompt for one in read(text, ImageOptions())]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # NovelAI
        ("{{masterpiece, best quality}}, a fox", ["(masterpiece, best quality:1.1025), a fox"]),
        ("{masterpiece}, a fox", ["(masterpiece:1.05), a fox"]),
        ("{{{x}}}", ["(x:1.1576)"]),
        ("{{x}}, [[y]]", ["(x:1.1025), ((y:0.9524):0.9524)"]),
        ("1.5::rain, night::, a fox", ["(rain, night:1.5), a fox"]),
        ("1girl, 1.2::artist:foo ::, rain", ["1girl, (artist:foo:1.2), rain"]),
        ("{{a}}, {red, blue} b", ["(a:1.1025), red b", "(a:1.1025), blue b"]),
        ("{x {{a, b}}, y}", ["x (a, b:1.1025)", "y"]),
        # sd-dynamic-prompts
        ("{red|blue} fox", ["red fox", "blue fox"]),
        ("{red, dark|blue} fox", ["red, dark fox", "blue fox"]),
        ("{0.5::red|2::blue} fox", ["red fox", "blue fox"]),
        ("{a|b} {c|d}", ["a c", "a d", "b c", "b d"]),
        ("{{red|blue}} fox", ["red fox", "blue fox"]),
        ("{a|} fox", ["a fox", "fox"]),
        # Midjourney
        ("hot:: dog::2", ["hot, (dog:2)"]),
        ("hot::2 dog", ["(hot:2), dog"]),
        ("space::100 ship::50", ["(space:2), ship"]),
        ("/imagine prompt: a fox", ["a fox"]),
        ("/imagine a fox", ["a fox"]),
        ("imagine prompt: a fox", ["a fox"]),
        ("{red, blue} fox", ["red fox", "blue fox"]),
        # A1111: the engine draws them
        ("[cat:dog:0.5] in snow", ["[cat:dog:0.5] in snow"]),
        ("[cat|dog] in snow", ["[cat|dog] in snow"]),
        ("[dog:0.5], [:cat:10]", ["[dog:0.5], [:cat:10]"]),
        ("[(cat:1.2):[dog|fox]:0.5]", ["[(cat:1.2):[dog|fox]:0.5]"]),
        # words
        ("std::cout", ["std::cout"]),
        ("imagine a fox", ["imagine a fox"]),
        ("BLACK AND WHITE photo", ["BLACK AND WHITE photo"]),
        ("[12:30] [fox]", ["[12:30] [fox]"]),
        (r"\[a|b\]", [r"\[a|b\]"]),
        ("<a:dance:123456> <:fox:123>", ["<a:dance:123456> <:fox:123>"]),
    ],
)
def test_it_is_put_into_our_way_of_writing(text: str, expected: list[str]):
    jobs = read(text, ImageOptions())
    assert [one.prompt for one in jobs] == expected
    assert {one.left_out for one in jobs} == {()}


@pytest.mark.parametrize(
    ("text", "prompt", "left_out"),
    [
        # A1111
        ("<locon:a:1>, a <lora:>, c", "a, c", ["<locon:a:1>", "<lora:>"]),
        ("a fox, (<hypernet:x:1>:1.2)", "a fox", ["<hypernet:x:1>"]),
        ("a cat AND a dog", "a cat, a dog", ["AND"]),
        ("a cat :1.2 AND a dog :0.5", "(a cat:1.2), (a dog:0.5)", ["AND"]),
        # ComfyUI
        ("a fox, embedding:x", "a fox", ["embedding:x"]),
        ("a fox, (embedding:dir/x.pt:1.2), y", "a fox, y", ["embedding:dir/x.pt"]),
        # sd-dynamic-prompts
        ("a __animal__ fox", "a fox", ["__animal__"]),
        # Midjourney
        (
            "https://a.b/c.png <https://d.e/f.webp> a fox",
            "a fox",
            ["https://a.b/c.png", "<https://d.e/f.webp>"],
        ),
        (
            "a fox --v 6.1 --stylize 250 --chaos 10 --q .5 --weird 5 --niji --raw",
            "a fox",
            ["--v 6.1", "--stylize 250", "--chaos 10", "--q .5", "--weird 5", "--niji", "--raw"],
        ),
        ("--niji 6 a fox --raw in snow", "a fox in snow", ["--niji 6", "--raw"]),
        ("a fox --sref https://a.b/c 12 --sw 50", "a fox", ["--sref https://a.b/c 12", "--sw 50"]),
        ("a fox —v 6 —s 250", "a fox", ["--v 6", "--s 250"]),
        ("a fox, --v 6.1, --s 750, masterpiece.", "a fox, masterpiece.", ["--v 6.1", "--s 750"]),
        ("a fox --v 6.1.", "a fox", ["--v 6.1"]),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_named(text: str, prompt: str, left_out: list[str]):
    (job,) = all_said(ImageOptions(prompt=text), CATALOG)
    assert job.prompt == prompt
    assert list(job.left_out) == left_out


def test_choices_beyond_one_are_named():
    jobs = read("{2$$red|blue}", ImageOptions())
    assert [(one.prompt, one.left_out) for one in jobs] == [("red", ("2$$",)), ("blue", ("2$$",))]


def test_what_weighs_less_than_nothing_is_kept_out():
    (job,) = read("a fox:: text::-0.5 --no blur", ImageOptions())
    assert (job.prompt, job.negative_prompt) == ("a fox", "blur, text")


def test_negative_prompts_are_read_likewise():
    (job,) = read("a", ImageOptions(negative_prompt="embedding:bad, blur, <lora:x:1>"))
    assert (job.negative_prompt, job.left_out) == ("embedding:bad, blur", ())
    assert job["lora"] == (AdapterUse("x"),)


def test_midjourney_s_styles_are_left_out_where_no_style_is_called_so():
    (job,) = all_said(ImageOptions(prompt="a fox --style raw"), CATALOG)
    assert ("style" in job, job.left_out) == (False, ("--style raw",))


@pytest.mark.parametrize(
    "text", ["(16:9)", "(12:30)", "(John 3:16)", "(4:3)", "(ratio 1:1)", "(at 9:30)", "(16:9.5)"]
)
def test_times_ratios_and_verses_are_words(text: str):
    ((piece,),) = weights(text)
    assert piece.text == text[1:-1]


@pytest.mark.parametrize(
    ("text", "weight"), [("(fox:2)", 2), ("(in 1990:1.2)", 1.2), ("(8k:1.3)", 1.3), ("(a 1 :2)", 2)]
)
def test_weights_stay_weights(text: str, weight: float):
    ((piece,),) = weights(text)
    assert piece.weight == weight


def test_a_weight_out_of_bounds_is_quoted():
    with pytest.raises(InvalidRequest) as refused:
        weights("a (very long <@1>:12) fox")
    assert "“very long 1” weighs 12. Write `\\(` and `\\)`" in str(refused.value)


def test_a_brace_without_its_partner_is_quoted():
    with pytest.raises(InvalidRequest, match=r"look at `a fox \{red, blue`"):
        read("a fox {red, blue", ImageOptions())


DATA = (
    "a fox, <lora:ink:1>\nNegative prompt: blurry, (bad:1.2)\nSteps: 28, Sampler: Euler a,"
    " CFG scale: 6.5, Seed: 12345, Size: 512x768, Model: deliberate_v2, Clip skip: 2"
)


@pytest.mark.parametrize("text", [DATA, DATA.replace("\n", " "), DATA.replace("\n", "\r\n")])
@pytest.mark.parametrize("typed", ["", " --n 2", " ——n 2"])
def test_generation_data_is_read_as_the_web_ui_reads_it(text: str, typed: str):
    (job,) = all_said(ImageOptions(prompt=text + typed, seed=1), CATALOG)
    expected = ImageOptions(
        prompt="a fox",
        negative_prompt="blurry, (bad:1.2)",
        steps=28,
        sampler="Euler a",
        guidance_scale=6.5,
        seed=12345,
        aspect=Aspect.PORTRAIT,
    )
    assert job == (expected.but(count=2) if typed else expected)
    assert job.left_out == ("model deliberate_v2", "Clip skip 2", "<lora:ink:1>")


def test_a_negative_prompt_alone_is_one():
    (job,) = all_said(ImageOptions(prompt="a fox Negative prompt: blur"), CATALOG)
    assert job == ImageOptions(prompt="a fox", negative_prompt="blur")


def test_words_about_steps_are_words():
    text = "five steps: one, two, three"
    (job,) = all_said(ImageOptions(prompt=text), CATALOG)
    assert job == ImageOptions(prompt=text)


PIECES = (
    "--ar 3:2", "--seed -1", "--v 6", "--tile", "--no", "——seed 7", "—No", "-n 2", "<lora:x:1>",
    "embedding:y", "[cat:dog:0.5]", "[a|b]", "AND", "{{x}}", "[[y]]", "{a|b}", "{", "}", "[", "]",
    "(", ")", ":", "::", "::2", "1.5::z::", "|", "/imagine prompt:", "https://a.b/c.png", ",",
    "Negative prompt:", "Steps: 20, Sampler: Euler, Seed: 3", "a fox", "\u200b", "\\", "\ud800",
    "2$$", "$$", "__w__", "${v=a}", "<random:a|b>", "<fromto[.5]:a,b>", "<break>", "（a：1.2）",
    "[a：b：3]", "- @me (fast)", "**", "```", "negative:", "Prompt:", "Steps: 3\nSeed: 4",
    "ーーar 3:2", '{"prompt": "a"}', "ADDCOL", "(16:9)", "(a:9)", "“", "«", "\n",
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=6), max_size=12).map(" ".join)


@settings(max_examples=300, deadline=None)
@given(TEXTS | TEXTS.map(lambda text: text.replace(" ", "")))
@example("{" * 3000 + "a" + "}" * 3000)
@example("[" * 3000 + "a" + "]" * 3000)
@example("{a" * 1500 + "}" * 1500)
def test_whatever_is_brought_is_read_or_refused(text: str):
    with contextlib.suppress(InvalidRequest, PromptError):
        for job in all_said(ImageOptions(prompt=text), WITH_LORAS):
            assert "<lora:x:1>" not in job.prompt
            assert "<lora:x:1>" not in job.left_out


LETTERS = re.compile(r"[^\W\d_]+")
TAKEN = st.sampled_from(
    (
        "<lora:ink:1>", "embedding:neg", "[cat:dog:0.5]", "[owl|elk]", "--v 6", "--tile",
        "{{soft}}",
        "hot:: ", "dog::2 ", "ice::-1 ", "AND", "--no mud", "--sampler euler", "—No quiero",
        "<random:sun|moon>", "<alternate:day,dusk>", "<fromto[.5]:in,out>", "<object:1,2>",
        "${hue=red}", "（深：1.2）", "（16：9）", "[赤：青：3]", "ADDCOL", "ーーno smog",
        "https://x.yz/q.png", "1.2::sea::", "__wild__", "(lit:1.3)", "[dim]", "(16:9)", "a fox",
        "(", "[", ":", "|", "]", ")",
    )
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(TAKEN, min_size=1, max_size=8).map(" ".join))
def test_no_letter_that_is_typed_is_lost(text: str):
    try:
        jobs = all_said(ImageOptions(prompt=text), WITH_LORAS)
    except (InvalidRequest, PromptError):
        return
    text = re.sub(r"<(random|alternate|fromto)|ーー", "", text)  # are put into our way of writing
    said = " ".join(f"{one!r} {' '.join(one.left_out)} no sampler" for one in jobs).casefold()
    for word in LETTERS.findall(text):
        assert word.casefold() in said


@given(st.text())
def test_reading_again_changes_nothing_more(text: str):
    once = words(text)
    if not once.left_out and once.words == text.strip():
        assert words(once.words).words == once.words


def test_many_of_them_are_read_in_time():
    for heap in (
        "<lora:a" * 900,
        "[a:" * 900,
        "a::2 " * 900,
        "__a" * 900,
        "AND " * 900,
        "{a|" * 900,
    ):
        with contextlib.suppress(InvalidRequest, PromptError):
            parse(heap)
            read(heap, ImageOptions())
