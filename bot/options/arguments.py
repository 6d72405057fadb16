"""Parameters typed in a prompt: ``a fox --ar 3:2 --seed 7 --no text, blur``.

The syntax is Midjourney's. A parameter is ``--`` followed by a letter, at the start or after a
space; phones turn the two hyphens into a dash, which counts only before a known name. Numbers and
aspects take the next word, and what follows belongs to the prompt. Names and ``--no`` take all
words up to the next parameter, or a quoted text.
"""

import difflib
import re
from typing import Any

from bot.options.errors import TooManyJobs, UnknownParameter
from bot.options.image_options import ImageOptions
from bot.options.permutations import MAX_JOBS, expand
from bot.options.registry import OPTIONS, Option
from bot.options.resolve import named
from bot.options.values import Prompt, Whole
from bot.texts import say
from generation.catalog import Catalog
from generation.errors import InvalidRequest
from generation.request import COUNT

NEAR = 0.7  # difflib's ratio, which is 1 for equal words

_MARK = re.compile(r"(?<!\S)(?P<dash>--|[—–])(?P<name>[^\W\d_][\w-]{0,30})(?!\w)")
# A comma follows the first of several.
_QUOTED = re.compile(r"\s*(?:\"([^\"]*)\"|“([^”]*)”)(?!\s*,)")
_WORD = re.compile(r"\s*(\S*[^\s,]),*")

# Not an option of the picture: the number of jobs made from the prompt.
REPEAT = Option(field="repeat", key="", value=Whole(1, MAX_JOBS), names=("repeat", "r"))


def read(text: str, said: ImageOptions) -> tuple[ImageOptions, ...]:
    """Return the jobs that a typed prompt asks for besides ``said``, from one to MAX_JOBS.

    Braces are expanded first, in parameters too; then each prompt's parameters are parsed and its
    repeats made. Typed parameters override ``said``, since they are in the prompt that everybody
    sees; negative prompts are combined. A given seed advances from repeat to repeat by the number
    of pictures, so that no picture is generated twice. Raises InvalidRequest, naming the parameter
    and its limit, UnknownParameter, naming all of them, or TooManyJobs.
    """
    prompts = [parse(prompt) for prompt in expand(text)]
    if sum(repeat for _, repeat in prompts) > MAX_JOBS:
        raise TooManyJobs(MAX_JOBS)
    found = []
    for typed, repeat in prompts:
        kept_out = filter(None, (said.negative_prompt.strip(), typed.negative_prompt))
        one = typed.over(said).but(prompt=typed.prompt, negative_prompt=", ".join(kept_out))
        seed, spacing = one.get("seed"), one.get("count", COUNT[1])
        found += [
            one if seed is None else one.but(seed=seed + turn * spacing) for turn in range(repeat)
        ]
    return tuple(found)


def parse(text: str) -> tuple[ImageOptions, int]:
    """Return a prompt's options, the prompt without its parameters, and its repeats.

    Catalog names are not looked up. Raises as `read` does.
    """
    marks = _marks(text)
    ends = [*(mark.start() for mark in marks), len(text)]
    words = [text[: ends[0]]]
    given: dict[str, Any] = {}
    for mark, end in zip(marks, ends[1:], strict=True):
        option = _names()[mark["name"].casefold()]
        value, rest = _cut(text[mark.end() : end], option)
        label = f"--{mark['name']}"
        if not value:
            raise InvalidRequest(label, say("bound-with-value"))
        value = option.value.read(label, value)
        if option.field not in given:
            given[option.field] = value
        elif isinstance(option.value, Prompt):
            given[option.field] += f", {value}"
        else:
            raise InvalidRequest(label, say("bound-once"))
        words.append(rest)
    repeat = given.pop(REPEAT.field, 1)
    prompt = " ".join(filter(None, (part.strip() for part in words)))
    return ImageOptions(given, prompt=prompt), repeat


def all_said(said: ImageOptions, catalog: Catalog) -> tuple[ImageOptions, ...]:
    """Return the options of a command and of its prompt's parameters, job by job.

    Raises as `read` does.
    """
    return tuple(named(catalog, one) for one in read(said.prompt, said))


def _names() -> dict[str, Option]:
    """Return the typed parameters by each of their names."""
    return {name: option for option in (*OPTIONS.values(), REPEAT) for name in option.names}


def _marks(text: str) -> list[re.Match[str]]:
    """Return where the text's parameters start; raises UnknownParameter, naming unknown ones."""
    names = _names()
    marks = []
    unknown: dict[str, str | None] = {}
    for mark in _MARK.finditer(text):
        name = mark["name"].casefold()
        if name in names:
            marks.append(mark)
            continue
        near = difflib.get_close_matches(name, names, n=1, cutoff=NEAR)
        # A dash may also precede ordinary words.
        if near or mark["dash"] == "--":
            unknown[mark["name"]] = near[0] if near else None
    if unknown:
        raise UnknownParameter(unknown, dict.fromkeys(one.names[0] for one in names.values()))
    return marks


def _cut(text: str, option: Option) -> tuple[str, str]:
    """Return an option's value, and the following words that belong to the prompt."""
    if quoted := _QUOTED.match(text):
        return (quoted[1] or quoted[2] or "").strip(), text[quoted.end() :]
    if option.takes_all:
        return text.strip(), ""
    word = _WORD.match(text)
    return (word[1], text[word.end() :]) if word else ("", "")
