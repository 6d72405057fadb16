"""LoRAs and embeddings in people's words and in other programs' files, as far as they are here."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from bot.options.adapters.asked import by_name, other_family, over
from bot.options.image_options import ImageOptions
from bot.options.other_programs import dialects
from generation.catalog import Catalog, Checkpoint
from generation.catalog.adapters import adapter_named
from generation.errors import InvalidRequest
from generation.metadata.fields import plain
from generation.metadata.infotext import ADAPTER_HASHES, Parameters, is_ours
from generation.prompts.adapters import (
    MOST_ADAPTERS,
    AdapterUse,
    check_adapters,
    merge_adapters,
    read_adapter,
    tags_in,
)
from generation.prompts.embeddings import PREFIX, EmbeddingNames
from generation.styles import NAME_LENGTH

LONGEST = NAME_LENGTH + 20  # of an embedding's name, a suffix, and what ends it
MOST_LISTED = 64  # in another program's file
_LISTED = re.compile(
    r"\s*(?P<name>[^,<>:][^,<>:]{0,199}?)(?:\s\((?P<weight>-?[0-9.]{1,20})\))?\s*(?:,|$)"
)
_LISTS = frozenset(("lora", "loras"))
_EMBEDDING = re.compile(r"\bembedding:\s?(?P<name>[^\s,()\[\]:|<>]{1,200})", re.IGNORECASE)


def named_adapters(catalog: Catalog, said: ImageOptions) -> ImageOptions:
    """Return it with LoRAs by their names in the catalog.

    Raises AdapterUnavailable, which names the nearest, for one that is not there.
    """
    if not (uses := said.get("lora")):
        return said
    return said.but(lora=by_name(catalog, uses))


@dataclass(frozen=True, slots=True)
class Taken:
    """A prompt without its LoRAs, those that can be had here, and the others as they stand."""

    words: str
    adapters: tuple[AdapterUse, ...] = ()
    left_out: tuple[str, ...] = ()


def take(text: str, catalog: Catalog, checkpoint: Checkpoint, *, theirs: bool = False) -> Taken:
    """Return what a prompt says that nobody typed just now.

    Of two weights the web UI's prompts, which are ``theirs``, have the text encoders' first.
    """
    words, tags = dialects.adapters(text)
    taken = Taken(words)
    for tag in tags:
        use = _usable(tag, catalog, checkpoint)
        if use is not None and theirs and "=" not in tag:
            use = AdapterUse(use.name, use.text_weight, use.weight)
        more = taken.adapters if use is None else merge_adapters((*taken.adapters, use))
        if use is None or not _is_bounded(more):
            taken = replace(taken, left_out=(*taken.left_out, tag))
        else:
            taken = replace(taken, adapters=more)
    return taken


def of_file(
    found: Parameters, catalog: Catalog, checkpoint: Checkpoint
) -> tuple[Parameters, Taken]:
    """Return what a file says without its LoRAs, and these: of its prompts, or listed beside."""
    theirs = found.program is None and not is_ours(found)
    prompt = take(found.prompt, catalog, checkpoint, theirs=theirs)
    away = take(found.negative_prompt, catalog, checkpoint, theirs=theirs)
    uses = over(prompt.adapters, away.adapters)
    other = dict(found.other)
    for key, text in found.other.items():
        if plain(key) in _LISTS:
            listed = [_usable(tag, catalog, checkpoint) for tag in _listed(text)]
            more = over(uses, [use for use in listed if use is not None])
            if listed and None not in listed and _is_bounded(more):
                uses = more
                del other[key]
        elif key == ADAPTER_HASHES and _are_named(text, found):
            del other[key]
    said = replace(found, prompt=prompt.words, negative_prompt=away.words, other=other)
    left_out = (*prompt.left_out, *away.left_out)
    return said, Taken(prompt.words, uses[:MOST_ADAPTERS], left_out)


def _are_named(hashes: str, found: Parameters) -> bool:
    """Whether all LoRAs of which a file has hashes stand in its prompts, too."""
    tags = tags_in(f"{found.prompt}\n{found.negative_prompt}")
    named = {tag.split(":")[1].strip().casefold() for tag in tags}
    return all(one.partition(":")[0].strip().casefold() in named for one in hashes.split(","))


def _is_bounded(uses: tuple[AdapterUse, ...]) -> bool:
    try:
        check_adapters(uses)
    except InvalidRequest:
        return False
    return True


def known_embeddings(catalog: Catalog, said: ImageOptions) -> ImageOptions:
    """Return it without ``embedding:`` before names that are none here, which are left out."""
    names = EmbeddingNames(tuple(catalog.embeddings))
    left_out: list[str] = []

    def kept(found: re.Match[str]) -> str:
        if _named(found, names) is not None:
            return f"{PREFIX}{found['name']}"
        left_out.append(found[0])
        return ""

    changed = {}
    for field in ("prompt", "negative_prompt"):
        text = str(said.get(field, ""))
        before = len(left_out)
        words = _EMBEDDING.sub(kept, text)
        if len(left_out) > before:
            words = dialects.cleaned(words)
        if words != text:
            changed[field] = words
    return said.but(**changed).without(*left_out) if changed else said


def check_embeddings(catalog: Catalog, prompt: str, checkpoint: Checkpoint) -> None:
    """Raise AdapterUnavailable if ``embedding:`` names one that was made for another family."""
    names = EmbeddingNames(tuple(catalog.embeddings))
    for found in _EMBEDDING.finditer(prompt):
        embedding = catalog.embeddings.get(_named(found, names) or "")
        if embedding is not None and not embedding.fits(checkpoint.family):
            raise other_family(embedding, checkpoint)


def _named(found: re.Match[str], names: EmbeddingNames) -> str | None:
    """Return the embedding that a text behind ``embedding:`` begins with."""
    start = found.start("name")
    return next(names.split(PREFIX + found.string[start : start + LONGEST]))[1]


def _usable(tag: str, catalog: Catalog, checkpoint: Checkpoint) -> AdapterUse | None:
    """Return a tag's LoRA if it is one that somebody can choose here."""
    try:
        use = read_adapter(tag, "lora")
        check_adapters((use,), "lora")
    except InvalidRequest:
        return None
    adapter = adapter_named(use.name, catalog.adapters)
    if adapter is None or adapter.name not in catalog.adapter_names:
        return None
    return use._replace(name=adapter.name) if adapter.fits(checkpoint.family) else None


def _listed(text: str) -> Iterable[str]:
    """Return what stands as ``ink.safetensors (0.5), wash`` as tags."""
    for found in list(_LISTED.finditer(text))[:MOST_LISTED]:
        yield f"<lora:{found['name']}:{found['weight'] or 1}>"
