"""Flux.1: a transformer over packed latents, CLIP for the whole prompt and T5 for its words."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from diffusers import AutoencoderKL, FluxTransformer2DModel
from transformers import CLIPTextModel, CLIPTokenizer, T5EncoderModel, T5TokenizerFast

from generation.conditions.adapters.adapter_keys import Part
from generation.conditions.adapters.row_adapters import (
    Adapters,
    AdapterSet,
    RowAdapters,
    adapter_set,
)
from generation.engine.preview import PreviewColours
from generation.families.flow import PATCH, Flow
from generation.families.pipeline import Conditioning, Prompts, Row, Texts, stack
from generation.families.text import Encoded, PromptCache, T5Reader, Words
from generation.request import GenerationRequest

if TYPE_CHECKING:
    from generation.loading.model_loader import Parts

# Tokens of a prompt: https://huggingface.co/black-forest-labs/FLUX.1-schnell says 256.
DEV_LENGTH, SCHNELL_LENGTH = 512, 256

# ComfyUI's, fitted to Flux's VAE: comfy/latent_formats.py.
FLUX_COLOURS = PreviewColours(
    (
        (-0.0346, 0.0244, 0.0681),
        (0.0034, 0.0210, 0.0687),
        (0.0275, -0.0668, -0.0433),
        (-0.0174, 0.0160, 0.0617),
        (0.0859, 0.0721, 0.0329),
        (0.0004, 0.0383, 0.0115),
        (0.0405, 0.0861, 0.0915),
        (-0.0236, -0.0185, -0.0259),
        (-0.0245, 0.0250, 0.1180),
        (0.1008, 0.0755, -0.0421),
        (-0.0515, 0.0201, 0.0011),
        (0.0428, -0.0012, -0.0036),
        (0.0817, 0.0765, 0.0749),
        (-0.1264, -0.0522, -0.1103),
        (-0.0280, -0.0881, -0.0499),
        (-0.1262, -0.0982, -0.0778),
    ),
    (-0.0329, -0.0718, -0.0851),
)


class Flux(Flow):
    """A checkpoint of Flux.1, as diffusers' FluxPipeline draws it.

    Dev and its fine-tunes have guidance as an input, a row for each picture, and no use for a
    negative prompt. Schnell and what was made of it have none: there guidance is classifier-free.
    """

    models: ClassVar[Mapping[str, type]] = {
        "text_encoder": CLIPTextModel,
        "text_encoder_2": T5EncoderModel,
        "transformer": FluxTransformer2DModel,
        "vae": AutoencoderKL,
    }
    tokenizers: ClassVar[Mapping[str, type]] = {
        "tokenizer": CLIPTokenizer,
        "tokenizer_2": T5TokenizerFast,
    }
    colours: ClassVar[PreviewColours] = FLUX_COLOURS
    noise_at_full_strength = False

    def __init__(self, parts: "Parts", device: torch.device, *, offloads: bool = False) -> None:
        super().__init__(parts, device, offloads=offloads)
        self._clip: CLIPTextModel = parts.components["text_encoder"]
        self._tokenizer: CLIPTokenizer = parts.components["tokenizer"]
        self._pooled = PromptCache()
        self._t5 = T5Reader(
            parts.components["tokenizer_2"], parts.components["text_encoder_2"], device
        )
        self._distilled: bool = self.transformer.config.guidance_embeds

    def sigmas(self, steps: int) -> Sequence[float]:
        """Return the noise levels before their shift."""
        return np.linspace(1.0, 1 / steps, steps).tolist()

    def encode(self, request: GenerationRequest, adapters: Adapters = ()) -> Prompts:
        """Return T5's embedding [1, 256 or 512, width] and CLIP's [1, width] of its prompts.

        What T5 has no room for is cut. CLIP reads the first 75 tokens only.
        """
        texts = Texts.of(request, negative=request.guided and not self._distilled)
        changes = adapter_set(adapters, Part.TEXT_ENCODER)
        read = [self._read(text, request.guidance_scale, changes) for text in texts]
        self._make_way()
        return texts.prompts([one for one, _ in read], (cut for _, cut in read))

    def _read(self, prompt: str, guidance: float, changes: AdapterSet) -> tuple[Conditioning, str]:
        """Return what a prompt is drawn by, and what of it did not fit."""
        words = self._t5.encode(prompt, DEV_LENGTH if self._distilled else SCHNELL_LENGTH)
        key = (prompt, changes.key)
        whole = self._pooled.get(key, lambda: self._pool(Words.of(prompt).text, changes))
        conditioning = {"prompt": words.tensor, "pooled": whole.tensor}
        if self._distilled:
            conditioning["guidance"] = torch.tensor([guidance], device=self.device)
        return conditioning, words.cut

    @torch.inference_mode()
    def _pool(self, text: str, changes: AdapterSet) -> Encoded:
        ids = self._tokenizer(
            text,
            padding="max_length",
            max_length=self._tokenizer.model_max_length,
            truncation=True,
            return_tensors="pt",
        ).input_ids
        with RowAdapters(self._clip).applied([changes]):
            return Encoded(self._clip(ids.to(self.device)).pooler_output)

    @torch.inference_mode()
    def predict(self, rows: Sequence[Row]) -> Sequence[torch.Tensor]:
        """Run the transformer once; return each row's output [1, channels, h, w]."""
        latents = torch.cat([row.latents for row in rows])
        _, _, height, width = latents.shape
        prompt = stack(rows, "prompt")
        timesteps = torch.stack([row.timestep.to(latents.dtype) for row in rows]).to(self.device)
        output = self.transformer(
            hidden_states=_pack(latents),
            timestep=timesteps / 1000,
            guidance=stack(rows, "guidance") if self._distilled else None,
            pooled_projections=stack(rows, "pooled"),
            encoder_hidden_states=prompt,
            txt_ids=prompt.new_zeros(prompt.shape[1], 3),
            img_ids=_places(height // PATCH, width // PATCH).to(latents),
            return_dict=False,
        )[0]
        return _unpack(output, height, width).split(1)

    def decode(self, latents: torch.Tensor, *, tiled: bool = False) -> torch.Tensor:
        """Return the picture of latents [1, channels, h, w]: CPU uint8 [height, width, 3]."""
        # As unpacking lays them out: a source's lie otherwise, and that changes the kernels.
        return super().decode(latents.contiguous(), tiled=tiled)


def _pack(latents: torch.Tensor) -> torch.Tensor:
    """Return latents [n, channels, h, w] as tokens [n, h / 2 × w / 2, 4 × channels]."""
    rows, channels, height, width = latents.shape
    patches = latents.view(rows, channels, height // PATCH, PATCH, width // PATCH, PATCH)
    return patches.permute(0, 2, 4, 1, 3, 5).reshape(rows, -1, channels * PATCH * PATCH)


def _unpack(tokens: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Return tokens as latents [n, channels, height, width]."""
    patches = tokens.view(len(tokens), height // PATCH, width // PATCH, -1, PATCH, PATCH)
    return patches.permute(0, 3, 1, 4, 2, 5).reshape(len(tokens), -1, height, width)


def _places(height: int, width: int) -> torch.Tensor:
    """Return each token's coordinates [height × width, 3]: none, its row, its column."""
    places = torch.zeros(height, width, 3)
    places[..., 1] = torch.arange(height)[:, None]
    places[..., 2] = torch.arange(width)[None, :]
    return places.reshape(-1, 3)
