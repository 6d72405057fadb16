"""What of adapters' and embeddings' files can be used, by the layers of the models they are for.

``python -m generation.conditions.adapters.usable`` answers `generation.library.usable`: anybody may
have made the files, so memory is limited there. Models are built on the device "meta", without
weights.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

from generation.conditions.adapters.adapter_file import shapes_of
from generation.conditions.adapters.adapter_keys import Part
from generation.conditions.adapters.adapter_match import LayerShape, Matches, match
from generation.conditions.embeddings import embedding_keys
from generation.embedded import CHECKPOINT
from generation.errors import AdapterUnavailable
from generation.json_text import loads
from generation.library.headers import packed, serve
from generation.loading.detect import Kind, describe
from generation.loading.key_rules import TITLES
from generation.loading.layouts.components import component_configs, empty_model, names_of_part
from generation.loading.layouts.composition import COMPONENTS, shipped_config
from generation.loading.layouts.fitting import Config
from generation.loading.safetensors_file import Header, open_header
from generation.phrases import Phrase
from generation.worker.hardware import limit_memory

MEMORY = 6 * 2**30  # bytes; most of it is torch's own
CHECKPOINTS = 50  # of a family that are looked at, if its own configuration does not have it all
DENOISERS = ("unet", "transformer")
# Stable Diffusion 3's sizes beside Medium, which comes with us.
SIZES: Mapping[str, Sequence[Config]] = {
    "sd3": (
        {"dual_attention_layers": list(range(13)), "qk_norm": "rms_norm"},
        {"num_layers": 38, "num_attention_heads": 38, "caption_projection_dim": 2432},
    )
}
Configs = Mapping[str, Config]  # by diffusers' names of the models


@dataclass(frozen=True, slots=True)
class Found:
    """What of a file can be used: the names of the tensors that cannot, and for which family."""

    family: str
    unused: Sequence[str]


def examine(path: Path, checkpoints: Sequence[tuple[str, Path]], *, values: bool) -> dict[str, Any]:
    """Return what can be used of an adapter or embedding, as `generation.library.usable` has it.

    ``checkpoints`` are those that there are, each with its family. With ``values`` it is read
    whole: layers whose values are not finite are not used.
    """
    header = open_header(path)
    if header.problem is not None:
        return {"problem": packed(header.problem)}
    file = describe(path, header)
    drawn = tuple(COMPONENTS)
    if file.family is not None and file.family not in drawn:
        title = TITLES.get(file.family, file.family)
        return {"problem": packed(Phrase("adapter-not-drawn", file=path.name, family=title))}
    families = drawn if file.family is None else (file.family,)
    try:
        if file.kind is Kind.EMBEDDING:
            found = _embedding(path, header, families, checkpoints)
        else:
            found = _adapter(path, header, families, checkpoints, values=values)
    except AdapterUnavailable as error:
        reason = error.reason
        if file.family is None:
            reason = Phrase("adapter-no-family", file=path.name)
        return {"problem": packed(reason)}
    return {
        "family": found.family,
        "tensors": len(header.tensors),
        "unused": len(found.unused),
        "first": found.unused[0] if found.unused else "",
    }


def _adapter(
    path: Path,
    header: Header,
    families: Sequence[str],
    checkpoints: Sequence[tuple[str, Path]],
    *,
    values: bool,
) -> Found:
    best: tuple[str, Matches] | None = None
    for family in families:
        for configs in models_of(family, checkpoints):
            matches = match(header.tensors, _shapes(json.dumps(configs)))
            if best is None or len(matches.unused) < len(best[1].unused):
                best = family, matches
            if not matches.unused:
                break
    if best is None or not best[1].used or (len(families) > 1 and not best[1].fits):
        wanted = TITLES[families[0]]
        raise AdapterUnavailable(
            path.stem, Phrase("adapter-does-not-fit", file=path.name, wanted=wanted)
        )
    family, matches = best
    damaged = _damaged(path, matches) if values else set()
    unused = {*matches.unused, *damaged}
    return Found(family, [key for key in header.tensors if key in unused])


def _embedding(
    path: Path,
    header: Header,
    families: Sequence[str],
    checkpoints: Sequence[tuple[str, Path]],
) -> Found:
    problem = None
    for family in families:
        for configs in models_of(family, checkpoints):
            widths = {part: one["hidden_size"] for part, one in _encoders(configs).items()}
            try:
                keys = embedding_keys(path.stem, path, header, widths, family)
            except AdapterUnavailable as error:
                problem = problem or error
                continue
            return Found(family, [key for key in header.tensors if key not in keys.values()])
    assert problem is not None  # noqa: S101 - every family has a configuration
    raise problem


def _damaged(path: Path, matches: Matches) -> set[str]:
    """Return the tensors of the layers that have values that are not finite."""
    damaged: set[str] = set()
    with safe_open(path, "pt") as opened:
        for one in matches.used:
            keys = one.factors.values()
            if not all(opened.get_tensor(key).float().isfinite().all() for key in keys):
                damaged |= set(keys)
    return damaged


def models_of(family: str, checkpoints: Sequence[tuple[str, Path]]) -> Iterator[Configs]:
    """Yield a family's configurations: its own, then those of checkpoints that differ."""
    shipped = {name: shipped_config(family, name) for name in COMPONENTS[family]}
    seen = []
    for configs in _every(family, shipped, checkpoints):
        if configs not in seen:
            seen.append(configs)
            yield configs


def _every(
    family: str, shipped: Configs, checkpoints: Sequence[tuple[str, Path]]
) -> Iterator[Configs]:
    yield shipped
    for size in SIZES.get(family, ()):
        yield {**shipped, "transformer": {**shipped["transformer"], **size}}
    for path in [path for known, path in checkpoints if known == family][:CHECKPOINTS]:
        yield _configs(family, shipped, path)
    if family == "sd1":
        yield _configs(family, shipped, CHECKPOINT)


def _configs(family: str, shipped: Configs, path: Path) -> Configs:
    """Return a checkpoint's configurations; where they cannot be read, its family's."""
    try:
        if path.is_dir():
            found = {name: loads((path / name / "config.json").read_text()) for name in shipped}
        else:
            tensors = open_header(path).tensors
            named = {part: names_of_part(tensors, part) for part in COMPONENTS[family].values()}
            shapes = {
                part: {name: tensors[key].shape for name, key in names.items()}
                for part, names in named.items()
                if names
            }
            found = component_configs(family, shapes)
    except (OSError, ValueError):
        return shipped
    # A folder's may name any class; only the family's own are built.
    return {**shipped, **{name: one for name, one in found.items() if _same(one, shipped[name])}}


def _same(config: Config, shipped: Config) -> bool:
    return all(config.get(key) == shipped.get(key) for key in ("_class_name", "architectures"))


def _encoders(configs: Configs) -> dict[Part, Config]:
    """Return the text encoders that adapters change and embeddings are for: CLIP's."""
    return {
        Part(name): config
        for name, config in configs.items()
        if config.get("architectures", [""])[0].startswith("CLIPText")
    }


@cache
def _shapes(configs: str) -> Mapping[Part, Mapping[str, LayerShape]]:
    """Return the layers' shapes of models by their configurations as JSON."""
    read: Configs = loads(configs)
    wanted = {Part.DENOISER: next(read[name] for name in DENOISERS if name in read)}
    return {part: _layers(one) for part, one in {**wanted, **_encoders(read)}.items()}


def _layers(config: Config) -> Mapping[str, LayerShape]:
    with torch.device("meta"):
        return shapes_of(empty_model(config))


def _answer(asked: dict[str, Any]) -> dict[str, Any]:
    checkpoints = [(family, Path(path)) for family, path in asked["checkpoints"]]
    return examine(Path(asked["path"]), checkpoints, values=asked["values"])


if __name__ == "__main__":
    limit_memory(MEMORY)
    serve(sys.stdin.buffer, sys.stdout.buffer, _answer)
