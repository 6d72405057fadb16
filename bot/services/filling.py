"""What a wish leaves out: from the person's own defaults, then from the rules of the place."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.services.parameters import pick
from bot.services.requests import DEFAULT_COUNT, Wish, style_of
from bot.store.defaults import Defaults
from bot.store.preferences import Preferences
from bot.store.rules import Rules
from bot.texts import say
from generation.catalog import Catalog, Checkpoint
from generation.errors import InvalidRequest
from generation.request import LCM_STEPS, Sampler
from generation.styles import NO_STYLE


def fill(catalog: Catalog, wish: Wish, liked: Preferences) -> Wish:
    """Return the wish with the preferences in its gaps, as far as they go with what it says.

    A checkpoint or a style that the catalog has lost, or does not name here, a style that does not
    fit the checkpoint, a sampler that it does not offer, and more steps than a sampler takes are
    passed over.
    """
    style = catalog.styles.get(wish.style or "")
    checkpoint = wish.checkpoint
    if checkpoint is None and liked.checkpoint in catalog.names:
        checkpoint = liked.checkpoint if style is None or style.fits(liked.checkpoint) else None
    known = _checkpoint(catalog, checkpoint)
    wanted = catalog.styles[liked.style] if liked.style in catalog.style_names else None
    fitting = wanted.name if wanted is not None and wanted.fits(known.name) else None
    sampler = liked.sampler if liked.sampler in known.samplers else None
    wish = replace(
        wish,
        checkpoint=checkpoint,
        style=wish.style or fitting,
        sampler=wish.sampler or sampler,
        aspect=wish.aspect or liked.aspect,
        count=liked.count if wish.count is None else wish.count,
        guidance_scale=liked.guidance_scale if wish.guidance_scale is None else wish.guidance_scale,
    )
    if wish.steps is None and liked.steps is not None:
        return replace(wish, steps=min(liked.steps, _most_steps(wish, known) or liked.steps))
    return wish


def complete(catalog: Catalog, wish: Wish, mine: Defaults, rules: Rules) -> Wish:
    """Return the wish with the person's own defaults, then the place's; raises as `with_own`."""
    return within(catalog, with_own(catalog, wish, mine, rules), rules)


def complete_alike(catalog: Catalog, wish: Wish, mine: Defaults, rules: Rules) -> Wish:
    """Return the wish for something like a picture that is there, completed likewise.

    All of its words are said: no style is laid over them, and nothing else is kept out.
    """
    wish = replace(wish, style=wish.style or NO_STYLE)
    return complete(catalog, wish, replace(mine, negative_prompt=None), rules)


def with_own(catalog: Catalog, wish: Wish, mine: Defaults, rules: Rules) -> Wish:
    """Return the wish with the person's own defaults in its gaps.

    Raises InvalidRequest where one of them is beyond a bound of the rules: nobody's settings are
    changed behind their back.
    """
    for field, given, own, most in (
        ("steps", wish.steps, mine.steps, rules.max_steps),
        ("count", wish.count, mine.count, rules.max_count),
    ):
        if given is None and own is not None and most is not None and own > most:
            raise InvalidRequest(field, say("bound-default", most=str(most), yours=str(own)))
    wish = fill(catalog, wish, mine)
    return replace(wish, negative_prompt=wish.negative_prompt.strip() or mine.negative_prompt or "")


def by_catalog(catalog: Catalog, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return changes of preferences with the catalog's own names.

    Raises CheckpointUnavailable or InvalidRequest where it has none such.
    """
    named = dict(changes)
    if named.get("checkpoint") is not None:
        named["checkpoint"] = catalog[
            pick(named["checkpoint"], catalog.names, catalog.checkpoints)
        ].name
    if named.get("style") is not None:
        named["style"] = pick(named["style"], (*catalog.style_names, NO_STYLE), catalog.styles)
        style_of(catalog, named["style"])
    if named.get("sampler") is not None:
        named["sampler"] = pick(named["sampler"], Sampler)
    return named


def within(catalog: Catalog, wish: Wish, rules: Rules) -> Wish:
    """Return the wish with what the rules of the place say of its gaps.

    What nobody asked for stays within their bounds. What the wish says does not: that is for the
    policy to judge.
    """
    steps, count = wish.steps, wish.count
    wish = fill(catalog, wish, rules)
    if count is None and rules.max_count is not None:
        wish = replace(wish, count=min(wish.count or DEFAULT_COUNT, rules.max_count))
    if steps is None and rules.max_steps is not None:
        own = _checkpoint(catalog, wish.checkpoint).num_inference_steps
        wish = replace(wish, steps=min(wish.steps or own, rules.max_steps))
    return wish


def _checkpoint(catalog: Catalog, name: str | None) -> Checkpoint:
    """Return the checkpoint, the default one where the name is none: whoever composes says so."""
    return catalog[name if name and name in catalog.checkpoints else catalog.default]


def _most_steps(wish: Wish, checkpoint: Checkpoint) -> int | None:
    return LCM_STEPS[1] if (wish.sampler or checkpoint.sampler) == Sampler.LCM else None
