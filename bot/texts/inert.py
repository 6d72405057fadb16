"""Escaping people's texts, so that Discord shows them but interprets nothing in them.

Discord renders markdown in messages, and in titles, descriptions and fields of embeds; a backslash
before a punctuation mark makes it literal. Labels, placeholders, form titles, choice names, alt
texts and file names are shown literally, backslashes included. In both cases, characters that are
invisible, change the direction of a line or pile up above it are removed; everything else reads
just as it was typed.
"""

from collections.abc import Iterable

import regex

from bot.texts import any_of

NOTHING = "–"  # where Discord requires a text, and markup around an empty one would break
ELLIPSIS = "…"

# Languages put at most three of the marks common to all scripts on one letter (polytonic Greek,
# decomposed), and at most six of their own (Hebrew with points and accents).
SHARED_MARKS, OWN_MARKS = 3, 6

# How much of a text is read to show a given length: some of it may be invisible.
MARGIN, MARGIN_TIMES = 1000, 8

_LINE_BREAK = regex.compile(r"\r\n|[\n\v\f\r\x85\u2028\u2029]")
# Invisible characters that others need to look right: the joiners in emoji and within words of
# scripts that join letters, variation selectors, and the tags of a flag.
_NEEDED = (
    r"\u200D(?<=\p{Extended_Pictographic}[\uFE0F\p{Emoji_Modifier}]?.)(?=\p{Extended_Pictographic})"
    r"|[\u200C\u200D](?=\p{L})"
    r"(?<=[[\p{L}\p{M}]--[\p{Latin}\p{Greek}\p{Cyrillic}\p{Common}\p{Inherited}]].)"
    r"|[\uFE00-\uFE0F\U000E0100-\U000E01EF](?<=[\p{L}\p{N}\p{P}\p{S}].)"
    r"|[\u180B-\u180D\u180F](?<=\p{Mongolian}.)"
    r"|[\U000E0030-\U000E007A]{1,6}\U000E007F(?<=\U0001F3F4.{2,7})"
)
_UNSEEN = regex.compile(
    rf"(?V1)(?P<needed>{_NEEDED})"
    r"|[\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}\uFFF9-\uFFFB--[\n]]"
)
_MARKS = regex.compile(r"[\p{Mn}\p{Me}]{2,}")
_SHARED_MARK = regex.compile(r"[\p{Inherited}\p{Common}]")

# Characters that start or end markup anywhere, then those that do so in one position only: at the
# beginning of a line, or in an address without a scheme.
_MARKUP = regex.compile(
    r"(?m)[\\`*_~|<>\[\]#:/@]"
    r"|(?<=^[^\S\n]*)[-+]|(?<=^[^\S\n]*\d+)\.(?=\s|$)|\.(?=[^\W\d])"
)
_ADDRESS = regex.compile(r"://|(?i:discord)")
_PIECE = regex.compile(r"\\\X|\X")


def inert(text: str, length: int | None = None) -> str:
    """Return a person's text on one line of markdown, with all markup escaped.

    At most ``length`` UTF-16 code units, the largest unit that Discord may count in; a shortened
    text ends with an ellipsis. A text with nothing visible becomes a dash.
    """
    return cut(_escaped(_one_line(_seen(text, length))) or NOTHING, length)


def inert_lines(text: str, length: int | None = None) -> str:
    """Return the same, keeping line breaks."""
    return cut(_escaped(_seen(text, length).strip()) or NOTHING, length)


def inert_list(texts: Iterable[str]) -> str:
    """Return a list of alternatives, each escaped: ``a, b or c``."""
    return any_of(map(inert, texts))


def code(text: str, length: int | None = None) -> str:
    """Return a person's text as inline code; without code formatting where that would break."""
    line = plain(text, length)
    if "`" in line or _ADDRESS.search(line):
        return inert(text, length)
    return f"`{line}`"


def plain(text: str, length: int | None = None) -> str:
    """Return a person's text on one line, for a place without markup."""
    return cut(_one_line(_seen(text, length)) or NOTHING, length, plain=True)


def cut(text: str, length: int | None, *, plain: bool = False) -> str:
    """Return at most ``length`` UTF-16 code units of marked up text, the last an ellipsis if cut.

    A character is never cut from its marks, nor a sign from the backslash before it; in ``plain``
    text a backslash is an ordinary character.
    """
    if length is None or units(text) <= length:
        return text
    if length < units(ELLIPSIS):
        return ""
    room, end = length - units(ELLIPSIS), 0
    for piece in _PIECE.finditer(text) if not plain else regex.finditer(r"\X", text):
        room -= units(piece[0])
        if room < 0:
            break
        end = piece.end()
    return text[:end].rstrip() + ELLIPSIS


def units(text: str) -> int:
    """Return a text's length as JavaScript counts it, at least its number of characters."""
    return len(text) + sum(letter > "\uffff" for letter in text)


def _seen(text: str, length: int | None) -> str:
    """Return a text with uniform line breaks, without invisible or piled-up characters.

    Of a long text only as much as may be shown: a picture's file can contain a million characters.
    """
    begin = text if length is None else text[: MARGIN + MARGIN_TIMES * length]
    if begin.isascii() and begin.isprintable():
        return begin  # as most texts are, and a tenth of the time
    spaced = _LINE_BREAK.sub("\n", begin).replace("\t", " ")
    return str(_MARKS.sub(_few, _UNSEEN.sub(lambda found: found["needed"] or "", spaced)))


def _few(marks: regex.Match[str]) -> str:
    """Return as many of a letter's marks as real languages use."""
    shared = 0
    kept = ""
    for mark in marks[0]:
        shared += (common := _SHARED_MARK.match(mark) is not None)
        if len(kept) < OWN_MARKS and (not common or shared <= SHARED_MARKS):
            kept += mark
    return kept


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _escaped(text: str) -> str:
    return str(_MARKUP.sub(r"\\\g<0>", text))
