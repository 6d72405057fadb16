"""What an owner says of LoRAs and embeddings, in the catalog or beside the file.

Imports no torch.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from generation.architectures import ARCHITECTURES
from generation.catalog.adapters import Adapter, Distillation, weights_of
from generation.catalog.tables import checked, roles_of, sampler_of
from generation.errors import CatalogInvalid, InvalidRequest

# The TOML types allowed for each field; an int is accepted for a float.
_SETTINGS: dict[str, tuple[type, ...]] = {
    "title": (str,),
    "trigger_words": (list,),
    "weight": (float, int),
    "family": (str,),
    "sampler": (str,),
    "num_inference_steps": (int,),
    "guidance_scale": (float, int),
    "age_restricted": (bool,),
    "roles": (list, int, str),
}
_BROUGHT = ("sampler", "num_inference_steps", "guidance_scale")


def adapter_with(adapter: Adapter, path: Path, place: str, entry: object) -> Adapter:
    """Return an adapter with the settings of a table; raises CatalogInvalid, naming the key."""
    said = checked(path, place, entry, _SETTINGS)
    if "sampler" in said:
        said["sampler"] = sampler_of(path, place, said["sampler"])
    if "roles" in said:
        said["roles"] = roles_of(path, place, said["roles"])
    if (family := said.get("family")) is not None:
        if family not in ARCHITECTURES:
            raise CatalogInvalid(path, f"{place}.family must be one of {', '.join(ARCHITECTURES)}")
        said["family"] = weights_of(family)
    if (words := said.pop("trigger_words", None)) is not None:
        if not all(isinstance(one, str) for one in words):
            raise CatalogInvalid(path, f"{place}.trigger_words must be a list of texts")
        said["triggers"] = tuple(words)
    brought: dict[str, Any] = {key: said.pop(key) for key in _BROUGHT if key in said}
    try:
        if brought:
            before = adapter.distillation or Distillation()
            said["distillation"] = replace(before, **brought)
        return replace(adapter, **said)
    except InvalidRequest as error:
        raise CatalogInvalid(path, f"{place}: {error}") from error
