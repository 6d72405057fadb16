"""Stable Diffusion 1 and 2: a UNet, a VAE and one CLIP text encoder."""

import math
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch.nn import functional
from transformers import CLIPTextModel, CLIPTokenizer

from generation.conditions.adapters.adapter_keys import Part
from generation.conditions.adapters.row_adapters import Adapters
from generation.engine.preview import SD1_COLOURS, PreviewColours
from generation.engine.prompt import EncodedPrompt, PromptEncoder, last_layer
from generation.families.compiled import ROWS, CompiledUNet
from generation.families.pipeline import Conditioning, Pipeline, Prompts, Row, Texts, stack
from generation.families.prompt_layers import PromptLayers
from generation.options import Compile
from generation.phrases import Phrase
from generation.request import GenerationRequest

if TYPE_CHECKING:
    from generation.loading.model_loader import Parts


class StableDiffusion(Pipeline):
    """A checkpoint of Stable Diffusion 1 or 2, as diffusers' StableDiffusionPipeline draws it."""

    models: ClassVar[Mapping[str, Any]] = {
        "text_encoder": CLIPTextModel,
        "unet": UNet2DConditionModel,
        "vae": AutoencoderKL,
    }
    tokenizers: ClassVar[Mapping[str, Any]] = {"tokenizer": CLIPTokenizer}
    denoiser = "unet"
    read = staticmethod(last_layer)
    colours: ClassVar[PreviewColours] = SD1_COLOURS

    def __init__(self, parts: "Parts", device: torch.device, *, offloads: bool = False) -> None:
        super().__init__(parts, device, offloads=offloads)
        self.text_encoder: CLIPTextModel = parts.components["text_encoder"]
        self.unet: UNet2DConditionModel = parts.components["unet"]
        self.vae: AutoencoderKL = parts.components["vae"]
        self._compiled: CompiledUNet | None = None
        self._prompt_layers = PromptLayers(self.unet)
        self._encoders = [
            PromptEncoder(
                parts.components[tokenizer],
                parts.components[part],
                device,
                self.embeddings,
                read=self.read,
                part=part,
            )
            for tokenizer in self.tokenizers
            for part in [Part(tokenizer.replace("tokenizer", "text_encoder"))]
        ]

    @classmethod
    def latent_channels(cls, models: Mapping[str, Any]) -> int:
        """Return how many values a latent cell has; raises ValueError if the UNet takes others."""
        takes, cell = models["unet"].config.in_channels, models["vae"].config.latent_channels
        if takes not in (cell, 2 * cell + 1):
            raise ValueError(Phrase("checkpoint-takes", channels=takes))
        return cell

    @property
    def inpaints(self) -> bool:
        """Whether the UNet also takes a mask, and the latents of what stays."""
        return self.unet.config.in_channels != self.channels

    def empty_row(self, width: int, height: int) -> Row:
        """Return a row like those of pictures of this size in pixels, with a short prompt."""
        row = super().empty_row(width, height)
        beside = self.unet.config.in_channels - self.channels
        return replace(row, latents=functional.pad(row.latents, (0, 0, 0, 0, 0, beside)))

    def encode(self, request: GenerationRequest, adapters: Adapters = ()) -> Prompts:
        """Return the conditioning of its prompts; both are padded to equally many chunks."""
        texts = Texts.of(request, negative=request.guided and not self._embeds_guidance)
        read = [[encoder.encode(text, adapters) for encoder in self._encoders] for text in texts]
        chunks = max(one.chunks for both in read for one in both)
        padded = [
            [
                encoder.pad(one, chunks, adapters)
                for encoder, one in zip(self._encoders, both, strict=True)
            ]
            for both in read
        ]
        self._make_way()
        found = [self._conditioning(request, both) for both in padded]
        away = len(texts.positive)
        found[away:] = [self._negative(request, one) for one in found[away:]]
        return texts.prompts(found, (one.cut for both in read for one in both))

    def _conditioning(
        self, request: GenerationRequest, encoded: Sequence[EncodedPrompt]
    ) -> Conditioning:
        """Return what a row gets of one text, as each encoder has it."""
        # Not the encoder's own, which it keeps: what is computed of it is to end with the request.
        return {"prompt": encoded[0].embedding.detach(), **self._guidance(request)}

    def _negative(self, request: GenerationRequest, conditioning: Conditioning) -> Conditioning:
        """Return what a row gets of the negative prompt, given what it would of any text."""
        del request
        return conditioning

    @property
    def _embeds_guidance(self) -> bool:
        """Whether guidance is an input of the UNet, as in a latent consistency model."""
        return self.unet.config.time_cond_proj_dim is not None

    def _guidance(self, request: GenerationRequest) -> dict[str, torch.Tensor]:
        """Return the guidance scale as conditioning [1, width], if the UNet takes it so.

        A sinusoidal embedding (Vaswani et al. 2017) of a thousand times the scale over 1, as it was
        distilled with (Luo et al. 2023).
        """
        if not self._embeds_guidance:
            return {}
        width: int = self.unet.config.time_cond_proj_dim
        scale = torch.tensor(request.guidance_scale - 1) * 1000.0
        rates = torch.exp(torch.arange(width // 2) * -(math.log(10000.0) / (width // 2 - 1)))
        angles = scale[None, None] * rates[None]
        waves = torch.nn.functional.pad(torch.cat([angles.sin(), angles.cos()], 1), (0, width % 2))
        return {"guidance": waves.to(self.device, self.latents_dtype)}

    @torch.inference_mode()
    def predict(self, rows: Sequence[Row]) -> Sequence[torch.Tensor]:
        """Run the UNet once; return each row's output [1, channels, h, w]."""
        latents = torch.cat([row.latents for row in rows])
        timesteps = torch.stack([row.timestep.float() for row in rows]).to(self.device)
        options = self._conditioned(rows)
        plain = all(row.is_plain for row in rows)
        if len(rows) in self.row_counts(rows[0]) and plain:
            assert self._compiled is not None  # noqa: S101 - or there would be no counts
            return self._compiled(latents, timesteps, options).split(1)
        options |= self.row_controls.residuals(latents, timesteps, options)
        # On a GPU the memory is worth more than the time, and LoRAs write into the layers' outputs.
        keeps = self.device.type == "cpu" and not any(row.adapters for row in rows)
        with self._prompt_layers.kept() if keeps else nullcontext():
            return self.unet(latents, timesteps, **options, return_dict=False)[0].split(1)

    def _conditioned(self, rows: Sequence[Row]) -> dict[str, Any]:
        """Return the rows' conditioning as the UNet takes it."""
        guided = "guidance" in rows[0].conditioning
        return {
            "encoder_hidden_states": self._prompt_layers.stack(
                [row.conditioning["prompt"] for row in rows]
            ),
            "timestep_cond": stack(rows, "guidance") if guided else None,
        }

    def row_counts(self, row: Row) -> tuple[int, ...]:
        """Return the row counts that a forward pass of such rows may have; empty: any."""
        return ROWS if self._compiled is not None and self._compiled.takes(row) else ()

    @property
    def compiled(self) -> bool:
        """Whether its default size runs compiled."""
        return self._compiled is not None

    @torch.inference_mode()
    def compile(self, mode: Compile, width: int, height: int) -> None:
        """Compile the UNet for pictures of this size; other sizes are not affected."""
        row = self.empty_row(width, height)
        compiled = CompiledUNet(self.unet, mode, row)
        for rows in ROWS:
            latents = row.latents.repeat(rows, 1, 1, 1)
            timesteps = torch.zeros(rows, device=self.device)
            compiled.warm_up(latents, timesteps, self._conditioned([row] * rows))
        self._compiled = compiled
