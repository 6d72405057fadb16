"""Parameters as people type them into a prompt: ``a fox --ar 3:2 --seed 7 --no text, blur``.

The way of writing is Midjourney's. A parameter begins with ``--`` before a letter, at the start or
after a space; phones turn the two hyphens into one dash, which counts before a known name only. A
number or an aspect is the next word, and what follows it belongs to the prompt. Names and ``--no``
take every word up to the next parameter, or what stands in quotes.
"""

import difflib
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from bot.services.errors import TooManyJobs, UnknownParameter
from bot.services.permutations import MAX_JOBS, expand
from bot.services.requests import Wish
from bot.texts import any_of, say
from generation.catalog import Catalog
from generation.errors import InvalidRequest
from generation.metadata.infotext import sampler_named
from generation.request import COUNT, GUIDANCE, SEED, STEPS, Aspect, Sampler, bounded
from generation.styles import NO_STYLE

# A ratio may be this many times wider or narrower than a shape of ours: what lies between two
# shapes is near enough to one of them, 21:9 is not.
ASPECT_TOLERANCE = 1.24
NEAR = 0.7  # of difflib's ratio, which is 1 for the same word

_MARK = re.compile(r"(?<!\S)(?P<dash>--|[—–])(?P<name>[^\W\d_][\w-]{0,30})(?!\w)")
# What a comma follows is the first of several.
_QUOTED = re.compile(r"\s*(?:\"([^\"]*)\"|“([^”]*)”)(?!\s*,)")
_WORD = re.compile(r"\s*(\S*[^\s,]),*")
_NUMBER = re.compile(r"[0-9]{1,6}([.,][0-9]{1,6})?")
_RATIO = re.compile(r"([0-9]{1,4})[:x×/]([0-9]{1,4})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What a prompt says: its words without the parameters, and the parameters it names.

    None is left to the command's options. ``turn`` counts the repeats of one prompt from 0;
    ``style`` is a name that nothing here has looked up.
    """

    prompt: str
    negative_prompt: str | None = None
    aspect: Aspect | None = None
    seed: int | None = None
    steps: int | None = None
    guidance_scale: float | None = None
    sampler: Sampler | None = None
    checkpoint: str | None = None
    style: str | None = None
    count: int | None = None
    repeat: int = 1
    turn: int = 0

    def onto(self, wish: Wish) -> Wish:
        """Return the command's options with what was typed.

        Where both say something, what was typed holds: it stands in the prompt that everybody
        sees. What is to be kept out is kept out by either. A given seed goes on from repeat to
        repeat, by as many as there are pictures, so that no picture is drawn twice.
        """
        kept_out = filter(None, (wish.negative_prompt.strip(), self.negative_prompt))
        count = wish.count if self.count is None else self.count
        spacing = COUNT[1] if count is None else count
        seed = wish.seed if self.seed is None else self.seed
        return replace(
            wish,
            prompt=self.prompt,
            negative_prompt=", ".join(kept_out),
            aspect=wish.aspect if self.aspect is None else self.aspect,
            count=count,
            steps=wish.steps if self.steps is None else self.steps,
            guidance_scale=wish.guidance_scale
            if self.guidance_scale is None
            else self.guidance_scale,
            seed=None if seed is None else seed + self.turn * spacing,
            sampler=wish.sampler if self.sampler is None else self.sampler,
            checkpoint=wish.checkpoint if self.checkpoint is None else self.checkpoint,
            style=wish.style if self.style is None else self.style,
        )


def read(text: str) -> tuple[Typed, ...]:
    """Return the jobs that a typed prompt asks for, at least one and at most MAX_JOBS.

    Braces are expanded first, in parameters as in words; then each prompt's parameters are read
    and its repeats made. Raises InvalidRequest, naming the parameter and its bound,
    UnknownParameter, naming all of them, or TooManyJobs.
    """
    prompts = [parse(prompt) for prompt in expand(text)]
    if sum(typed.repeat for typed in prompts) > MAX_JOBS:
        raise TooManyJobs(MAX_JOBS)
    return tuple(
        replace(typed, turn=turn, repeat=1) for typed in prompts for turn in range(typed.repeat)
    )


def parse(text: str) -> Typed:
    """Return the words and the parameters of one prompt; raises as `read` does."""
    marks = _marks(text)
    ends = [*(mark.start() for mark in marks), len(text)]
    words = [text[: ends[0]]]
    given: dict[str, list[Any]] = {}
    for mark, end in zip(marks, ends[1:], strict=True):
        named = _NAMES[mark["name"].casefold()]
        value, rest = _cut(text[mark.end() : end], named)
        label = f"--{mark['name']}"
        if not value:
            raise InvalidRequest(label, say("bound-with-value"))
        given.setdefault(named.field, []).append(named.read(label, value))
        if len(given[named.field]) > 1 and named.field != "negative_prompt":
            raise InvalidRequest(label, say("bound-once"))
        words.append(rest)
    if "negative_prompt" in given:
        given["negative_prompt"] = [", ".join(given["negative_prompt"])]
    prompt = " ".join(filter(None, (part.strip() for part in words)))
    return Typed(prompt=prompt, **{name: values[0] for name, values in given.items()})


def wishes_of(wish: Wish, catalog: Catalog) -> tuple[Wish, ...]:
    """Return the wishes that a command's options and the parameters in its prompt make together.

    Raises as `read` does.
    """
    wishes = []
    for typed in read(wish.prompt):
        one = typed.onto(wish)
        if one.checkpoint is not None:
            one = replace(one, checkpoint=pick(one.checkpoint, catalog.names, catalog.checkpoints))
        if one.style is not None:
            one = replace(
                one, style=pick(one.style, (*catalog.style_names, NO_STYLE), catalog.styles)
            )
        wishes.append(one)
    return tuple(wishes)


def pick(typed: str, names: Iterable[str], unlisted: Iterable[str] = ()) -> str:
    """Return the one of the names that was typed, whatever its case; else what was typed.

    The only name that starts with it does, too; one of the ``unlisted`` has to be typed whole. It
    is for a catalog's names, which are as their
    owner wrote them; the catalog refuses what is none of them.
    """
    start = typed.casefold()
    near = [name for name in names if name.casefold().startswith(start)]
    near += [name for name in unlisted if name.casefold() == start]
    same = [name for name in near if name.casefold() == start]
    found = [name for name in near if name == typed] or same or near
    return found[0] if len(found) == 1 or same else typed


def nearest_aspect(label: str, text: str) -> Aspect:
    """Return our shape nearest to ``3:2`` or to a shape's name; raises InvalidRequest."""
    if text.casefold() in tuple(Aspect):
        return Aspect(text.casefold())
    ratio = _RATIO.fullmatch(text)
    if ratio and int(ratio[1]) and int(ratio[2]):
        wanted = math.log(int(ratio[1]) / int(ratio[2]))
        nearest = min(Aspect, key=lambda aspect: abs(math.log(aspect.ratio) - wanted))
        if abs(math.log(nearest.ratio) - wanted) <= math.log(ASPECT_TOLERANCE):
            return nearest
    raise InvalidRequest(label, say("bound-near", names=any_of(map(_as_ratio, Aspect))))


def _as_ratio(aspect: Aspect) -> str:
    ratio = Fraction(aspect.ratio).limit_denominator(20)
    return f"{ratio.numerator}:{ratio.denominator}"


def whole(bound: tuple[int, int]) -> Callable[[str, str], int]:
    """Return what reads a whole number within ``bound``; it raises InvalidRequest."""

    def read_whole(label: str, text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,10}", text):
            raise InvalidRequest(label, say("bound-whole", least=str(bound[0]), most=str(bound[1])))
        bounded(label, int(text), bound)
        return int(text)

    return read_whole


def guidance(label: str, text: str) -> float:
    """Return a guidance scale, with a point or a comma in it; raises InvalidRequest."""
    if not _NUMBER.fullmatch(text):
        raise InvalidRequest(
            label, say("bound-number", least=f"{GUIDANCE[0]:g}", most=f"{GUIDANCE[1]:g}")
        )
    value = float(text.replace(",", "."))
    bounded(label, value, GUIDANCE)
    return value


def strength(label: str, text: str) -> float:
    """Return how much of a picture is redrawn; a request bounds it. Raises InvalidRequest."""
    if not _NUMBER.fullmatch(text):
        raise InvalidRequest(label, say("bound-strength"))
    return float(text.replace(",", "."))


def _sampler(label: str, text: str) -> Sampler:
    sampler = sampler_named(pick(text, Sampler))
    if sampler is None:
        raise InvalidRequest(label, say("bound-one-of", names=any_of(Sampler)))
    return sampler


def _text(_label: str, text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class _Parameter:
    """A parameter's names, the field of `Typed` that it fills, and how its value is read."""

    names: tuple[str, ...]
    field: str
    read: Callable[[str, str], object]
    takes_all: bool = False


_PARAMETERS = (
    _Parameter(("ar", "aspect"), "aspect", nearest_aspect),
    _Parameter(("seed",), "seed", whole(SEED)),
    _Parameter(("no", "negative"), "negative_prompt", _text, takes_all=True),
    _Parameter(("steps",), "steps", whole(STEPS)),
    _Parameter(("cfg", "guidance"), "guidance_scale", guidance),
    _Parameter(("sampler",), "sampler", _sampler, takes_all=True),
    _Parameter(("model", "checkpoint"), "checkpoint", _text, takes_all=True),
    _Parameter(("style",), "style", _text, takes_all=True),
    _Parameter(("n", "count"), "count", whole(COUNT)),
    _Parameter(("repeat", "r"), "repeat", whole((1, MAX_JOBS))),
)
_NAMES = {name: parameter for parameter in _PARAMETERS for name in parameter.names}


def _marks(text: str) -> list[re.Match[str]]:
    """Return where the text's parameters begin; raises UnknownParameter, naming what is none."""
    marks = []
    unknown: dict[str, str | None] = {}
    for mark in _MARK.finditer(text):
        name = mark["name"].casefold()
        if name in _NAMES:
            marks.append(mark)
            continue
        near = difflib.get_close_matches(name, _NAMES, n=1, cutoff=NEAR)
        # One dash stands before ordinary words, too.
        if near or mark["dash"] == "--":
            unknown[mark["name"]] = near[0] if near else None
    if unknown:
        raise UnknownParameter(unknown, (parameter.names[0] for parameter in _PARAMETERS))
    return marks


def _cut(text: str, parameter: _Parameter) -> tuple[str, str]:
    """Return a parameter's value, and the words after it that belong to the prompt."""
    if quoted := _QUOTED.match(text):
        return (quoted[1] or quoted[2] or "").strip(), text[quoted.end() :]
    if parameter.takes_all:
        return text.strip(), ""
    word = _WORD.match(text)
    return (word[1], text[word.end() :]) if word else ("", "")
