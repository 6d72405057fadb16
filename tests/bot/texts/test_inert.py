"""What people wrote, in a place with markdown and in one without."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.texts.inert import NOTHING, code, cut, inert, inert_lines, plain, units
from tests.bot.markdown import BLOCKS, read

MARKED = {
    "a masked link": "[a](https://a.b)",
    "several": "[a](https://a.b) and [b](https://c.d)",
    "nested brackets": "[[a]](https://a.b) [[b](https://c.d)",
    "not to unfurl": "[a](<https://a.b>)",
    "with a title": '[a](https://a.b "b")',
    "an escaped bracket": r"\[a](https://a.b)",
    "a link": "https://a.b/c.png",
    "http": "see http://a.b/?c=d&e=f#g",
    "in angles": "<https://a.b>",
    "in capitals": "HTTPS://A.B",
    "an invite": "discord.gg/abc",
    "a long invite": "https://discord.com/invite/abc",
    "without a scheme": "join discord.com/invite/abc now",
    "a message": "https://discord.com/channels/1/2/3",
    "everyone": "@everyone",
    "here": "hi @here!",
    "a person": "<@123>",
    "a person's nickname": "<@!123>",
    "a role": "<@&123>",
    "a channel": "<#123>",
    "a command": "</imagine:123>",
    "a command of a group": "</mod filter add:123>",
    "onboarding": "<id:customize>",
    "the guide": "<id:guide>",
    "a time": "<t:1700000000>",
    "a time ago": "<t:1700000000:R>",
    "an emoji": "<:a:1>",
    "a moving one": "<a:a:1>",
    "a shortcode": ":smile: :+1::skin-tone-2:",
    "a heading": "# a",
    "a small one": "### a",
    "small print": "-# a",
    "in a later line": "a\n## b\n-# c",
    "a list": "- a\n- b",
    "with stars": "* a\n  * b",
    "with numbers": "1. a\n2. b",
    "a quote": "> a",
    "a long one": ">>> a\nb",
    "code": "`a` ``b``",
    "a block of code": "```py\na\n```",
    "a spoiler": "||a||",
    "bold": "**a** __b__ ~~c~~",
    "italic": "*a* _b_ snake_case_ ***d***",
    "an open end": "** __ ~~ || ` ``` [",
    "backslashes": r"\ \\ \* \\* \\\[a](https://a.b)",
    "an address": "<mia@a.b> <+15550100>",
    "weights": "(a red apple:1.2), [[film grain]], {a|b}, <lora:x:0.8>",
}
# (typed, shown): what is not seen is left out, and hardly anything else.
UNSEEN = {
    "turned around": ("a\u202eb\u202dc\u2066d\u2067e\u2068f", "abcdef"),
    "turned back": ("a\u202c\u2069b\u200e\u200fc\u061cd", "abcd"),
    "zero width": ("a\u200bb\u2060c\ufeffd\u00ade\u200cf\u200dg", "abcdefg"),
    "hidden in tags": ("a\U000e0061\U000e0062b", "ab"),
    "fillers": ("a\u3164b\u115f\u1160\uffa0c", "abc"),
    "controls": ("a\x00b\x1b[31mc\x7fd\x9be", "ab[31mcde"),
    "a half of a pair": ("a\ud83db\udc00c", "abc"),
    "lines": ("a\nb\r\nc\x0bd\u2028e\u2029f\x85g", "a b c d e f g"),
    "blanks": ("  a\t\tb   c ", "a b c"),
    "zalgo": ("Z" + "\u0300\u0301\u0302\u0303" * 9 + "a", "Z\u0300\u0301\u0302a"),
    "zalgo joined": ("Z" + "\u0300\u034f\u200d" * 9, "Z\u0300\u0300\u0300"),
    "a tower of Thai marks": ("\u0e2a" + "\u0e47" * 20, "\u0e2a" + "\u0e47" * 6),
    "nothing": ("", NOTHING),
    "nothing that is seen": ("\u200b \u3164\u202e", NOTHING),
}
WHOLE = {
    "Hindi": "क्षत्रिय श्रृंगार ज़िंदगी",
    "joined Hindi": "क्\u200dष",
    "Thai": "ผู้ใหญ่ น้ำ ที่",
    "Hebrew": "בְּרֵאשִׁ֖ית בָּרָ֣א שָּׁ֑",
    "Arabic": "مُحَمَّدٌ اللّٰهُ",
    "Persian": "می\u200cخواهم",
    "Vietnamese": unicodedata.normalize("NFD", "Tiếng Việt ộ ữ"),
    "Greek": unicodedata.normalize("NFD", "ᾧ ᾆ"),
    "Tibetan": "བསྒྲུབས་ ཨོཾ་མ་ཎི་པདྨེ་ཧཱུྃ",
    "Burmese": "ကျွန်ုပ် မြန်မာ",
    "Chinese": "一只狐狸，水彩",
    "emoji": "👨‍👩‍👧 👩🏽‍🚀 🏳️‍🌈 ❤️ 1️⃣ 🏴󠁧󠁢󠁥󠁮󠁧󠁿 🇩🇪",
    "a shrug": r"¯\_(ツ)_/¯",
    "variants": "葛\U000e0100 ≨\ufe00",
}

texts = st.lists(
    st.one_of(
        st.sampled_from([*MARKED.values(), *WHOLE.values(), *(one for one, _ in UNSEEN.values())]),
        st.text(st.sampled_from("\\`*_~|<>[](){}#:/@!&-+.1 a\n\u200b\u0301\u202e"), max_size=12),
        st.text(max_size=8),
    ),
    max_size=6,
).map("".join)


def blanks_aside(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("typed", MARKED.values(), ids=MARKED)
def test_what_would_be_marked_up_is_text(typed: str):
    assert read(typed).marked, "the reader knows this kind"
    for shown, wanted in ((inert(typed), blanks_aside(typed)), (inert_lines(typed), typed)):
        found = read(shown)
        assert found.marked == []
        assert found.shown == wanted
    assert plain(typed) == blanks_aside(typed)
    assert "://" not in inert(typed)  # nor does whoever looks for links unread find one


@pytest.mark.parametrize(("typed", "shown"), UNSEEN.values(), ids=UNSEEN)
def test_what_is_not_seen_is_left_out(typed: str, shown: str):
    assert read(inert(typed)).shown == shown
    assert plain(typed) == shown


@pytest.mark.parametrize("typed", WHOLE.values(), ids=WHOLE)
def test_languages_and_emoji_stay_whole(typed: str):
    assert plain(typed) == typed
    assert read(inert(typed)).shown == typed


@given(texts)
@example("1\\. a")
@example("a\n\n\n- b")
@example("\u200b# a")
@example("\\")
def test_any_text_is_text(typed: str):
    for shown in (inert(typed), inert_lines(typed), "\n" + inert_lines(typed)):
        assert read(shown).marked == []
    seen = plain(typed)
    assert blanks_aside(read(inert(typed)).shown) == seen
    assert blanks_aside(read(inert_lines(typed)).shown) == seen
    assert len(inert(typed).splitlines()) == len(seen.splitlines()) == 1
    assert seen.isprintable() or not {unicodedata.category(one) for one in seen} & {"Cc", "Cs"}
    seen.encode()  # as it has to be for Discord
    assert plain(seen) == seen, "doing it twice changes nothing"


@given(texts)
def test_letters_are_left_as_they_are(typed: str):
    letters = [one for one in typed if unicodedata.category(one)[0] in "LNPS"]
    hidden = "\u115f\u1160\u3164\uffa0"
    left = [one for one in plain(typed) if unicodedata.category(one)[0] in "LNPS"]
    assert left == [one for one in letters if one not in hidden] or plain(typed) == NOTHING


@given(texts, st.integers(1, 40))
@example("a*b👨‍👩‍👧*[x]", 5)
@example("🙂" * 9, 4)
@example("ผู้ใหญ่" * 9, 6)
@example("111111111 \u0301", 10)
def test_what_is_cut_is_cut_between_characters(typed: str, length: int):
    for whole, short, escaped in (
        (inert(typed), inert(typed, length), True),
        (inert_lines(typed), inert_lines(typed, length), True),
        (plain(typed), plain(typed, length), False),
    ):
        assert units(short) <= length
        assert len(short.encode("utf-16-le")) // 2 == units(short)
        if units(whole) <= length:
            assert short == whole
            continue
        assert short.endswith("…")
        kept = short.removesuffix("…")
        assert whole.startswith(kept)
        rest = whole.removeprefix(kept)
        assert not kept or unicodedata.category(rest[0])[0] != "M", "marks without their letter"
        if escaped:
            assert read(short).marked == []
            assert (len(kept) - len(kept.rstrip("\\"))) % 2 == 0, "a backslash without its sign"


@given(texts)
def test_code_shows_what_was_typed(typed: str):
    shown = code(typed)
    if shown.startswith("`"):
        assert shown == f"`{plain(typed)}`"
        assert "`" not in plain(typed)
        assert not any(one.startswith(("link", "invite")) for one in read(shown[1:-1]).marked)
    else:
        assert read(shown).shown == plain(typed)
        assert read(shown).marked == []


def test_of_a_very_long_text_only_the_beginning_is_read():
    long = "[a](https://a.b) " * 100_000
    shown = read(inert(long, 100)).shown
    assert 50 < len(shown) < 100
    assert long.startswith(shown.removesuffix("…"))
    hidden = "\u200b" * 1_000_000 + "a"
    assert plain(hidden, 100) == NOTHING


def test_a_cut_leaves_our_own_markup_alone():
    assert cut("**Without** a fox", None) == "**Without** a fox"
    assert cut(r"a \*b\*", 5) == r"a \*…"
    assert cut(r"a \*b\*", 4) == "a…"
    assert cut("a", 0) == ""


def test_the_reader_knows_blocks_at_the_beginning_of_a_line_only():
    assert read("a # b - c > d 1. e").marked == []
    assert len(BLOCKS) == 5
