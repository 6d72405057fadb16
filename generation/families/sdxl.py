"""Stable Diffusion XL: a UNet that also reads the picture's size, and two CLIP text encoders."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from generation.engine.preview import PreviewColours
from generation.engine.prompt import EncodedPrompt, layer_before_last
from generation.families.pipeline import Conditioning, Row, stack
from generation.families.stable_diffusion import StableDiffusion
from generation.request import GenerationRequest

if TYPE_CHECKING:
    from generation.loading.model_loader import Parts

# Fitted by T. A. Vass for values of 0…255, here for -1…1:
# https://huggingface.co/blog/TimothyAlexisVass/explaining-the-sdxl-latent-space
SDXL_COLOURS = PreviewColours(
    (
        (60 / 127.5, 60 / 127.5, 60 / 127.5),
        (-60 / 127.5, -5 / 127.5, 10 / 127.5),
        (25 / 127.5, 15 / 127.5, -5 / 127.5),
        (-70 / 127.5, -50 / 127.5, -35 / 127.5),
    ),
    (150 / 127.5 - 1, 140 / 127.5 - 1, 130 / 127.5 - 1),
)


class StableDiffusionXL(StableDiffusion):
    """A checkpoint of Stable Diffusion XL, as diffusers' StableDiffusionXLPipeline draws it."""

    models: ClassVar[Mapping[str, Any]] = {
        "text_encoder": CLIPTextModel,
        "text_encoder_2": CLIPTextModelWithProjection,
        "unet": UNet2DConditionModel,
        "vae": AutoencoderKL,
    }
    tokenizers: ClassVar[Mapping[str, Any]] = {
        "tokenizer": CLIPTokenizer,
        "tokenizer_2": CLIPTokenizer,
    }
    read = staticmethod(layer_before_last)
    colours = SDXL_COLOURS

    def __init__(self, parts: "Parts", device: torch.device, *, offloads: bool = False) -> None:
        super().__init__(parts, device, offloads=offloads)
        if self.vae.config.force_upcast and self.vae.dtype == torch.float16:
            self.vae.float()
        self._empty_is_zero: bool = parts.index.get("force_zeros_for_empty_prompt", True)

    def _conditioning(
        self, request: GenerationRequest, encoded: Sequence[EncodedPrompt]
    ) -> Conditioning:
        """Return both encoders' embeddings side by side, and the picture's size, uncropped."""
        pooled = encoded[-1].pooled
        assert pooled is not None  # noqa: S101 - the second encoder has a projection
        size = (request.height, request.width)
        return {
            "prompt": torch.cat([one.embedding for one in encoded], dim=-1),
            "pooled": pooled,
            "sizes": torch.tensor([[*size, 0, 0, *size]], dtype=pooled.dtype, device=self.device),
            **self._guidance(request),
        }

    def _negative(self, request: GenerationRequest, conditioning: Conditioning) -> Conditioning:
        """Return zeros for an empty prompt, where the checkpoint was trained with them."""
        if request.negative_prompt.strip() or not self._empty_is_zero:
            return conditioning
        zeros = {name: torch.zeros_like(conditioning[name]) for name in ("prompt", "pooled")}
        return {**conditioning, **zeros}

    def _conditioned(self, rows: Sequence[Row]) -> dict[str, Any]:
        """Return the rows' conditioning as the UNet takes it."""
        added = {"text_embeds": stack(rows, "pooled"), "time_ids": stack(rows, "sizes")}
        return {**super()._conditioned(rows), "added_cond_kwargs": added}
