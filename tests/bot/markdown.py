"""A reader of Discord's markdown, written from what its client does and from none of our code.

https://support.discord.com/hc/en-us/articles/210298617 and
https://discord.com/developers/docs/reference#message-formatting say what there is. In doubt this
reader marks up more than Discord would: what it takes for text, Discord shows as text.
"""

import re
from dataclasses import dataclass, field

INLINE = {
    "code": r"(`+)(?:(?!\1).|\n)+?\1",
    "masked link": r"\[(?:[^\[\]\\]|\\.|\[[^\]]*\])*\]\(\s*<?[^\s<>]+?>?(?:\s+[\"'].*?[\"'])?\s*\)",
    "link": r"(?i:<?\b(?:https?|steam|discord|mailto|tel|sms|s?ftp):/?/?[^\s<]+)",
    "invite": r"(?i:(?:www\.)?discord(?:app)?\.(?:gg|me|li|io|com/invite|com/channels)/?[\w-]*)",
    "mention": r"<(?:@[!&]?|#)\d+>",
    "everybody": r"@(?:everyone|here)",
    "command": r"</[^<>\n]{1,120}:\d+>",
    "guide": r"<id:[a-z:\d]+>",
    "timestamp": r"<t:-?\d+(?::[tTdDfFRsS])?>",
    "emoji": r"<a?:\w{1,32}:\d+>",
    "shortcode": r":[^\s:]+(?:::skin-tone-\d)?:",
    "address": r"<[^\s<>@]+@[^\s<>]+>|<\+?\d[\d\s().-]+>",
    "spoiler": r"\|\|[\s\S]+?\|\|",
    "bold": r"\*\*[\s\S]+?\*\*",
    "underlined": r"__[\s\S]+?__",
    "struck": r"~~[\s\S]+?~~",
    "italic": r"(?<!\*)\*(?![\s*])[\s\S]+?\*|_[\s\S]+?_",
}
BLOCKS = {
    "block of code": r"```",
    "heading": r"[ \t]*#{1,3}[ \t]+\S",
    "small print": r"[ \t]*-#[ \t]+\S",
    "list": r"[ \t]*(?:[-*+]|\d+\.)[ \t]+\S",
    "quote": r"[ \t]*>(?:>>)?[ \t]",
}
INLINE_CODE = re.compile(INLINE["code"])
ESCAPE = re.compile(r"\\([^0-9A-Za-z\s])")


@dataclass
class Read:
    """What a reader sees of a text, and the kinds of markup in it."""

    shown: str = ""
    marked: list[str] = field(default_factory=list)


def read(text: str) -> Read:
    """Read a text from its beginning, as a person's client does."""
    found, at, beginning = Read(), 0, True
    rules = [(name, re.compile(rule)) for name, rule in (BLOCKS | INLINE).items()]
    while at < len(text):
        if escaped := ESCAPE.match(text, at):
            found.shown += escaped[1]
            at, beginning = escaped.end(), False
            continue
        for name, rule in rules:
            if (beginning or name not in BLOCKS) and (match := rule.match(text, at)):
                found.marked.append(f"{name}: {match[0]}")
        # Nothing is marked up in code.
        end = at + 1 if (code := INLINE_CODE.match(text, at)) is None else code.end()
        found.shown += text[at:end]
        at, beginning = end, text[end - 1] == "\n"
    return found
