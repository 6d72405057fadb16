"""The moderators' filters: what they see through, and what they leave alone."""

import asyncio
import re
import time
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.db.records import EVERYWHERE, Filter, FilterAction, FilterKind, FilterStrictness
from bot.features.filters import patterns
from bot.features.filters.confusables import LATIN, OTHER_SCRIPTS, STANDING_FOR
from bot.features.filters.matching import MOST_CUTS, Screen
from bot.features.filters.patterns import check
from bot.features.filters.text_normalizer import fold, read, script
from generation.errors import InvalidRequest
from generation.prompt_weights import parse

WORD, PHRASE, REGEX = FilterKind.WORD, FilterKind.PHRASE, FilterKind.REGEX
REFUSE, FLAG, STRIP = FilterAction.REFUSE, FilterAction.FLAG, FilterAction.STRIP
WORDS = ("bad", "ass", "rape", "shit", "naked", "god", "pot", "cop", "хер", "裸体", "tit", "ball")


def made(pattern: str, kind: FilterKind = WORD, action: FilterAction = REFUSE, id_: int = 1):
    return Filter(id=id_, guild_id=EVERYWHERE, pattern=pattern, kind=kind, action=action)


def found_by(text: str, *patterns: str, kind: FilterKind = WORD) -> list[str]:
    """The patterns that refuse the text."""
    screen = Screen(made(pattern, kind, id_=n) for n, pattern in enumerate(patterns))
    return [one.pattern for one in screen.verdict(text).refused]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("a Bad apple", "bad"),
        ("(bad:1.3), apple", "bad"),
        ("bad_apple", "bad"),
        ("bad's", "bad"),
        ("bád", "bad"),
        ("b̶a̷d⃝", "bad"),
        ("b\u200ba\u2060d\ufeff", "bad"),
        ("b\u00ada\U000e0061d", "bad"),
        ("ｂａｄ", "bad"),
        ("𝓫𝖆𝕕", "bad"),
        ("ʙᴀᴅ", "bad"),
        ("ⓑ⒜🅳", "bad"),
        ("ᗷᗩᗪ", "bad"),
        ("🇧 🇦 🇩", "bad"),
        ("bаd", "bad"),  # Cyrillic a
        ("βαd", "bad"),
        ("ѕһіт", "shit"),  # all Cyrillic
        ("ΝΑΚΕD", "naked"),
        ("b4d", "bad"),
        ("B@D!", "bad"),
        ("$h1t", "shit"),
        ("sh!t!!", "shit"),
        ("5h|7", "shit"),
        ("a$$!", "ass"),
        ("b411", "ball"),
        ("b a d", "bad"),
        ("b.a.d.", "bad"),
        ("b-a-d", "bad"),
        ("b, a , d", "bad"),
        ("b\na\nd", "bad"),
        ("b🍎a🍎d", "bad"),
        ("n 4 k e d", "naked"),
        ("so b a d a dog", "bad"),
        ("sh-it", "shit"),
        ("na.ked", "naked"),
        ("baaaaad", "bad"),
        ("bbaadd", "bad"),
        ("asssss", "ass"),
        ("bb aaa d", "bad"),
        ("xер", "хер"),  # a Latin x in a Russian word
        ("ХЕР", "хер"),
        ("一个裸体女人", "裸体"),
        ("裸 体", "裸体"),
    ],
)
def test_evasions_are_found(text: str, word: str):
    assert found_by(text, *WORDS) == [word]


@pytest.mark.parametrize(
    "text",
    [
        "a class in a glass house, with grapes; Scunthorpe, Essex, Sussex, assassins",
        "drapes, badly, badge, gods, goddess, titan, title, Lassen, password, classic, shiitake",
        "good food, a copper teapot, spot the cops",
        "bail, bill, baal, as, bat",
        "a 50 mm lens, f/1.4, 4k, 8k, ISO 455, 1girl, 3d, a 5 5 cm box, the 70s",
        "masterpiece, (best quality:1.2), [[soft light]], <lora:x:0.8>, --ar 3:2",
        "vitamins A, B, C and D; plan B and a. D. O. G. in the U.S.A.",
        "🍆🍑😀👩‍👩‍👧 🇩🇪 🇫🇷 1️⃣ ❤️",
        "красный рот и синий кот на окне, тихий вечер у моря",
        "Он поставил горшок на стол, а сор вынес во двор",  # сор looks like "cop"
        "όμορφο ηλιοβασίλεμα πάνω από τη θάλασσα, και ένα άσπρο σπίτι",
        "一只红色的狐狸在雪地里, 高质量, 杰作",
        "桜の木の下で本を読む少女、夕焼け、美しい",
        "ثعلب أحمر يجلس في الثلج تحت ضوء القمر",
        "zażółć gęślą jaźń, smørrebrød, İstanbul, naïve café",
        "सूर्यास्त के समय एक लाल लोमड़ी",
        "눈 속의 붉은 여우",
        "",
        " \n\t",
    ],
)
def test_innocent_texts_are_left_alone(text: str):
    assert found_by(text, *WORDS) == []


def test_a_latin_word_is_no_russian_one():
    assert found_by("a cop and a xep", "сор", "хер") == []
    assert found_by("рот", "рот") == ["рот"]


def test_marks_that_make_another_letter_are_kept():
    assert found_by("がく", "かく") == []
    assert found_by("か\u3099く", "がく") == ["がく"]
    assert found_by("कि", "कु") == []
    assert found_by("كَتَبَ", "كتب") == ["كتب"]


def test_leet_in_a_pattern_is_meant_literally():
    assert found_by("h4x", "h4x") == ["h4x"]
    assert found_by("hax", "h4x") == []
    assert found_by("1488", "1488") == ["1488"]


@pytest.mark.parametrize(
    ("text", "hit"),
    [
        ("a naked person", True),
        ("NAKED\u3000pers0n", True),
        ("naked, (-) person", True),
        ("n a k e d p e r s o n", True),
        ("nаked\u200b\nperson", True),
        ("naked old person", False),
        ("person naked", False),
        ("nakedperson", False),
        ("naked personality", False),
        ("naked", False),
    ],
)
def test_phrases(text: str, *, hit: bool):
    assert bool(found_by(text, "naked person", kind=PHRASE)) is hit


def test_regexes_see_the_text_without_case_and_in_nfkc():
    assert found_by("two  ＦＯＸＥＳ", r"\bfox(es)?\b", kind=REGEX)
    assert found_by("STRASSE", "straße", kind=REGEX)
    assert not found_by("foxglove", r"\bfox(es)?\b", kind=REGEX)
    assert not found_by("fox", "(?=fox)", kind=REGEX)  # matches nothing, before a fox


@pytest.mark.parametrize(
    ("kind", "pattern", "bound"),
    [
        (WORD, "", "1 to 200"),
        (WORD, "x" * 201, "1 to 200"),
        (WORD, "two words", "one word"),
        (WORD, "bad*", "one word"),
        (WORD, "a$$", "one word"),
        (WORD, "🍆", "one word"),
        (WORD, "\u200b", "one word"),
        (PHRASE, "...", "words"),
        (PHRASE, "a$$ hole", "words"),
        (REGEX, "(", "a regular expression"),
        (REGEX, "a*", "needs at least one"),
        (REGEX, "^", "needs at least one"),
        (REGEX, "(?:(?:(?:a{9999}){9999}){9999})", "a smaller regular expression"),
        (REGEX, r"\pL{1000}", "a smaller regular expression"),
        (REGEX, "(?<=a)b", "without `(?<=`"),
        (REGEX, r"(a)\1", r"without `\1`"),
        (REGEX, "(?:fox){e<=1}", "without `{e<=1}`"),
        (REGEX, "[a-z--[aeiou]]", "without `--`"),
        (REGEX, r"a\Bb", r"without `\B`"),
        (REGEX, "\ud800", "a regular expression"),
    ],
)
def test_a_pattern_that_cannot_be_is_refused(kind: FilterKind, pattern: str, bound: str):
    with pytest.raises(InvalidRequest) as caught:
        check(kind, pattern)
    assert caught.value.field == "pattern"
    assert bound in caught.value.bound


@pytest.mark.parametrize(
    ("kind", "pattern"),
    [(WORD, "f-word"), (WORD, "裸体"), (PHRASE, "two words"), (REGEX, r"fox(es)?\d*")],
)
def test_a_pattern_that_can_be(kind: FilterKind, pattern: str):
    check(kind, pattern)
    assert found_by(
        {"f-word": "fword", r"fox(es)?\d*": "a fox7"}.get(pattern, pattern), pattern, kind=kind
    )


def test_a_pattern_that_takes_too_long_refuses_but_cuts_and_flags_nothing(
    monkeypatch: pytest.MonkeyPatch,
):
    slow = "(.+)+§"
    monkeypatch.setattr(patterns, "ALL_MATCHES_S", -1)
    screen = Screen(made(slow, REGEX, action, id_) for id_, action in enumerate(FilterAction))
    verdict = screen.verdict("a" * 500)
    assert not verdict.allowed
    assert verdict.refused == verdict.too_slow
    assert [one.action for one in verdict.refused] == [REFUSE]
    assert verdict.flagged == verdict.stripped == ()
    assert verdict.prompt == "a" * 500


def test_a_stored_pattern_that_is_none_any_more_stops_nobody():
    screen = Screen([made("(", REGEX, id_=7), made("bad", id_=8)])
    assert [one.id for one in screen.verdict("bad (").refused] == [8]
    assert list(screen.off) == [7]
    assert screen.off[7].startswith("a regular expression")


def test_what_each_action_does():
    screen = Screen(
        [
            made("bad", WORD, REFUSE, 1),
            made("sad", WORD, FLAG, 2),
            made("mad", WORD, STRIP, 3),
            made("very dim", PHRASE, STRIP, 4),
        ]
    )
    verdict = screen.verdict("a mad, sad fox; very (dim) light", "bad, mad", ("M4D style", "sad"))
    assert verdict.allowed
    assert verdict.prompt == "a , sad fox; ) light"
    assert verdict.others == ("style", "sad")
    assert verdict.negative_prompt == "bad, mad"
    assert [one.id for one in verdict.flagged] == [2]
    assert [one.id for one in verdict.stripped] == [3, 4]
    assert not screen.verdict("a fox", others=("bad style",)).allowed
    assert screen.verdict("a fox", "bad").allowed


def test_a_prompt_of_which_nothing_is_left_is_refused():
    screen = Screen([made("mad", action=STRIP)])
    assert screen.verdict("mad, m.a.d").emptied
    assert not screen.verdict("mad, m.a.d").allowed
    assert screen.verdict("").allowed
    assert screen.verdict("mad 🦊").prompt == "🦊"


def test_what_cutting_puts_together_is_seen():
    screen = Screen([made("x", REGEX, STRIP, 1), made("bad", id_=2), made("sad", WORD, STRIP, 3)])
    assert [one.id for one in screen.verdict("bxaxd").refused] == [2]
    assert screen.verdict("a sxad dog").prompt == "a dog"
    nested = Screen([made("<>", REGEX, STRIP)])
    depth = MOST_CUTS + 1
    assert nested.verdict("fox" + "<" * depth + ">" * depth).emptied


async def test_judging_does_not_stop_the_loop():
    screen = Screen([made("a.{0,400}b.{0,400}c", REGEX)])
    judged = asyncio.create_task(screen.judge("ab" * 500))
    turns = 0
    while not judged.done():
        await asyncio.sleep(0)
        turns += 1
    assert (await judged).allowed
    assert turns > 10
    assert (await Screen([made("bad")]).judge("bad")).refused


def test_the_table_is_of_single_letters_as_they_decompose():
    for alike in OTHER_SCRIPTS:
        assert len(alike.casefold()) == 1
        assert script(alike) != "LATIN"
    for alike in OTHER_SCRIPTS | LATIN:
        assert unicodedata.normalize("NFKD", alike) == alike
    assert all(alike.casefold() == alike for alike in LATIN)


@settings(max_examples=80)
@given(st.text())
@example("\ud800")
@example("İ\u0345ﬁ㎏½ΐ")
def test_any_text_is_read_and_its_glyphs_stand_in_it(text: str):
    reading = read(text)
    assert len(reading.plain) == len(reading.shape) == len(reading.kinds) == len(reading.spans)
    assert all(0 <= start < end <= len(text) for start, end in reading.spans)
    assert list(reading.spans) == sorted(reading.spans)
    for glyph, (start, end) in zip(reading.plain, reading.spans, strict=True):
        assert glyph in read(text[start:end]).plain
    folded, spans = fold(text)
    assert len(folded) == len(spans)
    Screen([made("bad"), made("裸体"), made("a b", PHRASE)]).verdict(text)


# Jamo that stand apart are put together only where they meet without anything between them.
UNJOINED = st.characters(exclude_categories=("Cs",)).filter(
    lambda c: "HANGUL" not in unicodedata.name(c, "")
)


@settings(max_examples=80)
@given(st.text(UNJOINED))
def test_what_was_read_reads_the_same_again(text: str):
    plain = read(text).plain
    assert read(plain).plain == plain


DISGUISES = {
    letter: [letter, letter.upper(), letter + "\u200b", letter + "\u0301"]
    + [alike for alike, of in (OTHER_SCRIPTS | LATIN).items() if of == letter]
    + [sign for sign, of in STANDING_FOR.items() if letter in of and sign.isdigit()]
    + [chr(0x1D400 + ord(letter) - ord("a")), chr(0xFF41 + ord(letter) - ord("a"))]
    for letter in "naked"
}


@settings(max_examples=100)
@given(
    st.tuples(*(st.sampled_from(DISGUISES[letter]) for letter in "naked")),
    st.sampled_from(["", " ", ".", "-", "\u200b", " * ", "\n"]),
    st.sampled_from(["", "a fox, ", "(", "1. ", "— "]),
)
def test_a_disguised_word_is_found_and_cut(letters: tuple[str, ...], between: str, before: str):
    if not any(unicodedata.category(letter[0]) != "Nd" for letter in letters[1:4]):
        return  # digits alone are a number
    text = f"{before}{between.join(letters)} sky"
    assert found_by(text, "naked") == ["naked"]
    cut = Screen([made("naked", action=STRIP)]).verdict(text)
    assert cut.prompt == (f"{before}sky" if not before or before[-1].isspace() else f"{before} sky")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("plan b b a d d", "plan b d"),
        ("bb a d fox", "fox"),
        ("a b a d! fox", "a ! fox"),
        ("see (bad:1.2) foxes", "see (:1.2) foxes"),
        ("一个裸体女人", "一个女人"),
        ("naked\npersons, bad-bad", "naked\npersons, -"),
    ],
)
def test_cutting_touches_nothing_else(text: str, left: str):
    screen = Screen(
        [made("bad", action=STRIP), made("裸体", action=STRIP), made("naked person", PHRASE, STRIP)]
    )
    assert screen.verdict(text).prompt == left


@settings(max_examples=80)
@given(
    st.lists(
        st.sampled_from(["bad", "b a d", "B4D", "b.a.d", "fox", "badge", "a", "b", "d", "🦊", ","])
    )
)
def test_stripping_leaves_nothing_to_strip_and_touches_nothing_else(parts: list[str]):
    screen = Screen([made("bad", action=STRIP)])
    text = " ".join(parts)
    verdict = screen.verdict(text)
    again = screen.verdict(verdict.prompt)
    assert again.prompt == verdict.prompt
    assert again.stripped == ()
    for kept in ("fox", "badge"):  # what stands between letters that are cut goes with them
        assert verdict.prompt.split().count(kept) == parts.count(kept)
    if not verdict.stripped:
        assert verdict.prompt == text


@pytest.mark.parametrize(
    "text",
    [
        "a nu()de woman",
        "a (nu:1)de woman",
        "a ((nu:2):0.5)de woman",
        "a (nu:1.4)de woman",
        "a n[u]de woman",
        "a [n](u)((d))e woman",
        "a nu(:1)de woman",
        "nude1 woman",
        "2nude",
        "a n(u",
        "a (nu[)]de",
    ],
)
def test_what_the_encoder_puts_together_is_found_and_cut(text: str):
    whole = text if "e" in text else text + "de"
    assert found_by(whole, "nude") == ["nude"]
    assert found_by(whole, r"\bnude\b", kind=REGEX)
    cut = Screen([made("nude", action=STRIP)]).verdict(whole)
    assert [one.id for one in cut.stripped] == [1]
    assert not Screen([made("nude")]).verdict(cut.prompt).refused


def test_a_word_that_cutting_uncovers_is_cut_as_well():
    screen = Screen([made("nude", action=STRIP), made("lewd", id_=2)])
    assert screen.verdict("n(nude)ude, a fox").prompt == "(), a fox"
    assert screen.verdict("le(nude)wd").refused


def test_chunks_are_read_apart():
    assert found_by("nu BREAK de", "nude") == []
    assert found_by("naked BREAK person", "naked person", kind=PHRASE)


INSIDE, SPACED, WHOLE = (
    FilterStrictness.INSIDE,
    FilterStrictness.SPACED,
    FilterStrictness.WHOLE,
)


def strict(pattern: str, strictness: FilterStrictness, text: str, kind: FilterKind = WORD) -> bool:
    one = Filter(
        id=1,
        guild_id=EVERYWHERE,
        pattern=pattern,
        kind=kind,
        action=REFUSE,
        strictness=strictness,
    )
    return not Screen([one]).verdict(text).allowed


@pytest.mark.parametrize(
    ("text", "from_which"),
    [
        ("nude", WHOLE),
        ("NU(de)", WHOLE),
        ("nudewoman", INSIDE),
        ("thenudes", INSIDE),
        ("nuude", INSIDE),
        ("nnuuddee", WHOLE),
        ("a seminud3woman", INSIDE),
        ("femmenսde", INSIDE),  # an Armenian letter
        ("xnu-de", INSIDE),
        ("nu de", SPACED),
        ("nu,de", SPACED),
        ("nu / d e", SPACED),
        ("xnu deX", SPACED),
        ("n u! d e", WHOLE),
        ("n1u2 de", SPACED),
        ("nue d", None),
        ("a denuo", None),
    ],
)
def test_strictness(text: str, from_which: FilterStrictness | None):
    levels = list(FilterStrictness)
    found = [one for one in levels if strict("nude", one, text)]
    assert found == ([] if from_which is None else levels[levels.index(from_which) :])


def test_strictness_of_phrases_and_of_letters_that_come_twice():
    assert strict("naked person", INSIDE, "nakedpersons", PHRASE)
    assert not strict("naked person", INSIDE, "nakedoldpersons", PHRASE)
    assert strict("ass", INSIDE, "a class")
    assert not strict("ass", SPACED, "a star")  # it has two of them
    assert not strict("ill", SPACED, "a lid")


@pytest.mark.parametrize("strictness", list(FilterStrictness))
def test_letters_that_share_their_signs_take_no_longer(strictness: FilterStrictness):
    word = "il" * 20
    for text in ("1" * 900, "1 " * 450, "1" * 900 + "x " + "I" * 900):
        begun = time.thread_time()
        strict(word, strictness, text)
        strict(f"{word} {word}", strictness, text, PHRASE)
        assert time.thread_time() - begun < 1


@pytest.mark.parametrize("word", ["ec" * 100, "e" * 200, "щя" * 100, "𐐨𐐩" * 100, "il" * 100])
@pytest.mark.parametrize("strictness", list(FilterStrictness))
def test_the_longest_words_are_looked_for(word: str, strictness: FilterStrictness):
    check(WORD, word, strictness)
    assert strict(word, strictness, f"a {word}")
    assert strict(word, strictness, " ".join(word)) or strictness is not SPACED


def test_a_regular_expression_has_no_strictness():
    with pytest.raises(InvalidRequest) as caught:
        check(REGEX, "fox", INSIDE)
    assert caught.value.field == "strictness"


FRAGMENTS = ["nu", "de", "nude", "n", "u", "d", "e", " ", ",", "(", ")", "[", "]", ":1)", ":1.3)"]
FRAGMENTS += ["\\(", "\\", " BREAK ", "fox", "7"]


@settings(max_examples=400)
@given(
    st.lists(st.sampled_from(FRAGMENTS), max_size=10).map("".join),
    st.sampled_from(list(FilterAction)),
    st.sampled_from(["nude", "den", "fox", "nu"]),
    st.sampled_from([*FilterStrictness, None]),
)
def test_what_is_drawn_is_judged(text: str, action: FilterAction, word: str, strictness):
    try:
        sections = parse(text)
    except InvalidRequest:
        return
    drawn = [" ".join("".join(piece.text for piece in one) for one in sections)]
    if strictness is SPACED:
        drawn.append(re.sub("[^a-z]", "", drawn[0]))
    edge = "" if strictness in (INSIDE, SPACED) else r"(?![^\W\d_])"
    before = "" if strictness in (INSIDE, SPACED) else r"(?<![^\W\d_])"
    if not any(re.search(before + word + edge, one) for one in drawn):
        return
    one = Filter(
        id=1,
        guild_id=EVERYWHERE,
        pattern=word if strictness else rf"\b{word}\b",
        kind=WORD if strictness else REGEX,
        action=action,
        strictness=strictness or WHOLE,
    )
    verdict = Screen([one]).verdict(text)
    assert one in {REFUSE: verdict.refused, FLAG: verdict.flagged, STRIP: verdict.stripped}[action]
    again = Screen([one]).verdict(verdict.prompt)
    assert action is not STRIP or not again.stripped
