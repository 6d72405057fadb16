"""IP-Adapters on the device, and one forward of many rows, each with references of its own.

An IP-Adapter turns what CLIP sees in a picture into a few tokens, to which every cross attention of
the UNet attends beside the text's (Ye et al. 2023). Nothing in the UNet is changed: what its layers
ask for is asked of the tokens, too, for rows that have some.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from diffusers.models.embeddings import (
    ImageProjection,
    IPAdapterFullImageProjection,
    IPAdapterPlusImageProjection,
)
from PIL import Image
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.nn import functional

# The plain name uses torchvision if installed, and nothing else here needs that.
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from generation.catalog.controls import ReferenceModel
from generation.errors import AdapterUnavailable
from generation.loading.layouts.components import read_weights
from generation.loading.layouts.control_nets import load_image_encoder
from generation.loading.safetensors_file import open_header
from generation.phrases import Phrase, reason_of

Layers = Mapping[str, tuple[Tensor, Tensor]]  # what makes keys and values, by the attention's name

# Where a style is, and not the subject: InstantStyle (Wang et al. 2024) found it in SDXL's
# up_blocks.0.attentions.1. For the others it is where ComfyUI's IPAdapter_plus looks for it.
STYLE_XL = re.compile(r"up_blocks\.0\.attentions\.1\.")
STYLE = re.compile(r"down_blocks\.[01]\.|up_blocks\.[23]\.|mid_block\.")
# The resampler's names as its authors have them, and diffusers'.
_RESAMPLER = (
    (r"^(layers\.\d+)\.0\.norm1", r"\1.ln0"),
    (r"^(layers\.\d+)\.0\.norm2", r"\1.ln1"),
    (r"^(layers\.\d+)\.0\.to_out", r"\1.attn.to_out.0"),
    (r"^(layers\.\d+)\.0\.", r"\1.attn."),
    (r"^(layers\.\d+)\.1\.0", r"\1.ff.0"),
    (r"^(layers\.\d+)\.1\.1", r"\1.ff.1.net.0.proj"),
    (r"^(layers\.\d+)\.1\.3", r"\1.ff.1.net.2"),
)
HEAD = 64  # the width of the resampler's heads


@dataclass(frozen=True, slots=True, eq=False)
class LoadedReference:
    """An IP-Adapter on the device; ``token`` stands for it where it must not be kept in memory."""

    projection: nn.Module
    layers: Layers
    token: object = field(default_factory=object, repr=False)

    @property
    def bytes(self) -> int:
        """How much memory it takes."""
        pairs = sum(one.nbytes for pair in self.layers.values() for one in pair)
        return pairs + sum(one.nbytes for one in self.projection.parameters())

    def tokens(
        self, encoder: "ImageEncoder", picture: Image.Image, count: int, *, guided: bool
    ) -> Tensor:
        """Return what it makes of a picture for ``count`` rows, [rows, tokens, width].

        With ``guided`` as many rows come before, of no picture.
        """
        whole = isinstance(self.projection, ImageProjection)
        towards, away = encoder.see(picture, projected=whole)
        seen = torch.cat([towards] * count)
        if guided:
            seen = torch.cat([torch.cat([away] * count), seen])
        made: Tensor = self.projection(seen)
        return made


@dataclass(frozen=True, slots=True, eq=False)
class ImageEncoder:
    """CLIP's image encoder on the device, and what makes its input of a picture."""

    model: Any
    prepare: CLIPImageProcessorPil
    token: object = field(default_factory=object, repr=False)

    @property
    def bytes(self) -> int:
        """How much memory it takes."""
        return sum(one.nbytes for one in self.model.parameters())

    def see(self, picture: Image.Image, *, projected: bool) -> tuple[Tensor, Tensor]:
        """Return the embeddings of a picture in RGB, and those of none, [1, …, width]."""
        pixels = self.prepare(picture, return_tensors="pt").pixel_values
        pixels = pixels.to(self.model.device, self.model.dtype)
        if projected:
            embedding = self.model(pixels).image_embeds
            return embedding, torch.zeros_like(embedding)
        towards, away = (
            self.model(one, output_hidden_states=True).hidden_states[-2]
            for one in (pixels, torch.zeros_like(pixels))
        )
        return towards, away


@dataclass(frozen=True, slots=True, eq=False)
class RowReference:
    """What a row's layers attend to beside its text: tokens [1, n, width] with their weight.

    ``layers`` are those of the adapter that the reference is for.
    """

    adapter: LoadedReference
    tokens: Tensor
    weight: float
    layers: Layers


class RowReferences:
    """Runs a UNet's forwards with references for each row."""

    def __init__(self, unet: nn.Module) -> None:
        self._attentions = attentions_of(unet)
        self._rows: Sequence[Sequence[RowReference]] = ()
        self._fixed = False
        self._queries: dict[str, Tensor] = {}

    @contextmanager
    def applied(self, rows: Sequence[Sequence[RowReference]], *, fixed: bool) -> Iterator[None]:
        """Within this, the UNet's forwards have these rows.

        With ``fixed``, forwards always have the same number of rows, and what a row attends to
        depends on the other rows in no bit. Adapters of the same layers come before this.
        """
        if not any(rows):
            yield
            return
        self._rows, self._fixed = rows, fixed
        handles = []
        names = dict.fromkeys(name for row in rows for one in row for name in one.layers)
        try:
            for name in names:
                attention = self._attentions[name]
                handles.append(attention.to_q.register_forward_hook(self._asked(name)))
                # First, so that what changes the layer behind it is given all of its input.
                handles.append(
                    attention.to_out[0].register_forward_pre_hook(self._answer(name), prepend=True)
                )
            yield
        finally:
            for handle in handles:
                handle.remove()
            self._rows = ()
            self._queries.clear()

    def _asked(self, name: str) -> Callable[[nn.Module, Any, Tensor], None]:
        def keep(_layer: nn.Module, _args: object, output: Tensor) -> None:
            self._queries[name] = output

        return keep

    def _answer(self, name: str) -> Callable[[nn.Module, Any], tuple[Tensor]]:
        def add(_layer: nn.Module, args: tuple[Tensor]) -> tuple[Tensor]:
            queries, hidden = self._queries.pop(name), args[0]
            for place in range(max(map(len, self._rows))):
                for pieces in self._together(name, place):
                    hidden = self._attend(name, pieces, queries, hidden)
            return (hidden,)

        return add

    def _together(self, name: str, place: int) -> list[list[tuple[int, RowReference]]]:
        """Return the rows whose references at this place attend with the same adapter."""
        found: dict[LoadedReference, list[tuple[int, RowReference]]] = {}
        for number, references in enumerate(self._rows):
            if place < len(references) and name in references[place].layers:
                found.setdefault(references[place].adapter, []).append((number, references[place]))
        return list(found.values())

    def _attend(
        self, name: str, pieces: list[tuple[int, RowReference]], queries: Tensor, hidden: Tensor
    ) -> Tensor:
        """Return hidden states [rows, tokens, width] with what some of the rows see in pictures."""
        chosen = dict(pieces)
        index = torch.tensor(list(chosen), device=hidden.device)
        rows: Sequence[int] = list(chosen)
        if self._fixed:  # all of them, as each row's bits are the same in the same place only
            rows = range(len(hidden))
        first = pieces[0][1].tokens
        tokens = torch.cat(
            [chosen[row].tokens if row in chosen else torch.zeros_like(first) for row in rows]
        )
        asked = queries if len(rows) == len(hidden) else queries.index_select(0, index)
        seen = self._see(name, pieces[0][1].layers[name], asked, tokens)
        weights = hidden.new_tensor([one.weight for one in chosen.values()], dtype=torch.float32)
        if len(rows) > len(chosen):
            seen = seen.index_select(0, index)
        seen = (seen * weights.view(-1, 1, 1)).to(hidden.dtype)
        if len(chosen) == len(hidden):
            return hidden + seen
        return hidden.index_add(0, index, seen)

    def _see(
        self, name: str, pair: tuple[Tensor, Tensor], queries: Tensor, tokens: Tensor
    ) -> Tensor:
        """Attend to the tokens as the layer does to its text's."""
        heads: int = self._attentions[name].heads
        rows, width = len(queries), queries.shape[-1]

        def apart(values: Tensor) -> Tensor:
            return values.view(rows, -1, heads, width // heads).transpose(1, 2)

        key, value = (functional.linear(tokens, one) for one in pair)
        seen = functional.scaled_dot_product_attention(apart(queries), apart(key), apart(value))
        return seen.transpose(1, 2).reshape(rows, -1, width).to(queries.dtype)


def attentions_of(unet: nn.Module) -> dict[str, Any]:
    """Return a UNet's cross attentions by name, in the order in which IP-Adapters count them."""
    model: Any = unet
    processors = getattr(model, "attn_processors", {})
    names = [name.removesuffix(".processor") for name in processors]
    return {name: model.get_submodule(name) for name in names if name.endswith(".attn2")}


def styled(layers: Layers, family: str) -> Layers:
    """Return the layers that a reference for style is for."""
    place = STYLE_XL if family == "sdxl" else STYLE
    return {name: pair for name, pair in layers.items() if place.match(name)}


def load_reference(
    model: ReferenceModel, unet: nn.Module, device: torch.device, dtype: torch.dtype
) -> LoadedReference:
    """Load an IP-Adapter for a checkpoint's UNet; raises AdapterUnavailable, saying why not."""
    header = open_header(model.path)
    if header.problem is not None:
        raise AdapterUnavailable(model.name, header.problem)
    try:
        weights = read_weights(model.path, {key: key for key in header.tensors}, dtype)
        layers = _layers(weights, attentions_of(unet), device)
        start = "image_proj."
        projection = _projection(
            {key.removeprefix(start): one for key, one in weights.items() if key.startswith(start)}
        )
    except KeyError as error:
        lacks = Phrase("reference-lacks", file=model.path.name, name=str(error.args[0]))
        raise AdapterUnavailable(model.name, lacks) from error
    except (OSError, SafetensorError, RuntimeError, ValueError, IndexError) as error:
        why = Phrase("checkpoint-file", file=model.path.name, why=reason_of(error))
        raise AdapterUnavailable(model.name, why) from error
    return LoadedReference(projection.to(device, dtype).eval(), layers)


def load_encoder(model: ReferenceModel, device: torch.device, dtype: torch.dtype) -> ImageEncoder:
    """Load the encoder of an IP-Adapter; raises AdapterUnavailable, saying why not."""
    try:
        encoder: Any = load_image_encoder(model.encoder, model.config, dtype)
    except (OSError, SafetensorError, ValueError, KeyError, IndexError) as error:
        why = Phrase("checkpoint-file", file=model.encoder.name, why=reason_of(error))
        raise AdapterUnavailable(model.name, why) from error
    size: int = encoder.config.image_size
    return ImageEncoder(encoder.to(device), CLIPImageProcessorPil(size=size, crop_size=size))


def _layers(
    weights: Mapping[str, Tensor], attentions: Mapping[str, Any], device: torch.device
) -> dict[str, tuple[Tensor, Tensor]]:
    """Return what makes keys and values; raises KeyError, or ValueError for other widths."""
    found = {}
    for number, (name, attention) in enumerate(attentions.items()):
        keys = [f"ip_adapter.{2 * number + 1}.to_{one}_ip.weight" for one in "kv"]
        for key in keys:
            if weights[key].shape != attention.to_k.weight.shape:
                shapes = (weights[key].shape, attention.to_k.weight.shape)
                sizes = ["×".join(map(str, shape)) for shape in shapes]
                raise ValueError(
                    Phrase("checkpoint-shape", name=key, found=sizes[0], wanted=sizes[1])
                )
        found[name] = (weights[keys[0]].to(device), weights[keys[1]].to(device))
    return found


def _projection(weights: Mapping[str, Tensor]) -> nn.Module:
    """Return what makes tokens of embeddings, in the kind that its names tell."""
    if "proj.weight" in weights:
        width, embedding = weights["proj.weight"].shape
        tokens = width // len(weights["norm.weight"])
        projection: nn.Module = ImageProjection(embedding, width // tokens, tokens)
        named = {key.replace("proj.", "image_embeds."): one for key, one in weights.items()}
    elif "proj.3.weight" in weights:
        projection = IPAdapterFullImageProjection(
            weights["proj.0.weight"].shape[1], len(weights["proj.3.weight"])
        )
        names = {"proj.0.": "ff.net.0.proj.", "proj.2.": "ff.net.2.", "proj.3.": "norm."}
        named = {names[key[:7]] + key[7:]: one for key, one in weights.items()}
    else:
        projection = _resampler(weights)
        named = _resampler_names(weights)
    projection.load_state_dict(named)
    return projection.requires_grad_(requires_grad=False)


def _resampler(weights: Mapping[str, Tensor]) -> nn.Module:
    _, queries, hidden = weights["latents"].shape
    return IPAdapterPlusImageProjection(
        embed_dims=weights["proj_in.weight"].shape[1],
        output_dims=len(weights["proj_out.weight"]),
        hidden_dims=hidden,
        depth=len({key.split(".")[1] for key in weights if key.startswith("layers.")}),
        dim_head=HEAD,
        heads=len(weights["layers.0.0.to_q.weight"]) // HEAD,
        num_queries=queries,
        ffn_ratio=len(weights["layers.0.1.1.weight"]) / hidden,
    )


def _resampler_names(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    named = {}
    for key, one in weights.items():
        name = key
        for pattern, ours in _RESAMPLER:
            name = re.sub(pattern, ours, name)
        if ".to_kv." in name:
            for which, half in zip("kv", one.chunk(2), strict=True):
                named[name.replace("to_kv", f"to_{which}")] = half.clone()
        else:
            named[name] = one
    return named
