"""Controls and references among a picture's options: which models steer it, and how much.

Their pictures are files, which are no options; that there is one for a reference, its weight says.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from bot.texts import say
from bot.texts.inert import inert
from generation.catalog import Catalog, Checkpoint
from generation.catalog.adapters import weights_of
from generation.catalog.controls import ReferenceModel, find_model, for_family
from generation.controls import Control, Reference, ReferenceKind
from generation.errors import InvalidRequest
from generation.request import GenerationRequest

WEIGHT = 1.0  # of a control that has none, and of a reference
REFERENCE_WEIGHT = 0.7  # at 1 the prompt hardly counts
# Of several adapters for pictures of anything: those that see more of a picture come first.
_LIKED = ("plus", "")
_OF_FACES = "face"


def offered_controls(catalog: Catalog, said: Mapping[str, Any]) -> Iterable[str]:
    """Return the names of control nets, those that fit the checkpoint first."""
    picked = said.get("checkpoint")
    checkpoint = catalog[picked if picked in catalog.names else catalog.default]
    return for_family(catalog.controls, weights_of(checkpoint.family))


def steered(catalog: Catalog, said: Mapping[str, Any], checkpoint: Checkpoint) -> dict[str, Any]:
    """Return a request's fields for what was said, which are none for most.

    Raises AdapterUnavailable for a net that there is not, or that is made for another family, and
    InvalidRequest.
    """
    fields: dict[str, Any] = {}
    family = weights_of(checkpoint.family)
    if (name := said.get("control")) is not None:
        model = find_model(name, catalog.controls, family)
        weight = said.get("control_weight", WEIGHT)
        fields["controls"] = (Control(model.name, weight, preprocess=model.preprocess),)
    elif "control_weight" in said:
        raise InvalidRequest("control_weight", say("bound-control-alone", option="control"))
    if (weight := said.get("reference_weight")) is not None:
        kind = ReferenceKind(said.get("reference_kind", ReferenceKind.SUBJECT)).value
        fields["references"] = (Reference(_reference(catalog, checkpoint).name, weight, kind),)
    elif "reference_kind" in said:
        raise InvalidRequest("reference_kind", say("bound-control-alone", option="reference"))
    return fields


def said_of(request: GenerationRequest) -> dict[str, Any]:
    """Return the options that a request's first control and reference come from."""
    said: dict[str, Any] = {}
    for control in request.controls[:1]:
        said |= {"control": control.name, "control_weight": control.weight}
    for reference in request.references[:1]:
        said["reference_weight"] = reference.weight
        if reference.kind != ReferenceKind.SUBJECT:
            said["reference_kind"] = ReferenceKind(reference.kind)
    return said


def _reference(catalog: Catalog, checkpoint: Checkpoint) -> ReferenceModel:
    family = weights_of(checkpoint.family)
    fitting = [one for one in catalog.references.values() if one.family == family]
    general = [one for one in fitting if _OF_FACES not in one.name.casefold()] or fitting
    if not general:
        lacking = say("bound-reference-none", checkpoint=inert(checkpoint.name))
        raise InvalidRequest("reference", lacking)
    return next(one for word in _LIKED for one in general if word in one.name.casefold())
