"""Midjourney's parameters that mean nothing here: they are left out, and said to be.

The names are those of its documentation ("Parameter List", versions 1 to 7) and its older flags.
"""

import re

# The values of its --style, where a style of ours has another name.
STYLES = frozenset(("raw", "4a", "4b", "4c", "cute", "expressive", "original", "scenic", "random"))

_NUMBER = r"(?:\s+-?(?:\d+(?:[.,]\d+)?|[.,]\d+)(?![\w:]|[.,]\d))?"
_CODE = r"(?:\s+(?:https?://\S+|<https?://[^\s>]+>(?:::\d+(?:\.\d+)?)?|\d+(?:::\d+(?:\.\d+)?)?(?!\S)|random(?!\S)))*"
_PROFILES = r"(?:\s+(?=\S*\d)[a-z0-9]+(?!\S))*"
_LEVEL = r"(?:\s+(?:low|high)(?!\S))?"
_END = r"(?:\s+(?:loop(?!\S)|<?https?://[^\s>]+>?))?"
_NOTHING = r""

_TAKES = {
    _END: "end",
    _NUMBER: (
        "v version stylize s chaos c q quality niji weird w iw cw sw ow sv hd video stop exp bs"
        " sameseed upbeta"
    ),
    _CODE: "sref cref oref",
    _PROFILES: "profile p personalize",
    _LEVEL: "motion",
    _NOTHING: (
        "raw turbo fast relax loop draft test testp creative uplight upanime public stealth"
    ),
}
PARAMETERS = {
    name: re.compile(value, re.IGNORECASE)
    for value, names in _TAKES.items()
    for name in names.split()
}


# Its pictures that others are to be like: the character's or thing's, and the style's.
_LIKE = {"cref": "subject", "oref": "subject", "sref": "style"}
_ADDRESS = re.compile(r"<?(?P<address>https?://[^\s<>]+?)>?(?:::[0-9.]+)?", re.IGNORECASE)


def likeness_of(piece: str) -> tuple[str, list[str]] | None:
    """Return what of pictures is to be taken over, as we call it, and what names them, in order.

    None of a piece of a prompt that is no such parameter.
    """
    name, *values = piece.split()
    kind = _LIKE.get(name.lower().removeprefix("--"))
    return None if kind is None else (kind, values)


def address_in(value: str) -> str | None:
    """Return the address of a picture that a parameter names; None of a code."""
    found = _ADDRESS.fullmatch(value)
    return found["address"] if found else None


def value_of(name: str, text: str) -> str:
    """Return the value of one of PARAMETERS at the start of a text, its spaces included."""
    found = PARAMETERS[name].match(text)
    return found[0] if found else ""
