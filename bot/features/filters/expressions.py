r"""Moderators' regular expressions, matched in bounded time and memory.

RE2 is linear in the text, and counts the size of an expression while it compiles it
(https://github.com/google/re2/wiki/Syntax). What it lacks is refused by name: lookaround,
backreferences, possessive and atomic groups, set operations. Its ``\w``, ``\d``, ``\s`` and ``\b``
are ASCII-only, so expressions are rewritten: the classes become Unicode's, and ``\b`` becomes a
mark that is inserted into the text at word boundaries and that nothing else matches.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import re2
import regex

from bot.features.filters.text_normalizer import fold

# Bytes that RE2 may use for one expression and its automata: some 10,000 instructions, which
# compile in 10 ms and match 1,000 letters in 50 ms at worst. RE2 itself keeps the latest 128.
MEMORY = 2**18

_MARK = "\U0010fffd"  # a private-use character; replaced in people's texts
_MARKS = 2  # so that \b\b, written across a bracket, still matches
_SIZE = re.compile("too large|invalid repetition size")  # RE2's messages
_BOUNDARY = regex.compile(r"\b")
_UNFIT = regex.compile(f"[\ud800-\udfff{_MARK}]")
_WORD, _DIGIT, _SPACE = r"\p{L}\p{M}\p{N}\p{Pc}", r"\p{Nd}", r"\s\x0b\x1c-\x1f\x85\p{Z}"
_CLASSES = {
    "w": _WORD,
    "d": _DIGIT,
    "s": _SPACE,
    "W": r"\p{Cc}\p{Cf}\p{Pd}\p{Ps}\p{Pe}\p{Pi}\p{Pf}\p{Po}\p{S}\p{Z}",
    "D": r"\p{L}\p{M}\p{Nl}\p{No}\p{P}\p{S}\p{Z}\p{Cc}\p{Cf}",
    "S": r"\p{L}\p{M}\p{N}\p{P}\p{S}\p{Cf}\x00-\x08\x0e-\x1b",
}
_POSIX = {
    "alpha": r"\p{L}\p{M}",
    "digit": _DIGIT,
    "alnum": r"\p{L}\p{M}\p{N}",
    "space": _SPACE,
    "punct": r"\p{P}",
    "word": _WORD,
}
_TOKEN = re.compile(
    r"""
      \\Q (?P<quoted> .*? ) (?: \\E | \Z )
    | \\ (?P<class> [wdsWDS] )
    | (?P<boundary> \\b )
    | (?P<end> \\[zZ] | \$ )
    | (?P<plain> \\ [aftnrv] | \\x\{ [0-9a-fA-F]{1,6} \} | \\x [0-9a-fA-F]{2}
        | \\p (?: \{ [^{}^]* \} | \w ) )
    | (?P<without> \\p\{\^ [^{}]* \} | \\P (?: \{ [^{}]* \} | \w ) )
    | \\ (?: u (?P<code> [0-9a-fA-F]{4} ) | U (?P<long> [0-9a-fA-F]{8} ) )
    | (?P<begin> \\A | \^ )
    | \\ (?P<escaped> [^\w] | _ )
    | (?P<set> \[ \^? \]? (?: \\ . | \[: \^? \w+ :\] | [^\]\\] )* \] )
    | (?P<group> \( \? (?: P? < \w+ > | [imsU]* (?: - [imsU]+ )? [:)] ) | \( (?! \? ) | [)|] )
    | (?P<repeat> (?: [*+?] | \{ [0-9]+ (?: , [0-9]* )? \} | \{,[0-9]+\} ) \?? (?! \+ ) )
    | (?P<any> \. )
    | (?P<unsupported> \( \? <? . | \\ . | [\\\[] | \{ [^}]* \}? | [*+?]+ )
    | (?P<letter> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_IN_SET = re.compile(
    r"""
      \\ (?P<class> [wdsWDS] )
    | \[: (?P<posix> \w+ ) :\]
    | \\ (?: u (?P<code> [0-9a-fA-F]{4} ) | U (?P<long> [0-9a-fA-F]{8} ) )
    | (?P<plain> \\ [aftnrv] | \\x\{ [0-9a-fA-F]{1,6} \} | \\x [0-9a-fA-F]{2}
        | \\[pP] (?: \{ [^{}]* \} | \w ) )
    | \\ (?P<escaped> [^\w] | _ )
    | (?P<unsupported> \\ . | \[ .? | --(?!\]) | && | \|\| | ~~ )
    | (?P<letter> . )
    """,
    re.VERBOSE | re.DOTALL,
)


class Unsupported(Exception):
    """An expression uses an unsupported feature; the text is that part of it."""


class Malformed(Exception):
    """An invalid expression; the text is RE2's reason."""


class TooLarge(Exception):
    """An expression needs too much memory."""


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression for RE2, and whether it uses word boundaries."""

    rewritten: str
    bounded: bool

    def compiled(self) -> "re2._Regexp":
        """Return it compiled, from RE2's cache if possible; raises as `read` does."""
        options = re2.Options()
        options.max_mem, options.case_sensitive, options.log_errors = MEMORY, False, False
        try:
            return re2.compile(self.rewritten, options)
        except re2.error as error:
            (said,) = error.args
            text = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
            if _SIZE.search(text):
                raise TooLarge from error
            raise Malformed(text) from error

    @property
    def size(self) -> int:
        """Its size in RE2 instructions; raises as `read` does."""
        return int(self.compiled().programsize)

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield the spans of its matches in a folded text, one per step."""
        text = _UNFIT.sub("\ufffd", text)
        if not self.bounded:
            yield from (match.span() for match in self.compiled().finditer(text))
            return
        marked, stood = _mark(text)
        for match in self.compiled().finditer(marked):
            start, end = match.span()
            yield stood[start], stood[end]


@lru_cache(maxsize=1024)
def read(pattern: str) -> Expression:
    """Return an expression; raises Unsupported, Malformed or TooLarge."""
    try:
        pattern.encode()
    except UnicodeEncodeError as error:
        raise Malformed(ascii(pattern[error.start : error.end])) from error
    tokens = list(_TOKEN.finditer(pattern))
    bounded = any(token["boundary"] for token in tokens)
    marks = f"{_MARK}{{0,{_MARKS}}}" if bounded else ""
    everything = any("s" in (token["group"] or "").partition("-")[0] for token in tokens)
    expression = Expression(
        "".join(_rewritten(token, marks, everything=everything) for token in tokens), bounded
    )
    expression.compiled()
    return expression


def _rewritten(token: re.Match[str], marks: str, *, everything: bool) -> str:
    """Return one rewritten part; a part that consumes a character may be preceded by marks."""
    kind = token.lastgroup
    text = token[kind] if kind else ""
    match kind:
        case "unsupported":
            raise Unsupported(text)
        case "boundary":
            return _MARK
        case "end":
            return f"(?:{marks}{'$' if text == '$' else chr(92) + 'z'})"
        case "begin" | "group":
            return text
        case "repeat":
            return text.replace("{,", "{0,")
        case "quoted":
            return "".join(_taking(_literal(letter), marks) for letter in text)
        case "class":
            return _taking(f"[{_CLASSES[text]}]", marks)
        case "without" if marks:
            return _taking(_negated(text), marks)
        case "code" | "long":
            return _taking(f"\\x{{{text}}}", marks)
        case "any" if marks:
            return _taking(f"[^{'' if everything else chr(92) + 'n'}{_MARK}]", marks)
        case "set":
            return _taking(_set(text), marks)
        case "plain" | "without" | "any":
            return _taking(text, marks)
        case _:
            return _taking(_literal(text), marks)


def _taking(part: str, marks: str) -> str:
    return f"(?:{marks}{part})" if marks or len(part) > 1 else part


def _literal(letter: str) -> str:
    """Return a pattern for a letter of a folded text."""
    return str(re2.escape(fold(letter)[0]))


def _negated(text: str) -> str:
    name = text.removeprefix("\\P").removeprefix("\\p{^").strip("{}")
    return f"[^\\p{{{name}}}{_MARK}]"


def _set(text: str) -> str:
    """Return a bracket class with Unicode's classes, which never matches a mark."""
    negated = text.startswith("[^")
    inner = text[2 if negated else 1 : -1]
    parts = [_in_set(part) for part in _IN_SET.finditer(inner)]
    return f"[{'^' if negated else ''}{''.join(parts)}{_MARK if negated else ''}]"


def _in_set(part: re.Match[str]) -> str:
    kind = part.lastgroup or ""
    text = part[kind]
    match kind:
        case "unsupported":
            raise Unsupported(text)
        case "class":
            return _CLASSES[text]
        case "posix":
            if text not in _POSIX:
                raise Unsupported(part[0])
            return _POSIX[text]
        case "code" | "long":
            return f"\\x{{{text}}}"
        case "plain":
            return text
        case "escaped":
            return str(re2.escape(text))
        case _:
            return "\\]" if text == "]" else text


def _mark(text: str) -> tuple[str, list[int]]:
    """Return a text with marks at word boundaries, and the origin of each character."""
    marked: list[str] = []
    stood: list[int] = []
    last = 0
    for boundary in _BOUNDARY.finditer(text):
        at = boundary.start()
        marked += (text[last:at], _MARK * _MARKS)
        stood += (*range(last, at), *(at,) * _MARKS)
        last = at
    marked.append(text[last:])
    stood += range(last, len(text) + 1)
    return "".join(marked), stood
