"""Adapters in prompts: ``<lora:name:weight>``, as in AUTOMATIC1111's web UI. Imports no torch.

``<lora:name>`` has the weight 1, ``<lora:name:0.8>`` one weight, and ``<lora:name:0.8:0.5>`` one
for the denoiser and one for the text encoders; ``unet=0.8`` and ``te=0.5`` name them. ``<lyco:…>``
is the same. A name is anything without ``<``, ``>``, ``:`` and line breaks. What is not written
like this is text.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from generation.errors import InvalidRequest
from generation.phrases import Phrase

MOST_ADAPTERS = 8  # of a request
ADAPTER_WEIGHT = (-2.0, 2.0)
ADAPTER_NAME_LENGTH = 200  # characters

_TAG = re.compile(r"<\s*(?:lora|lyco)\s*:([^<>:\r\n]+)((?::[^<>:\r\n]*){0,4})>", re.IGNORECASE)
_NUMBER = r"[+-]?(?:[0-9]{1,9}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})"
_WEIGHT = re.compile(rf"\s*(?:(unet|te)\s*=\s*)?({_NUMBER})\s*", re.IGNORECASE)
_MARKUP = re.compile(r"[^\w .,'-]|_")


class AdapterUse(NamedTuple):
    """An adapter by its name, with its weights for the denoiser and for the text encoders."""

    name: str
    weight: float = 1.0
    text_weight: float = 1.0


def split_adapters(text: str, field: str = "prompt") -> tuple[str, tuple[AdapterUse, ...]]:
    """Return a prompt without its adapters, and these in order, each name once.

    The weights of a name that is there twice add up. Raises InvalidRequest, naming ``field``.
    """
    found = [read_adapter(tag, field) for tag in tags_in(text)]
    uses = merge_adapters(found)
    check_adapters(uses, field)
    return (_TAG.sub("", text).strip(), uses) if found else (text, ())


def tags_in(text: str) -> list[str]:
    """Return what names an adapter in a text, in order; its weights may be wrong."""
    return [tag[0] for tag in _TAG.finditer(text)]


def without_tags(text: str) -> str:
    """Return a text without what `tags_in` returns."""
    return _TAG.sub("", text)


def merge_adapters(uses: Iterable[AdapterUse]) -> tuple[AdapterUse, ...]:
    """Return each name once, in whatever case, with the sum of its weights."""
    merged: dict[str, AdapterUse] = {}
    for use in uses:
        before = merged.get(use.name.casefold(), AdapterUse(use.name, 0.0, 0.0))
        # Rounded, so that 0.1 + 0.2 is shown as 0.3.
        merged[use.name.casefold()] = AdapterUse(
            before.name,
            round(before.weight + use.weight, 4),
            round(before.text_weight + use.text_weight, 4),
        )
    return tuple(merged.values())


def check_adapters(uses: tuple[AdapterUse, ...], field: str = "adapters") -> None:
    """Raise InvalidRequest, naming ``field`` and its bound, unless a request may have these."""
    if len(uses) > MOST_ADAPTERS:
        raise InvalidRequest(field, Phrase("bound-adapters", most=MOST_ADAPTERS))
    if len({use.name.casefold() for use in uses}) < len(uses):
        raise InvalidRequest(field, Phrase("bound-adapters-once"))
    for use in uses:
        if not use.name.strip() or len(use.name) > ADAPTER_NAME_LENGTH:
            raise InvalidRequest(
                field, Phrase("bound-adapter-name", least=1, most=ADAPTER_NAME_LENGTH)
            )
        for weight in (use.weight, use.text_weight):
            least, most = ADAPTER_WEIGHT
            # NaN fails every comparison, so test that the value lies inside.
            if isinstance(weight, bool) or not least <= weight <= most:
                raise _weight_error(field, use.name, f"{weight:g}")


def read_adapter(text: str, field: str) -> AdapterUse:
    """Return a tag's adapter; raises InvalidRequest, naming ``field``, for wrong weights."""
    tag = _TAG.fullmatch(text)
    if tag is None:
        raise InvalidRequest(field, Phrase("bound-adapters-written"))
    name = " ".join(tag[1].split())
    if not name or len(name) > ADAPTER_NAME_LENGTH:
        raise InvalidRequest(field, Phrase("bound-adapter-name", least=1, most=ADAPTER_NAME_LENGTH))
    weights: dict[str, float] = {}
    for place, said in enumerate(tag[2].split(":")[1:]):
        read = _WEIGHT.fullmatch(said)
        which = read[1].lower() if read and read[1] else ("unet", "te")[place] if place < 2 else ""
        if read is None or not which or which in weights:
            raise _weight_error(field, name, said.strip())
        weights[which] = float(read[2])
    weight = weights.get("unet", weights.get("te", 1.0))
    return AdapterUse(name, weight, weights.get("te", weight))


def _weight_error(field: str, name: str, said: str) -> InvalidRequest:
    least, most = ADAPTER_WEIGHT
    # What is shown of somebody's words is no markup of theirs.
    name, said = (_MARKUP.sub("", text).strip()[:40] or "…" for text in (name, said))
    shown = Phrase(
        "bound-adapter-weight", least=f"{least:g}", most=f"{most:g}", name=name, weight=said
    )
    return InvalidRequest(field, shown)


def written(use: AdapterUse) -> str:
    """Return it as it is written in a prompt.

    Two weights are named, since the web UI has them the other way round.
    """
    if use.text_weight == use.weight:
        return f"<lora:{use.name}:{use.weight:g}>"
    return f"<lora:{use.name}:te={use.text_weight:g}:unet={use.weight:g}>"
