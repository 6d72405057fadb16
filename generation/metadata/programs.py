"""Programs that write one JSON object, or a text for each field. Imports no torch."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from generation.metadata import fields
from generation.metadata.comfyui import comfyui, workflow
from generation.metadata.containers import Texts, json_object
from generation.metadata.infotext import Parameters

Table = dict[str, Any]

_DRAW_THINGS = {"c": "prompt", "uc": "negativeprompt", "scale": "cfgscale"}
_SWARM_OWN = ("swarm_version", "date", "generation_time", "images", "aspectratio")
# What none but a program that makes pictures writes beside a prompt.
_TELLING = ("steps", "seed", "sampler", "guidance_scale", "model")


def swarmui(texts: Texts) -> Parameters | None:
    """SwarmUI: the parameters stand in an object of their own."""
    for _, table in texts.objects:
        inner = table.get("sui_image_params")
        if isinstance(inner, dict):
            known = {key: value for key, value in inner.items() if key not in _SWARM_OWN}
            return fields.read(known, program="SwarmUI")
    return None


def fooocus(texts: Texts) -> Parameters | None:
    """Fooocus, and its relatives with their own names in ``software`` or ``version``."""
    for _, table in texts.objects:
        low = {fields.plain(key): value for key, value in table.items()}
        named = _fooocus_name(low) or ("Fooocus" if texts.get("fooocus_scheme") else "")
        if named:
            known = _without(table, "full_prompt", "full_negative_prompt", "metadata_scheme")
            if not low.get("prompt"):
                known["prompt"] = low.get("fullprompt") or low.get("realprompt") or ""
            return fields.read(known, program=named)
    return None


def _fooocus_name(low: Mapping[str, Any]) -> str:
    """Return which of the family wrote a table; empty for nobody of it."""
    for key in ("software", "version"):
        if "fooocus" in str(low.get(key)).casefold():
            return str(low[key])
    own = (
        "metadatascheme" in low
        or "admguidance" in low
        or {"performance", "basemodel"} <= low.keys()
    )
    return "Fooocus" if own else ""


def draw_things(texts: Texts) -> Parameters | None:
    """Draw Things: short keys, in XMP."""
    for _, table in texts.objects:
        if isinstance(table.get("c"), str) and ("uc" in table or "scale" in table):
            return fields.read(_without(table, "v2"), program="Draw Things", names=_DRAW_THINGS)
    named = texts.get("CreatorTool").startswith("Draw Things")
    return Parameters(program="Draw Things") if named else None


def tensorart(texts: Texts) -> Parameters | None:
    """TensorArt: an object under a key of its own, with a list of models."""
    table = json_object(texts.get("generation_data"))
    if table is None:
        return None
    known = _without(table, "models", "baseModel")
    base, models = table.get("baseModel"), table.get("models")
    listed = [one for one in models if isinstance(one, dict)] if isinstance(models, list) else []
    bases = [one for one in listed if str(one.get("type")).upper() in ("BASE_MODEL", "CHECKPOINT")]
    for one in (base, *bases):
        if isinstance(one, dict):
            known["model"] = one.get("modelFileName") or one.get("label") or known.get("model")
            known["modelHash"] = one.get("hash") or known.get("modelHash")
    more = [f"{one.get('label')} ({one.get('weight', 1)})" for one in listed if one not in bases]
    if more:
        known["LoRA"] = ", ".join(more)
    return fields.read(known, program="TensorArt")


def civitai(texts: Texts) -> Parameters | None:
    """Civitai's generator: ComfyUI's graph, and the form that it was made of beside it."""
    for _, table in texts.objects:
        if "extraMetadata" not in table:
            continue
        extra = table["extraMetadata"]
        inner = json_object(extra) if isinstance(extra, str) else extra
        graph = comfyui.parse_table(table)
        if isinstance(inner, dict):
            form = fields.read(_without(inner, "workflowId"), program="Civitai")
            return fields.filled(form, graph)
    return None


def easy_diffusion(texts: Texts) -> Parameters | None:
    """Easy Diffusion: a text for each field, under either of two names, or one object."""
    for _, whole in texts.objects:
        inner = whole.get("reqBody")  # what its page copies
        table = {**whole, **inner} if isinstance(inner, dict) else whole
        if {"use_stable_diffusion_model", "Stable Diffusion model"} & table.keys():
            return fields.read(_without(table, "reqBody"), program="Easy Diffusion")
    if texts.get("use_stable_diffusion_model") or texts.get("Stable Diffusion model"):
        return fields.read(dict(reversed(texts.pairs)), program="Easy Diffusion")
    return None


def comfy(texts: Texts) -> Parameters | None:
    """ComfyUI: the graph, or else what its page shows ("workflow"), of which a part is known."""
    for key, table in texts.objects:
        if key.casefold() == "prompt" or comfyui.is_graph(table):
            if found := comfyui.parse_table(table):
                return found
        elif isinstance(inner := table.get("prompt"), dict) and comfyui.is_graph(inner):
            return comfyui.parse_table(inner)
    recognised = None
    for _, table in texts.objects:
        if workflow.is_workflow(table):
            recognised = Parameters(program=comfyui.PROGRAM)
            if found := comfyui.parse_table(workflow.as_graph(table)):
                return replace(found, partial=True)
        elif comfyui.is_graph(table):
            recognised = Parameters(program=comfyui.PROGRAM)
    return recognised


def anybody(texts: Texts) -> Parameters | None:
    """A program that is not known here, which writes a prompt and settings as all do."""
    for _, table in texts.objects:
        found = fields.read(table, program=None)
        if found.prompt and sum(getattr(found, field) is not None for field in _TELLING) > 1:
            return found
    found = fields.read(dict(reversed(texts.pairs)), program=None)
    told = sum(getattr(found, field) is not None for field in _TELLING)
    return found if found.prompt and told > 1 else None


def _without(table: Mapping[str, Any], *keys: str) -> Table:
    return {key: value for key, value in table.items() if key not in keys}
