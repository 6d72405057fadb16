"""Textual inversion: words of a prompt that stand for trained vectors.

Gal et al. 2022, https://arxiv.org/abs/2208.01618. The vectors take the place of tokens' embeddings;
tokenizers know nothing of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from generation.catalog.adapters import Adapter
from generation.conditions.adapters.adapter_keys import Part
from generation.errors import AdapterUnavailable
from generation.loading.detect import NAMES, PICKLES, Kind, describe
from generation.loading.key_rules import TITLES
from generation.loading.safetensors_file import Header, open_header
from generation.phrases import Phrase, reason_of
from generation.prompts.embeddings import EmbeddingNames

MOST_VECTORS = 75  # of a prompt's chunk
MOST_KEPT = 64  # in memory, of a checkpoint; one takes at most a quarter of a megabyte

# Loads no code; what people have is `{"string_to_param": {"*": [vectors, width]}}`.
CONVERT = (
    'python -c "import sys, torch; from safetensors.torch import save_file; '
    "p = torch.load(sys.argv[1], weights_only=True)['string_to_param']; "
    "save_file({'emb_params': p['*'].detach().contiguous()}, "
    "sys.argv[1].rsplit('.', 1)[0] + '.safetensors')\""
)


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """An embedding's vectors [vectors, width] for each text encoder, as many for each."""

    vectors: Mapping[Part, Tensor]

    @property
    def length(self) -> int:
        """How many tokens it takes the place of."""
        return len(next(iter(self.vectors.values())))


def load_embedding(
    name: str,
    path: Path,
    widths: Mapping[Part, int],
    device: torch.device,
    dtype: torch.dtype,
    *,
    family: str,
) -> Embedding:
    """Load an embedding for text encoders of these widths.

    Raises AdapterUnavailable if it is pickled, damaged, too long or made for another family.
    """
    if path.suffix.lower() in PICKLES:
        raise AdapterUnavailable(
            name, Phrase("embedding-pickled", file=path.name, command=f"{CONVERT} {path.name}")
        )
    header = open_header(path)
    if header.problem is not None:
        raise AdapterUnavailable(name, header.problem)
    keys = embedding_keys(name, path, header, widths, family)
    try:
        with safe_open(path, "pt") as opened:
            vectors = {
                part: torch.atleast_2d(opened.get_tensor(key)).to(device, dtype)
                for part, key in keys.items()
            }
    except (OSError, SafetensorError) as error:
        why = reason_of(error)
        raise AdapterUnavailable(
            name, Phrase("checkpoint-file", file=path.name, why=why)
        ) from error
    if not all(one.isfinite().all() for one in vectors.values()):
        raise AdapterUnavailable(name, Phrase("embedding-not-finite", file=path.name))
    return Embedding(vectors)


def embedding_keys(
    name: str, path: Path, header: Header, widths: Mapping[Part, int], family: str
) -> dict[Part, str]:
    """Return each text encoder's tensor in a file.

    Raises AdapterUnavailable if it does not fit text encoders of these widths.
    """
    found = describe(path, header)
    if found.kind in NAMES and found.kind is not Kind.EMBEDDING:
        raise AdapterUnavailable(
            name, Phrase("embedding-kind", file=path.name, what=NAMES[found.kind])
        )
    named = {Part.TEXT_ENCODER: "clip_l", Part.TEXT_ENCODER_2: "clip_g"}
    keys = {part: key for part, key in named.items() if key in header.tensors and part in widths}
    alone = "emb_params" if "emb_params" in header.tensors else next(iter(header.tensors), "")
    if not keys and len(widths) == 1 and (alone == "emb_params" or len(header.tensors) == 1):
        keys = dict.fromkeys(widths, alone)
    shapes = {part: header.tensors[key].shape for part, key in keys.items()}
    fit = all(
        1 <= len(shape) <= 2 and shape[0] and shape[-1] == widths[part]
        for part, shape in shapes.items()
    )
    lengths = {1 if len(shape) == 1 else shape[0] for shape in shapes.values()}
    clips = widths.keys() & named.keys()
    if found.family not in (None, family) or not fit or keys.keys() != clips or len(lengths) != 1:
        wanted = TITLES.get(family, family)
        made = TITLES.get(found.family or "", found.family or "")
        if found.family in (None, family):
            raise AdapterUnavailable(
                name, Phrase("embedding-does-not-fit", file=path.name, wanted=wanted)
            )
        raise AdapterUnavailable(
            name, Phrase("adapter-other-family", file=path.name, made=made, wanted=wanted)
        )
    if max(lengths) > MOST_VECTORS:
        raise AdapterUnavailable(
            name, Phrase("embedding-length", file=path.name, most=MOST_VECTORS)
        )
    return keys


class Embeddings:
    """The catalog's embeddings for one checkpoint, each loaded when a prompt first names it."""

    def __init__(self, models: Mapping[Part, Any], device: torch.device, family: str) -> None:
        self._encoders = {part: one for part, one in models.items() if part is not Part.DENOISER}
        self._device = device
        self._family = family
        self._find: Callable[[], Mapping[str, Adapter]] = dict
        self._offered: Mapping[str, Adapter] | None = None
        self._names = EmbeddingNames(())
        self._loaded: dict[str, Embedding] = {}

    def offer(self, find: Callable[[], Mapping[str, Adapter]]) -> None:
        """Offer what ``find`` returns at any time, of the same object as long as it is the same.

        Left out are those that were made for another family.
        """
        self._find = find

    @property
    def names(self) -> "EmbeddingNames":
        """Return the names that can be used now; another object whenever they change."""
        offered = self._find()
        if offered is not self._offered and (offered or self._offered):
            fit = [name for name, one in offered.items() if one.family in (None, self._family)]
            self._names, self._loaded = EmbeddingNames(tuple(fit)), {}
            self._offered = offered
        return self._names

    def __getitem__(self, name: str) -> Embedding:
        """Return the embedding of this name; raises AdapterUnavailable as `load_embedding`."""
        if name not in self._loaded:
            if len(self._loaded) >= MOST_KEPT:
                self._loaded.pop(next(iter(self._loaded)))
            assert self._offered is not None  # noqa: S101 - the name is from it
            self._loaded[name] = self._load(self._offered[name])
        return self._loaded[name]

    def _load(self, embedding: Adapter) -> Embedding:
        tables = {part: one.get_input_embeddings().weight for part, one in self._encoders.items()}
        return load_embedding(
            embedding.name,
            embedding.path,
            {part: table.shape[1] for part, table in tables.items()},
            self._device,
            next(iter(tables.values())).dtype,
            family=self._family,
        )
