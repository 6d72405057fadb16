r"""Other programs' ways of writing a prompt, put into ours.

Ours are Midjourney's braces (`bot.options.permutations`) and AUTOMATIC1111's weights
(`generation.prompts.weights`). `braces` reads what others mean by braces: NovelAI emphasis, where
they hold no alternatives or stand doubled (docs.novelai.net, "Strengthening & Weakening"), and
sd-dynamic-prompts alternatives with bars (its SYNTAX.md). `words` reads one prompt of those that
braces stood for: Midjourney's and NovelAI's weights with colons become brackets. What cannot be
drawn is taken out and named: LoRA and its relatives, embeddings, wildcards that are files, and the
web UI's ``[from:to:when]``, ``[one|other]`` and ``AND``, of which the first is drawn.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.options.typography import plain
from generation.prompts import schedule as prompt_schedule
from generation.prompts.adapters import tags_in, without_tags
from generation.prompts.schedule import Turns
from generation.prompts.weights import MAX_WEIGHT

NOVELAI_EMPHASIS = 1.05
MAX_DEPTH = 30  # of braces in braces that mean anything but Midjourney's

_NUMBER = r"-?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)"
_COMMAND = re.compile(
    r"\s*(?:/imagine\b(?:\s+prompt\b)?\s*[:：]?"
    r"|(?:(?:imagine|positive)[ \t]+prompt|prompt|正[向面]提示[词詞]?|プロンプト)[ \t]*[:：])\s*",
    re.IGNORECASE,
)
_CODE = re.compile(r"\s*(`{1,3})(?P<text>[^`]*)\1\s*")
# How Midjourney's bot ends the message of a picture: ``**a fox** - @somebody (fast)``.
_ENDING = re.compile(
    r"@[^@\n]{1,60}\((?:fast|relaxed?|turbo)(?:, (?:stealth|public))?\)\s*\Z", re.IGNORECASE
)
# SwarmUI's: of one of several, of two of which one follows the other, and of turns.
_SWARM = re.compile(
    r"<(?P<kind>random|alternate|alt|fromto)(?:\[(?P<number>[0-9.-]{1,9})\])?:(?P<words>[^<>]*)>"
    r"|<break>",
    re.IGNORECASE,
)
# Weights and edits from keyboards of other scripts.
_WIDE_WEIGHT = re.compile(
    r"[（(](?P<words>[^（）()]*?)\s*[:：]\s*(?P<weight>[0-9０-９]+(?:[.,．，][0-9０-９]+)?)\s*[)）]"
)
_WIDE_EDIT = re.compile(r"\[[^\[\]]*[：｜][^\[\]]*\]")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_PARAMETER = re.compile(r"(?:^|\s)[-‐-―−]{1,2}[^\W\d_]")
_VALUE = re.compile(r"(?:^|\s)[-‐-―−]{1,2}[^\W\d_][\w-]*\s*[=:]?\s*$")
_CHOSEN = re.compile(r"\s*[0-9]+(?:-[0-9]+)?\$\$(?:[^$|]*\$\$)?")
_CHANCE = re.compile(r"\s*[0-9]*\.?[0-9]+::(?=\S)")
# Relatives of LoRA that are not known by name here, SwarmUI's tags, addresses of pictures, and
# sd-dynamic-prompts' files of words.
_ELSEWHERE = re.compile(
    r"<\s*(?:lora|lyco|lycoris|locon|loha|lokr|dora|hypernet|hypernetwork|ti|embed|embedding"
    r"|wildcard|segment|preset|refiner|ipadapter|controlnet|setvar|var|setmacro|macro|object|region"
    r"|clear|comment|extend|repeat|param|base|video)\s*(?:\[[^\[\]<>]*\]\s*)?:[^<>]*>"
    r"|<(?:trigger|base|refiner|video)>"
    # Brackets in an address have partners in it; others stand around it.
    r"|<?https?://(?:[^\s<>()]|\([^\s<>()]*\))*(?:[^\s<>,.;!?()\[\]]|\([^\s<>()]*\))>?"
    r"|(?<!\w)__[^\W_][\w/*.-]*?__(?!\w)",
    re.IGNORECASE,
)
_EMPTY = re.compile(rf"\(\s*(?::\s*{_NUMBER}\s*)?\)|\[\s*\]")
_GAP = re.compile(r"[ \t]+(?=[ \t,])|(?:,\s*)+(?=,)")
# The web UI's, and those of its regional prompters.
_AND = re.compile(r"(?<=\s)AND(?=\s)|(?<!\S)ADD(?:COMM|BASE|COL|ROW)(?!\S)")
_LONG_WORD = re.compile(r"[^\W\d_]{2,}")
_SCALED = re.compile(rf"(?P<words>.*\S)\s*:\s*(?P<weight>{_NUMBER})\s*", re.DOTALL)
# NovelAI writes the weight first: ``1.5::rain, night::``.
_NUMBERED = re.compile(
    rf"(?<![\w.:-])(?P<weight>{_NUMBER})::(?P<words>(?:[^:]|(?<!:):(?!:))+?)::(?=[\s,]|$)"
)
_ROUND_OR_PART = re.compile(rf"(?<!\\)[()]|::(?P<weight>{_NUMBER})?(?=\s|$|,)")


@dataclass(frozen=True, slots=True)
class Read:
    """A prompt in our way of writing, what it wants kept out, and what was taken out of it."""

    words: str
    away: str = ""
    left_out: tuple[str, ...] = ()


@dataclass(slots=True)
class _Group:
    """What stands in one pair of braces, in order."""

    parts: list["str | _Group"] = field(default_factory=list)

    @property
    def raw(self) -> str:
        """The text between the braces."""
        return "".join(
            part if isinstance(part, str) else "{" + part.raw + "}" for part in self.parts
        )

    @property
    def only(self) -> "_Group | None":
        """The group that is all of it, but for spaces."""
        inner = [part for part in self.parts if not isinstance(part, str) or part.strip()]
        return inner[0] if len(inner) == 1 and isinstance(inner[0], _Group) else None


def command(text: str) -> Read:
    """Return the text without what it was copied with: a command, a label, a bot's message."""
    left_out = []
    if code := _CODE.fullmatch(text):
        text = code["text"]
    ending = _ENDING.search(text)
    if ending and (at := text.rfind(" - ", 0, ending.start())) > 0:
        left_out.append(text[at:].strip())
        text = text[:at].strip()
        if text[:2] == text[-2:] == "**":
            text = text[2:-2]
    found = _COMMAND.match(text)
    return Read(text[found.end() :] if found else text, left_out=tuple(left_out))


def braces(text: str) -> Read:
    """Return a text whose braces mean what `permutations.expand` takes them for.

    Where they do not pair, it is left as it is.
    """
    text = _SWARM.sub(_of_swarm, text)
    if (tree := _tree(text)) is None:
        return Read(text)
    left_out: list[str] = []
    emphasised: list[int] = []
    shown = "".join(_shown(tree.parts, left_out, emphasised, inside=False))
    if left_out:
        shown = _GAP.sub("", shown).strip(" ,")
    if any(levels > 1 for levels in emphasised):  # then its square brackets are NovelAI's, too
        shown = weighing(shown, "[]", 1 / NOVELAI_EMPHASIS)
    return Read(shown, left_out=tuple(left_out))


def words(prompt: str) -> Read:
    """Return one prompt as we write it, and what was taken out."""
    if not prompt.strip():
        return Read("")
    left_out: list[str] = []
    prompt = _taken(prompt, left_out)
    prompt = _WIDE_EDIT.sub(_narrow_edit, _WIDE_WEIGHT.sub(_narrow_weight, prompt))
    prompt, away = _weighted(prompt, left_out)
    return Read(prompt.strip(), away, tuple(left_out))


def _of_swarm(found: re.Match[str]) -> str:
    """Return one of SwarmUI's tags as others write it."""
    if found["kind"] is None:
        return " BREAK "
    words, number = found["words"], found["number"]
    several = words.split("|" if "|" in words else ",")
    match found["kind"].lower():
        case "random":
            return "{" + (f"{number}$$" if number else "") + "|".join(several) + "}"
        case "fromto" if number and len(several) == 2:
            return f"[{several[0]}:{several[1]}:{number}]"
        case _:
            return f"[{'|'.join(several)}]"


def _narrow_weight(found: re.Match[str]) -> str:
    words, weight = found["words"], plain(found["weight"]).replace(",", ".")
    marks = found[0].replace(words, "", 1)
    if (marks.isascii() and "," not in marks) or (words[-1:].isdigit() and "." not in weight):
        return found[0]  # ours, or a time or a ratio
    return f"({words}:{weight})"


def _narrow_edit(found: re.Match[str]) -> str:
    narrow = found[0].replace("：", ":").replace("｜", "|")
    turns = any(isinstance(part, Turns) for part in prompt_schedule.parse(narrow))
    return narrow if turns else found[0]


def _taken(text: str, left_out: list[str]) -> str:
    """Take out what names other files, and what that leaves empty: brackets, spaces, commas."""
    found = [one[0].strip() for one in _ELSEWHERE.finditer(text)]
    if not found:
        return text
    left_out += found
    return cleaned(_ELSEWHERE.sub("", text))


def cleaned(text: str) -> str:
    """Return a text without what is left empty where something was taken out."""
    while (shorter := _EMPTY.sub("", text)) != text:
        text = shorter
    return _GAP.sub("", text).strip(" ,")


def adapters(text: str) -> tuple[str, list[str]]:
    """Return a text without what names LoRAs, and these pieces in order."""
    tags = tags_in(text)
    return (cleaned(without_tags(text)), tags) if tags else (text, tags)


def _tree(text: str) -> _Group | None:
    if "{" not in text:
        return None
    levels, end = [_Group()], 0
    for mark in _BRACE.finditer(text):
        if mark[0] not in "{}":
            continue
        levels[-1].parts.append(text[end : mark.start()])
        end = mark.end()
        if mark[0] == "{":
            if len(levels) > MAX_DEPTH:
                return None
            levels.append(_Group())
        elif len(levels) == 1:
            return None
        else:
            group = levels.pop()
            levels[-1].parts.append(group)
    levels[0].parts.append(text[end:])
    return levels[0] if len(levels) == 1 else None


def _shown(
    parts: list[str | _Group], left_out: list[str], emphasised: list[int], *, inside: bool
) -> list[str]:
    """Return the parts as `expand` reads them; ``inside`` braces, commas in weights are escaped."""
    shown: list[str] = []
    for part in parts:
        if isinstance(part, str):
            shown.append(part)
            continue
        before = shown[-1] if shown else ""
        if before.endswith("$"):  # a variable of sd-dynamic-prompts
            shown[-1] = before[:-1]
            left_out.append("${" + part.raw + "}")
            continue
        levels, inner = 1, part
        while (only := inner.only) is not None:
            levels, inner = levels + 1, only
        bars, commas = _separators(inner)
        alternatives = bars or (commas and levels == 1)
        body = _shown(inner.parts, left_out, emphasised, inside=alternatives or inside)
        text = "".join(body)
        if bars:
            shown.append("{" + _by_commas(inner, body, left_out) + "}")
        elif alternatives or "{" in text or _VALUE.search(before) or _PARAMETER.search(text):
            shown.append("{" + text + "}")
        elif not text.strip():
            shown.append("")
        else:
            emphasised.append(levels)
            if inside:
                text = re.sub(r"(?<!\\),", r"\,", text)
            shown.append(in_brackets(text.strip(), NOVELAI_EMPHASIS**levels))
    return shown


def _separators(group: _Group) -> tuple[bool, bool]:
    """Tell whether bars, and whether commas, stand in a group and in no bracket within it."""
    text = "".join(part if isinstance(part, str) else "" for part in group.parts)
    return bool(_split(text, "|")[1:]), bool(re.search(r"(?<!\\),", text))


def _by_commas(group: _Group, body: list[str], left_out: list[str]) -> str:
    """Return alternatives that bars part, parted by commas."""
    pieces: list[str] = []
    for part, text in zip(group.parts, body, strict=False):
        if isinstance(part, str):
            alternatives = _split(re.sub(r"(?<!\\),", r"\,", text), "|")
            pieces.append(",".join(alternatives))
        else:
            pieces.append(text)
    text = "".join(pieces)
    if chosen := _CHOSEN.match(text):
        left_out.append(chosen[0].strip())
        text = text[chosen.end() :]
    return re.sub(rf"(^|(?<!\\),){_CHANCE.pattern}", r"\1", text)


def _split(text: str, separator: str) -> list[str]:
    """Return the text's parts between separators that stand in no bracket."""
    parts, depth, start = [], 0, 0
    for mark in re.finditer(r"\\.|[\[\](<>)]|" + re.escape(separator), text, re.DOTALL):
        if mark[0] == separator and depth == 0:
            parts.append(text[start : mark.start()])
            start = mark.end()
        elif mark[0] in "[(<":
            depth += 1
        elif mark[0] in "])>":
            depth = max(0, depth - 1)
    return [*parts, text[start:]]


def weighing(text: str, pair: str, weight: float) -> str:
    """Return the text with a weight for each pair of brackets of a kind, inner ones first."""
    levels, end = [""], 0
    for mark in re.finditer(rf"\\.|[{re.escape(pair)}]", text, re.DOTALL):
        levels[-1] += text[end : mark.start()]
        end = mark.end()
        if mark[0] == pair[0]:
            levels.append("")
        elif mark[0] == pair[1] and len(levels) > 1:
            inner = levels.pop()
            levels[-1] += in_brackets(inner, weight) if inner.strip() else ""
        else:
            levels[-1] += mark[0]
    levels[-1] += text[end:]
    return pair[0].join(levels)


def _weighted(text: str, left_out: list[str]) -> tuple[str, str]:
    """Return the text with weights in brackets, and what weighs less than nothing."""
    away: list[str] = []

    def numbered(found: re.Match[str]) -> str:
        part, weight = found["words"].strip(), float(found["weight"])
        if weight >= 0:
            return in_brackets(part, min(weight, MAX_WEIGHT))
        away.append(part)
        return ""

    text = _NUMBERED.sub(numbered, text)
    if away:
        text = _GAP.sub("", text).strip(" ,")
    parts: list[tuple[str, float]] = []
    start = 0
    for mark in _outside(text):
        parts.append((text[start : mark.start()], float(mark["weight"] or 1)))
        start = mark.end()
    parts.append((text[start:], 1.0))
    parts = [scaled for part, weight in parts for scaled in _sections(part, weight, left_out)]
    if len(parts) > 1:
        parts = [(part.strip(" ,\n"), weight) for part, weight in parts]
    parts = [(part, weight) for part, weight in parts if part.strip()]
    least = min((weight for _, weight in parts if weight > 0), default=1.0)
    scale = least if any(weight > MAX_WEIGHT for _, weight in parts) else 1.0
    shown = (
        in_brackets(part, min(weight / scale, MAX_WEIGHT)) for part, weight in parts if weight >= 0
    )
    away += (part for part, weight in parts if weight < 0)
    return ", ".join(shown), ", ".join(away)


def _sections(text: str, weight: float, left_out: list[str]) -> list[tuple[str, float]]:
    """Return what AND parts, with weights of their own; between words in capitals it is a word."""
    found: list[tuple[str, float]] = []
    start, last = 0, ""
    for word in _LONG_WORD.finditer(text):
        if not _AND.match(text, word.start()):
            last = word[0]
            continue
        following = _LONG_WORD.search(text, word.end())
        around = (last, following[0] if following else "")
        if word[0] == "AND" and any(map(_is_shouted, around)):
            continue
        left_out.append(word[0])
        found.append(_scaled(text[start : word.start()], weight))
        start, last = word.end(), ""
    rest = text[start:]
    return [*found, _scaled(rest, weight) if found else (rest, weight)]


def _is_shouted(word: str) -> bool:
    return not _AND.search(f" {word} ") and word.isupper() and word.upper() != word.lower()


def _scaled(text: str, weight: float) -> tuple[str, float]:
    found = _SCALED.fullmatch(text)
    return (found["words"], float(found["weight"])) if found else (text, weight)


def _outside(text: str) -> Iterator[re.Match[str]]:
    """Yield where a part ends that is in no round brackets."""
    depth = 0
    for mark in _ROUND_OR_PART.finditer(text):
        if mark[0] in ("(", ")"):
            depth += 1 if mark[0] == "(" else -1
        elif depth <= 0:
            yield mark


def in_brackets(text: str, weight: float) -> str:
    """Return words with their weight as we write it."""
    shown = f"{weight:.4f}".rstrip("0").rstrip(".")
    return text if weight == 1 else f"({text}:{shown})"
