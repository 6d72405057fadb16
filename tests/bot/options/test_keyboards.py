"""Dashes, spaces, digits and quotes as keyboards and phones write them, and what is a word."""

import pytest

from bot.options.arguments import parse
from bot.options.errors import UnknownParameter
from bot.options.image_options import ImageOptions
from generation.errors import InvalidRequest
from generation.request import SEED, Aspect

WIDE, THREE_TWO = Aspect.WIDE, Aspect.LANDSCAPE


@pytest.mark.parametrize(
    ("text", "said"),
    [
        # Chinese keyboards, iOS, word processors: dashes
        ("a fox ——ar 3:2 ——seed 7", {"aspect": THREE_TWO, "seed": 7}),
        ("a fox —ar 3:2 –seed 7", {"aspect": THREE_TWO, "seed": 7}),
        ("a fox −−seed 7 ‐‐n 2", {"seed": 7, "count": 2}),
        ("a fox －－seed 7", {"seed": 7}),
        ("a fox ⸺seed 7", {"seed": 7}),
        ("a fox —-seed 7", {"seed": 7}),
        ("a fox -- ar 3:2", {"aspect": THREE_TWO}),
        ("a fox -seed 7", {"seed": 7}),
        ("a fox ---seed 7", {"seed": 7}),
        ("a fox,--ar 3:2", {"aspect": THREE_TWO}),
        ("a fox —no text, blur", {"negative_prompt": "text, blur"}),
        ("a fox —sampler euler a", {"sampler": "Euler a"}),
        # invisible: copied from web pages, bidirectional keyboards
        ("\ufeffa fox \u200b--seed 7", {"seed": 7}),
        ("a fox --seed\u200b 7\u200b", {"seed": 7}),
        ("a fox --seed 7\ufeff --n 2", {"seed": 7, "count": 2}),
        ("a fox \u200f--seed\u200f 7\u200e", {"seed": 7}),
        ("a fox \u2066--seed 7\u2069", {"seed": 7}),
        # no-break and ideographic spaces
        ("a fox\u00a0--seed\u00a07", {"seed": 7}),
        ("a fox\u3000--seed\u30007", {"seed": 7}),
        ("a fox\u202f--seed 7", {"seed": 7}),
        # full-width and other digits and signs
        ("a fox --ar ３：２ --seed ７", {"aspect": THREE_TWO, "seed": 7}),
        ("a fox --cfg ７．５", {"guidance_scale": 7.5}),
        ("a fox --ar 3∶2", {"aspect": THREE_TWO}),
        ("a fox --seed ٣ --cfg ٧٫٥", {"seed": 3, "guidance_scale": 7.5}),
        ("a fox --cfg .5e", None),
        # signs of equality and phones' full stop
        ("a fox --seed=7 --ar:16:9", {"seed": 7, "aspect": WIDE}),
        ("a fox --seed = 7 --ar：16：9", {"seed": 7, "aspect": WIDE}),
        ("a fox --ar 16:9.", {"aspect": WIDE}),
        ("a fox --seed 7;", {"seed": 7}),
        # quotation marks by language
        *(
            (f"a fox --style {opening}line art{closing}", {"style": "line art"})
            for opening, closing in (
                '""', "“”", "„“", "””", "«»", "»«", "「」", "『』", "《》", "‹›", "‘’", "‚‘", "''",
                "＂＂", "„”", "“\"",
            )
        ),
    ],
)  # fmt: skip
def test_it_is_read_as_it_is_meant(text: str, said: dict[str, object] | None):
    if said is None:
        with pytest.raises(InvalidRequest):
            parse(text)
        return
    options, _ = parse(text)
    prompt = options.prompt
    assert options.but(prompt=None) == ImageOptions(said)
    assert prompt.rstrip(",") == "a fox"
    assert options.left_out == ()


@pytest.mark.parametrize(
    "text",
    [
        "dice —No quiero ir— y sonríe",  # Spanish dialogue
        "dice —no quiero ir— y sonríe",
        "—¿Seed? —dijo",
        "«Oui» —dit-il",
        "un renard – seed perdu",
        "a fox —stpes 20",  # what is near a name is not guessed from one dash
        "a staircase — steps of stone",
        "a staircase - steps of stone",
        "他说 ——在雪中",  # a Chinese dash
        "a fox — n",
        "—raw power",
        "well-known, a man-seed 7",
        "fox—seed 7",
        "a -style",
    ],
)
def test_punctuation_keeps_its_words(text: str):
    assert parse(text) == (ImageOptions(prompt=text), 1)


@pytest.mark.parametrize("text", ["一只狐狸--ar 3:2", "一只狐狸，——ar 3:2", "キツネ－－ar 3:2"])
def test_scripts_without_spaces_need_none(text: str):
    options, _ = parse(text)
    assert options["aspect"] is THREE_TWO
    assert "ar" not in options.prompt


@pytest.mark.parametrize("value", ["-1", "random", "Random", "−1", "－１", "rand"])
def test_any_seed_is_a_new_one(value: str):
    seeds = {parse(f"a --seed {value}")[0]["seed"] for _ in range(3)}
    assert len(seeds) > 1
    assert all(SEED[0] <= seed <= SEED[1] for seed in seeds)


@pytest.mark.parametrize("text", ["\u200b", "\ufeff\u200f \u2060", "\u3164", "\u2800 \u00ad"])
def test_what_cannot_be_seen_is_no_prompt(text: str):
    assert parse(text) == (ImageOptions(), 1)


def test_emoji_and_persian_keep_their_joiners():
    for text in ("👩‍🚀 fox", "می‌خواهم"):
        assert parse(text)[0].prompt == text


def test_lone_surrogates_are_replaced():
    assert parse("a \ud83d fox")[0].prompt == "a \ufffd fox"
    assert ImageOptions(negative_prompt="x\udc00").negative_prompt == "x\ufffd"


def test_a_hyphen_pair_before_a_near_name_is_still_asked_about():
    for text in ("a --sede 7", "a ——sede 7"):
        with pytest.raises(UnknownParameter, match="did you mean `--seed`"):
            parse(text)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a --seed abc", "as in `--seed 7`; you wrote `--seed abc`"),
        ("a --ar 21:9", "as in `--ar 3:2`; you wrote `--ar 21:9`"),
        ("a —ar 21:9", "you wrote `--ar 21:9`"),
        ("a --n", "followed by its value, as in `--n 4`"),
    ],
)
def test_a_refusal_quotes_the_piece_and_how_to_write_it(text: str, line: str):
    with pytest.raises(InvalidRequest) as refused:
        parse(text)
    assert line in str(refused.value)
