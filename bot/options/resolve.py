"""Resolving options: explicit ones, then each layer's defaults, then the checkpoint's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.options.adapters.asked import adapters_for, brought, over, samplers_for
from bot.options.adapters.known import check_embeddings, known_embeddings, take
from bot.options.controls import controls_for
from bot.options.image_options import ImageOptions
from bot.options.other_programs import dialects
from bot.options.registry import OPTIONS, Layer
from bot.options.values import new_seed, pick
from bot.texts import say
from bot.texts.inert import inert, inert_list
from generation.architectures import DISTILLED
from generation.catalog import Catalog, Checkpoint
from generation.catalog.adapters import weights_of
from generation.catalog.controls import ReferenceModel
from generation.controls import Reference, ReferenceKind
from generation.errors import InvalidRequest
from generation.request import LCM_STEPS, Aspect, GenerationRequest, Sampler
from generation.styles import NO_STYLE, Style

# Of several IP-Adapters, those that see more of a picture come first.
_LIKED = ("plus", "")
_OF_FACES = "face"


@dataclass(frozen=True, slots=True)
class Layers:
    """Defaults for unset options: the person's own, then those of the place.

    ``most`` are the place's limits, by field.
    """

    person: ImageOptions = field(default_factory=ImageOptions)
    place: ImageOptions = field(default_factory=ImageOptions)
    most: Mapping[str, int] = field(default_factory=dict)


def complete(catalog: Catalog, said: ImageOptions, layers: Layers) -> ImageOptions:
    """Return the options with the person's defaults, then the place's.

    What LoRAs bring with them comes before all of these. Defaults stay within the place's limits.
    Explicit options may exceed them: the policy judges those. Raises InvalidRequest if a person's
    own default exceeds a limit: personal settings are never changed silently.
    """
    for name, most in layers.most.items():
        own = layers.person.get(name)
        if name not in said and own is not None and own > most:
            raise InvalidRequest(name, say("bound-default", most=str(most), yours=str(own)))
    asked = fill(catalog, said, layers.person)
    whole = fill(catalog, asked, layers.place)
    checkpoint = _checkpoint(catalog, whole.get("checkpoint"))
    brings = brought(catalog, whole, checkpoint)
    whole = whole.but(**{name: value for name, value in brings.items() if name not in said})
    for name, most in layers.most.items():
        if name not in asked or (name in brings and name not in said):
            whole = whole.but(**{name: min(whole.get(name, built_in(name, checkpoint)), most)})
    return whole


def complete_alike(catalog: Catalog, said: ImageOptions, layers: Layers) -> ImageOptions:
    """Return options taken from an existing picture, completed likewise.

    Its prompts are complete: no style is applied, and no negative prompt added.
    """
    said = said.over({"style": NO_STYLE})
    mine = layers.person.but(negative_prompt=None)
    return complete(catalog, said, Layers(mine, layers.place, layers.most))


def fill(catalog: Catalog, said: ImageOptions, layer: ImageOptions) -> ImageOptions:
    """Return the options with unset ones filled in from a layer's defaults, where compatible.

    Skipped are checkpoints and styles that the catalog no longer has or does not offer here, styles
    that do not suit the checkpoint, samplers that it does not offer, and more steps than a sampler
    takes. That a checkpoint is no longer there is said.
    """
    wanted = dict(layer)
    style = catalog.styles.get(said.get("style", ""))
    liked = wanted.pop("checkpoint", None)
    if liked in catalog.names and (style is None or style.fits(liked)):
        wanted["checkpoint"] = liked
    elif liked is not None and liked not in catalog.checkpoints and "checkpoint" not in said:
        said = said.without(say("left-out-checkpoint", said=liked))
    checkpoint = _checkpoint(catalog, said.get("checkpoint", wanted.get("checkpoint")))
    liked = wanted.pop("style", None)
    if liked in catalog.style_names and catalog.styles[liked].fits(checkpoint.name):
        wanted["style"] = liked
    if wanted.get("sampler") not in checkpoint.samplers:
        wanted.pop("sampler", None)
    sampler = said.get("sampler", wanted.get("sampler", checkpoint.sampler))
    if "steps" in wanted and sampler in DISTILLED:
        wanted["steps"] = min(wanted["steps"], LCM_STEPS[1])
    if "negative_prompt" not in said and (away := wanted.get("negative_prompt")):
        taken = take(away, catalog, checkpoint)
        read = dialects.words(taken.words)  # as it is where it is typed
        kept = known_embeddings(catalog, ImageOptions(negative_prompt=read.words))
        wanted["negative_prompt"] = kept.negative_prompt
        said = said.but(lora=over(said.get("lora", ()), taken.adapters))
        said = said.without(*taken.left_out, *read.left_out, *kept.left_out)
    return said.over(wanted)


def built_in(name: str, checkpoint: Checkpoint) -> Any:  # noqa: ANN401
    """Return an option's value if no layer sets it."""
    option = OPTIONS[name]
    if option.request is not None and Layer.CHECKPOINT in option.layers:
        return getattr(checkpoint, option.request)
    return option.default


def request_of(catalog: Catalog, said: ImageOptions) -> GenerationRequest:
    """Fill in what is still unset, and apply the style.

    Raises InvalidRequest, naming the field and its limit, CheckpointUnavailable, or
    AdapterUnavailable.
    """
    style = style_of(catalog, said.get("style"))
    checkpoint = catalog[said.get("checkpoint", _default(catalog, style))]
    prompt, negative_prompt = said.prompt.strip(), said.negative_prompt.strip()
    if style is not None:
        if not style.fits(checkpoint.name):
            raise InvalidRequest("style", _fitting(catalog, checkpoint.name))
        if prompt:  # a style without a prompt is no request
            prompt, negative_prompt = style.apply(prompt, negative_prompt)
    said = said.over(brought(catalog, said, checkpoint))
    filled = {
        option.request: said.get(name, built_in(name, checkpoint))
        for name, option in OPTIONS.items()
        if option.request is not None
    }
    filled["sampler"] = sampler = OPTIONS["sampler"].value.check("sampler", filled["sampler"])
    filled["adapters"] = adapters_for(catalog, said, checkpoint)
    samplers = samplers_for(catalog, said, checkpoint)
    if sampler not in samplers:
        names = inert_list(samplers)
        raise InvalidRequest("sampler", say("bound-one-of-here", names=names))
    shape = OPTIONS["aspect"].value.check("aspect", said.get("aspect", Aspect.SQUARE))
    width, height = checkpoint.size_for(shape)
    if filled["seed"] is None:
        filled["seed"] = new_seed()
    for option in OPTIONS.values():
        if option.request is not None:
            value = filled[option.request]
            filled[option.request] = option.value.requested(value, filled["num_inference_steps"])
    filled |= {"checkpoint": checkpoint.name, "width": width, "height": height}
    filled["family"] = checkpoint.family
    # What is still unset is up to the request's own defaults.
    said_at_all = {name: value for name, value in filled.items() if value is not None}
    for words in (prompt, negative_prompt):
        check_embeddings(catalog, words, checkpoint)
    said_at_all |= _steered(catalog, said, checkpoint)
    return GenerationRequest(prompt=prompt, negative_prompt=negative_prompt, **said_at_all)


def _steered(catalog: Catalog, said: Mapping[str, Any], checkpoint: Checkpoint) -> dict[str, Any]:
    """Return a request's fields for what was said, which are none for most.

    Raises AdapterUnavailable for a net that there is not, or that is made for another family, and
    InvalidRequest.
    """
    fields: dict[str, Any] = {}
    family = weights_of(checkpoint.family)
    if "control" in said:
        fields["controls"] = controls_for(said, catalog.controls, family)
    elif "control_weight" in said:
        raise InvalidRequest("control_weight", say("bound-control-alone", option="control"))
    if (weight := said.get("reference_weight")) is not None:
        kind = ReferenceKind(said.get("reference_kind", ReferenceKind.SUBJECT)).value
        fields["references"] = (Reference(_reference(catalog, checkpoint).name, weight, kind),)
    elif "reference_kind" in said:
        raise InvalidRequest("reference_kind", say("bound-control-alone", option="reference"))
    return fields


def takes_references(catalog: Catalog, said: ImageOptions) -> bool:
    """Tell whether pictures that others are to be like can be had with these options."""
    style = catalog.styles.get(said.get("style", ""))
    name = said.get("checkpoint", _default(catalog, style))
    return bool(name in catalog.checkpoints and _fitting_references(catalog, catalog[name]))


def _fitting_references(catalog: Catalog, checkpoint: Checkpoint) -> list[ReferenceModel]:
    family = weights_of(checkpoint.family)
    return [one for one in catalog.references.values() if one.family == family]


def _reference(catalog: Catalog, checkpoint: Checkpoint) -> ReferenceModel:
    fitting = _fitting_references(catalog, checkpoint)
    general = [one for one in fitting if _OF_FACES not in one.name.casefold()] or fitting
    if not general:
        lacking = say("bound-reference-none", checkpoint=inert(checkpoint.name))
        raise InvalidRequest("reference", lacking)
    return next(one for word in _LIKED for one in general if word in one.name.casefold())


def named(catalog: Catalog, said: ImageOptions) -> ImageOptions:
    """Return it with names spelled as in the catalog, whatever their case."""
    return said.but(**_names(catalog, said))


def by_catalog(catalog: Catalog, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return changes of defaults with names spelled as in the catalog; None resets one.

    Raises CheckpointUnavailable or InvalidRequest for unknown names.
    """
    found = {**changes, **_names(catalog, changes)}
    if found.get("checkpoint") is not None:
        found["checkpoint"] = catalog[found["checkpoint"]].name
    style_of(catalog, found.get("style"))
    if found.get("sampler") is not None:
        found["sampler"] = pick(found["sampler"], Sampler)
    return found


def _names(catalog: Catalog, said: Mapping[str, Any]) -> dict[str, str]:
    """Return the full names of the checkpoint and the style."""
    found = {}
    if (checkpoint := said.get("checkpoint")) is not None:
        found["checkpoint"] = pick(checkpoint, catalog.names, catalog.checkpoints)
    if (style := said.get("style")) is not None:
        found["style"] = pick(style, (*catalog.style_names, NO_STYLE), catalog.styles)
    return found


def style_of(catalog: Catalog, name: str | None) -> Style | None:
    """Return the style of a name, None for none; raises InvalidRequest, which lists the names."""
    try:
        return catalog.style(name)
    except InvalidRequest as error:
        names = inert_list((*catalog.style_names, NO_STYLE))
        raise InvalidRequest(error.field, say("bound-one-of", names=names)) from error


def _checkpoint(catalog: Catalog, name: str | None) -> Checkpoint:
    """Return the checkpoint, or the default one if unknown: the executor reports that."""
    return catalog[name if name and name in catalog.checkpoints else catalog.default]


def _default(catalog: Catalog, style: Style | None) -> str:
    """Return the default checkpoint, or the first that suits the style if that one does not."""
    if style is None or style.fits(catalog.default):
        return catalog.default
    listed = [name for name in style.checkpoints if name in catalog.names]
    return (listed or style.checkpoints)[0]


def _fitting(catalog: Catalog, checkpoint: str) -> str:
    fitting = [name for name in catalog.style_names if catalog.styles[name].fits(checkpoint)]
    names = inert_list((*fitting, NO_STYLE))
    return say("bound-one-of-with", names=names, checkpoint=inert(checkpoint))
