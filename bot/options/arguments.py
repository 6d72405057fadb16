"""Parameters typed in a prompt: ``a fox --ar 3:2 --seed 7 --no text, blur``.

The way of writing is Midjourney's. A parameter begins with ``--`` before a letter, at the start or
after a space; keyboards have other dashes, and phones make one of two. One dash, and two with a
space behind them, are mostly punctuation: they count only before a known name with a value that
fits it. A number or an aspect is the next word, and what follows it belongs to the prompt. Names
and ``--no`` take every word up to the next parameter, or what stands in quotes.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bot.options.adapters.asked import over
from bot.options.adapters.known import known_embeddings, named_adapters
from bot.options.adapters.value import Adapters
from bot.options.controls import Controls
from bot.options.errors import TooManyJobs, UnknownParameter
from bot.options.image_options import ImageOptions
from bot.options.other_programs import dialects, elsewhere, midjourney, pasted
from bot.options.permutations import MAX_JOBS, escape, expand
from bot.options.registry import OPTIONS, Option
from bot.options.resolve import named
from bot.options.typography import (
    DASHES,
    INVISIBLE,
    QUOTES,
    SINGLE_QUOTES,
    is_blank,
    plain,
    tidy,
)
from bot.options.values import YES, Prompt, SamplerName, Truth, Whole
from bot.texts import phrased, say
from bot.texts.inert import code
from generation.catalog import Catalog
from generation.errors import InvalidRequest
from generation.metadata.containers import json_object
from generation.metadata.infotext import is_ours
from generation.prompts.adapters import AdapterUse, merge_adapters, read_adapter
from generation.request import COUNT

NEAR = 0.7  # of difflib's ratio, which is 1 for the same word
SHOWN_PIECE = 60  # characters of what is wrong
LOOKED_AT = 1000  # characters behind a name, to tell whether it is a parameter's

# Makes a vowel longer, and stands on Japanese keyboards where others have a dash.
_VOWEL = "ー"
_MARK = re.compile(
    rf"(?<![{DASHES}{_VOWEL}])(?P<dash>[{DASHES}]{{1,4}}|{_VOWEL}{{2,4}})(?P<gap>[\s{INVISIBLE}]{{0,3}})"
    r"(?P<name>[^\W\d_]\w{0,30}(?:-\w{1,30})*)(?!\w)(?P<equals>\s*[=:：﹦＝](?!\s*[)/]))?"
)
_LONG = "⸺⸻"  # as wide as two or three
_ANOTHER = re.compile(rf"\s[{DASHES}]+[^\W\d_]")
# A dash that closes what one opened, as in Spanish dialogue.
_CLOSED = re.compile(r"\w[.,!?…]?[–—―](?!\w)")
# What a comma follows is the first of several.
_QUOTED = re.compile(
    rf"\s*(?:[{QUOTES}]([^{QUOTES}]*)[{QUOTES}]"
    rf"|[{SINGLE_QUOTES}](.*?)[{SINGLE_QUOTES}](?!\w))(?!\s*,)"
)
_WORD = re.compile(r"\s*([^\s，、；。]*[^\s,;，、；。])[,;，、；。]*")
# Scripts that put no spaces between words.
_STOP = re.compile(r"\A[,;.]+(?=\s|\Z)")  # of a sentence or list that a number ended
_UNSPACED = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef\u0e00-\u0eff]")

# Not an option of the picture: the number of jobs made from the prompt.
REPEAT = Option(field="repeat", key="", value=Whole(1, MAX_JOBS), names=("repeat", "r"))


@dataclass(frozen=True, slots=True)
class _Mark:
    """Where a parameter begins, and its value; ``option`` is None of one of Midjourney's."""

    start: int
    end: int
    label: str
    name: str
    option: Option | None


def read(text: str, said: ImageOptions) -> tuple[ImageOptions, ...]:
    """Return the jobs that a typed prompt asks for besides ``said``, from one to MAX_JOBS.

    Braces are expanded first, in parameters too; then each prompt's parameters are parsed and its
    repeats made. Typed parameters override ``said``, since they are in the prompt that everybody
    sees; negative prompts are combined, and so are LoRAs. A given seed advances from repeat to
    repeat by the number of pictures, so that no picture is generated twice. Raises InvalidRequest,
    naming the parameter and its limit, UnknownParameter, naming all of them, or TooManyJobs.
    """
    copied = dialects.command(tidy(text))
    whole = dialects.braces(copied.words)
    prompts = [parse(prompt) for prompt in expand(whole.words)]
    if sum(repeat for _, repeat in prompts) > MAX_JOBS:
        raise TooManyJobs(MAX_JOBS)
    found = []
    negative, tags = dialects.adapters(tidy(said.negative_prompt))
    chosen = (*OPTIONS["lora"].value.check("lora", said.get("lora", ())), *_tagged(tags))
    for typed, repeat in prompts:
        away = dialects.words(negative)
        kept_out = filter(None, (away.words, away.away, typed.negative_prompt))
        one = said.but(**typed).but(prompt=typed.prompt, negative_prompt=", ".join(kept_out))
        one = one.but(lora=over(typed.get("lora", ()), merge_adapters(chosen)))
        one = one.without(*away.left_out, *copied.left_out, *whole.left_out, *typed.left_out)
        seed, spacing = one.get("seed"), one.get("count", COUNT[1])
        found += [
            one if seed is None else one.but(seed=seed + turn * spacing) for turn in range(repeat)
        ]
    return tuple(found)


def parse(text: str) -> tuple[ImageOptions, int]:
    """Return a prompt's options, the prompt without its parameters, and its repeats.

    Catalog names are not looked up. Raises as `read` does.
    """
    text, tags = dialects.adapters(tidy(text))
    marks = _marks(text)
    ends = [*(mark.start for mark in marks), len(text)]
    spoken = [text[: ends[0]]]
    given: dict[str, Any] = {}
    left_out: list[str] = []
    for mark, end in zip(marks, ends[1:], strict=True):
        rest = text[mark.end : end]
        if mark.option is None:
            value = midjourney.value_of(mark.name, rest)
            left_out.append(f"--{mark.name}{value}")
            after = rest[len(value) :]
            spoken.append(_STOP.sub("", after) if value else after)
            continue
        value, rest = _cut(rest, mark.option)
        _give(given, mark, value)
        spoken.append(rest)
    repeat = given.pop(REPEAT.field, 1)
    given["lora"] = merge_adapters((*given.get("lora", ()), *_tagged(tags)))
    typed = dialects.words(" ".join(filter(None, (part.strip() for part in spoken))))
    away = dialects.words(given.pop("negative_prompt", ""))
    kept_out = ", ".join(filter(None, (away.words, away.away, typed.away)))
    prompt = "" if is_blank(typed.words) else typed.words
    options = ImageOptions(given, prompt=prompt, negative_prompt=kept_out)
    return options.without(*left_out, *typed.left_out, *away.left_out), repeat


def all_said(said: ImageOptions, catalog: Catalog) -> tuple[ImageOptions, ...]:
    """Return the options of a command and of its prompt's parameters, job by job.

    Raises as `read` does, and AdapterUnavailable for a LoRA that is not there.
    """
    text = said.prompt
    if (found := pasted.split(tidy(text))) is not None:
        if found.found.program or is_ours(found.found):  # whose braces are letters by now
            options = elsewhere.all_of(found.found, catalog)
            text = escape(options.prompt)
        else:  # the web UI's, which may still be in anybody's way of writing
            brought, options = elsewhere.options_of(found.found, catalog)
            options = options.but(negative_prompt=brought.negative_prompt)
            text = brought.prompt
        away = filter(None, (said.negative_prompt.strip(), options.negative_prompt))
        said = options.over(said).but(negative_prompt=", ".join(away))
        text += found.typed
    elif json_object(text[: (end := text.rfind("}") + 1)]):  # whose braces are letters
        text = escape(text[:end]) + text[end:]
    return tuple(_known(catalog, one) for one in read(text, said))


def _tagged(tags: Iterable[str]) -> tuple[AdapterUse, ...]:
    """Return the LoRAs that stand in a prompt; raises InvalidRequest for wrong weights."""
    return merge_adapters(read_adapter(tag, "lora") for tag in tags)


def _known(catalog: Catalog, said: ImageOptions) -> ImageOptions:
    """Return it with names as the catalog has them, and without what is others' alone."""
    said = known_embeddings(catalog, named_adapters(catalog, named(catalog, said)))
    style = said.get("style", "")
    if style.casefold() in midjourney.STYLES and style not in catalog.styles:
        return said.but(style=None).without(f"--style {style}")
    return said


def _give(given: dict[str, Any], mark: _Mark, text: str) -> None:
    """Add what a parameter says to what is given; raise InvalidRequest where it cannot be."""
    option = mark.option
    assert option is not None  # noqa: S101 - whoever calls it has one
    example = code(f"--{option.names[0]} {option.value.example()}", SHOWN_PIECE)
    if not text:
        raise InvalidRequest(mark.label, say("bound-with-value", example=example))
    try:
        value = option.value.read(mark.label, text)
    except InvalidRequest as error:
        piece = code(f"{mark.label} {text}", SHOWN_PIECE)
        bound = say("bound-typed", bound=phrased(error.bound), piece=piece, example=example)
        raise InvalidRequest(mark.label, bound) from error
    if option.field not in given:
        given[option.field] = value
    elif isinstance(option.value, Prompt | Controls):
        given[option.field] += f", {value}"
    elif isinstance(option.value, Adapters):
        given[option.field] = merge_adapters((*given[option.field], *value))
    else:
        raise InvalidRequest(mark.label, say("bound-once"))


def _names() -> dict[str, Option]:
    """Return the typed parameters by each of their names."""
    return {name: option for option in (*OPTIONS.values(), REPEAT) for name in option.names}


def _marks(text: str) -> list[_Mark]:
    """Return where the text's parameters begin; raises UnknownParameter, naming what is none."""
    names = _names()
    marks = []
    unknown: dict[str, str | None] = {}
    for found in _MARK.finditer(text):
        dash, name = found["dash"], unicodedata.normalize("NFKC", found["name"]).casefold()
        before = text[max(0, found.start() - 1) : found.start()]
        apart = not before or before.isspace()
        if not apart and before.isalnum() and not _UNSPACED.match(before):
            continue
        twice = len(dash) > 1 or dash in _LONG
        firm = apart and twice and not found["gap"]
        option = names.get(name)
        if name in midjourney.PARAMETERS and not _is_ours(option, text[found.end() :]):
            option = None
        if option is None and name not in midjourney.PARAMETERS:
            if firm:
                near = difflib.get_close_matches(name, names, n=1, cutoff=NEAR)
                # What is no hyphen stands before ordinary words, too.
                if near or dash == "--":
                    unknown[found["name"]] = near[0] if near else None
            continue
        label = f"--{unicodedata.normalize('NFKC', found['name'])}"
        mark = _Mark(found.start(), found.end(), label, name, option)
        if firm or ((twice or not found["gap"]) and _fits(mark, found["name"], text)):
            marks.append(mark)
    if unknown:
        raise UnknownParameter(unknown, dict.fromkeys(one.names[0] for one in names.values()))
    return marks


def _is_ours(option: Option | None, rest: str) -> bool:
    """Tell whether a parameter of Midjourney's name has a value of an option of ours."""
    if option is None:
        return False
    value, _ = _cut(rest[:LOOKED_AT], option)
    try:
        option.value.read("", value)
    except InvalidRequest:
        return False
    return True


def _fits(mark: _Mark, name: str, text: str) -> bool:
    """Tell whether the words behind a name are a value of it, so that its dash is no dash."""
    rest = text[mark.end : mark.end + LOOKED_AT]
    if another := _ANOTHER.search(rest):
        rest = rest[: another.start()]
    option = mark.option
    if option is None:
        value = midjourney.value_of(mark.name, rest)
        return bool(value.strip()) or not rest.strip()
    value, left = _cut(rest, option)
    if isinstance(option.value, Truth):
        return not left.strip()
    if not option.takes_all or isinstance(option.value, SamplerName):
        return bool(value) and option.value.fits(value)
    return bool(value) and name.islower() and not _CLOSED.search(rest)


def _cut(text: str, option: Option) -> tuple[str, str]:
    """Return an option's value, and the following words that belong to the prompt."""
    if quoted := _QUOTED.match(text):
        return (quoted[1] or quoted[2] or "").strip(), text[quoted.end() :]
    if isinstance(option.value, Truth):
        rest = text.strip()
        return (rest, "") if option.value.fits(rest) else (YES, text)
    if option.takes_all:
        return text.strip(), ""
    word = _WORD.match(text)
    if word is None:
        return "", ""
    value = word[1]
    return (plain(value).rstrip(".") or value, text[word.end() :])
