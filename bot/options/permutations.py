r"""One prompt that stands for several: ``{red, blue} apple`` is ``red apple`` and ``blue apple``.

Braces may be nested, and several give every combination. ``\{``, ``\}`` and, inside braces, ``\,``
are the literal characters. The syntax is Midjourney's.
"""

import re
from dataclasses import dataclass, field

from bot.options.errors import TooManyJobs
from bot.texts import say
from bot.texts.inert import code
from generation.errors import InvalidRequest

MAX_JOBS = 8
NEARBY = 20  # characters that are shown on either side of a brace without its partner

# A brace, and the pairs of backslashes before it.
_BRACE = re.compile(r"((?:\\\\)*)\\?([{}])")
_MARK = re.compile(r"\\[{},\\]|[{},]")


@dataclass(slots=True)
class _Braces:
    """The state of parsing one pair: finished alternatives, and the current one."""

    finished: list[str] = field(default_factory=list)
    current: tuple[str, ...] = ("",)

    def append(self, choices: tuple[str, ...]) -> None:
        """Extend the current alternative by each of the choices."""
        _check(len(self.current) * len(choices))
        self.current = tuple(start + choice for start in self.current for choice in choices)

    def finish(self) -> None:
        """Finish the current alternative and start the next."""
        _check(len(self.finished) + len(self.current))
        self.finished += [text.strip() for text in self.current]
        self.current = ("",)


def expand(text: str) -> tuple[str, ...]:
    """Return the prompts that a text with braces stands for; the last braces change fastest.

    A text without braces is returned unchanged. Apply it once, to what a person typed: the result
    may contain braces that were escaped. Raises TooManyJobs above MAX_JOBS, before they are made,
    and InvalidRequest, naming ``prompt``, if braces do not match.
    """
    if "{" not in text and "}" not in text:
        return (text,)
    levels, opened = [_Braces()], list[int]()
    end = 0
    for mark in _MARK.finditer(text):
        levels[-1].append((text[end : mark.start()],))
        end = mark.end()
        inside = len(levels) > 1
        match mark[0]:
            case "{":
                levels.append(_Braces())
                opened.append(mark.start())
            case "," if inside:
                levels[-1].finish()
            case "}" if inside:
                braces = levels.pop()
                opened.pop()
                braces.finish()
                levels[-1].append(tuple(braces.finished))
            case "}":
                raise _unpaired(text, mark.start())
            case r"\{" | r"\}":
                levels[-1].append((mark[0][1],))
            case r"\," if inside:
                levels[-1].append((",",))
            case _:
                levels[-1].append((mark[0],))
    if len(levels) > 1:
        raise _unpaired(text, opened[-1])
    levels[0].append((text[end:],))
    return levels[0].current


def escape(prompt: str) -> str:
    r"""Return the text that stands for this prompt alone: `expand` gives it back.

    Except for a lone backslash before a brace, which cannot be typed and is left out.
    """
    return _BRACE.sub(lambda found: found[1] + "\\" + found[2], prompt)


def _check(count: int) -> None:
    # Every choice has at least one alternative, so no part makes more than the whole.
    if count > MAX_JOBS:
        raise TooManyJobs(MAX_JOBS)


def _unpaired(text: str, at: int) -> InvalidRequest:
    piece = code(text[max(0, at - NEARBY) : at + NEARBY], 2 * NEARBY)
    return InvalidRequest("prompt", say("bound-braces", piece=piece))
