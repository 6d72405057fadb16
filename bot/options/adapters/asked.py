"""The LoRAs that options ask for, held against the catalog."""

from collections.abc import Iterable, Mapping
from typing import Any

from bot.options.adapters.value import Adapters
from bot.texts import say
from bot.texts.inert import inert
from generation.catalog import Catalog, Checkpoint
from generation.catalog.adapters import Adapter, adapter_named
from generation.errors import AdapterUnavailable, InvalidRequest
from generation.prompts.adapters import AdapterUse, check_adapters, merge_adapters, written
from generation.request import Sampler

FIELD = "lora"


def over(above: Iterable[AdapterUse], below: Iterable[AdapterUse]) -> tuple[AdapterUse, ...]:
    """Return the LoRAs of both; where both name one, it has the weights that ``above`` says."""
    said = tuple(above)
    names = {use.name.casefold() for use in said}
    return (*said, *(use for use in below if use.name.casefold() not in names))


def by_name(catalog: Catalog, uses: Iterable[AdapterUse]) -> tuple[AdapterUse, ...]:
    """Return LoRAs by their names in the catalog.

    Raises AdapterUnavailable, or InvalidRequest for too many or together too heavy ones.
    """
    named = merge_adapters(use._replace(name=catalog.adapter(use.name).name) for use in uses)
    check_adapters(named, FIELD)
    return named


def adapters_for(
    catalog: Catalog, said: Mapping[str, Any], checkpoint: Checkpoint
) -> tuple[AdapterUse, ...]:
    """Return the LoRAs that options ask for, with those of their style.

    Raises InvalidRequest, and AdapterUnavailable for one that is not in the catalog, or was not
    made for the checkpoint's family.
    """
    lora = said.get(FIELD)
    mine = by_name(catalog, Adapters().check(FIELD, lora) if lora else ())
    uses = by_name(catalog, over(mine, _styled(catalog, said)))
    for use in uses:
        adapter = catalog.adapter(use.name)
        if not adapter.fits(checkpoint.family):
            raise other_family(adapter, checkpoint)
    return uses


def other_family(adapter: Adapter, checkpoint: Checkpoint) -> AdapterUnavailable:
    """Return the error of one that was made for another family than a checkpoint's."""
    made, wanted = adapter.family_title, checkpoint.architecture.title
    name = inert(checkpoint.name)
    reason = say("adapter-family-here", made=made, checkpoint=name, wanted=wanted)
    return AdapterUnavailable(adapter.name, reason)


def brought(catalog: Catalog, said: Mapping[str, Any], checkpoint: Checkpoint) -> dict[str, Any]:
    """Return the sampler, steps and guidance that LoRAs bring, the first of each.

    These are distilled, and draw badly with others.
    """
    found: dict[str, Any] = {}
    for adapter in _distilled(catalog, said):
        settings = adapter.distillation
        assert settings is not None  # noqa: S101 - it is one of those
        sampler = settings.sampler
        for field, value in (
            ("sampler", sampler if sampler in checkpoint.architecture.samplers else None),
            ("steps", settings.num_inference_steps),
            ("guidance_scale", settings.guidance_scale),
        ):
            if value is not None:
                found.setdefault(field, value)
    return found


def samplers_for(
    catalog: Catalog, said: Mapping[str, Any], checkpoint: Checkpoint
) -> tuple[Sampler, ...]:
    """Return the samplers that a checkpoint offers with the LoRAs that options ask for."""
    more = {one.distillation.sampler for one in _distilled(catalog, said) if one.distillation}
    offered = {*checkpoint.samplers, *more}
    return tuple(one for one in checkpoint.architecture.samplers if one in offered)


def choices(catalog: Catalog, said: Mapping[str, Any], checkpoint: Checkpoint) -> dict[str, str]:
    """Return what can be chosen as the last of the LoRAs, with labels: first what fits.

    Each is a name, with a weight if it has one of its own; its label has the trigger words, too.
    """
    before, comma, _ = str(said.get(FIELD) or "").rpartition(",")
    start = f"{before.strip()}, " if comma else ""
    listed = [catalog.adapters[name] for name in catalog.adapter_names]
    found = {}
    for one in sorted(listed, key=lambda one: not one.fits(checkpoint.family)):
        value = one.name if one.weight == 1 else f"{one.name}:{one.weight:g}"
        if "," in one.name:
            value = written(AdapterUse(one.name, one.weight, one.weight))
        value = start + value
        words = ", ".join(filter(None, (one.title, *one.triggers)))
        found[value] = f"{value} ({words})" if words else value
    return found


def _asked(catalog: Catalog, said: Mapping[str, Any]) -> tuple[AdapterUse, ...]:
    return over(_said(said.get(FIELD)), _styled(catalog, said))


def _styled(catalog: Catalog, said: Mapping[str, Any]) -> tuple[AdapterUse, ...]:
    style = catalog.styles.get(said.get("style") or "")
    return style.adapters if style else ()


def _said(value: object) -> tuple[AdapterUse, ...]:
    """Return the LoRAs of an option, which may still be as somebody is typing it."""
    try:
        return Adapters().check(FIELD, value) if value else ()
    except InvalidRequest:
        return ()


def _distilled(catalog: Catalog, said: Mapping[str, Any]) -> Iterable[Adapter]:
    for use in _asked(catalog, said):
        found = adapter_named(use.name, catalog.adapters)
        if found is not None and found.distillation is not None and use.weight > 0:
            yield found
