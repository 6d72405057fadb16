"""Stable Diffusion 1 and 2: a UNet, a VAE and one CLIP text encoder."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from PIL import Image
from transformers import CLIPTextModel, CLIPTokenizer

from generation.conditions.row_adapters import Adapters
from generation.engine.preview import SD1_COLOURS, PreviewColours
from generation.engine.prompt import PromptEncoder
from generation.families.autoencoder import Autoencoder
from generation.families.compiled import ROWS, CompiledUNet
from generation.families.pipeline import DrawLatents, Pipeline, Prompts, Row, stack
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
    colours: ClassVar[PreviewColours] = SD1_COLOURS

    def __init__(self, parts: "Parts", device: torch.device, *, offloads: bool = False) -> None:
        super().__init__(parts, device, offloads=offloads)
        self.text_encoder: CLIPTextModel = parts.components["text_encoder"]
        self.unet: UNet2DConditionModel = parts.components["unet"]
        self.vae: AutoencoderKL = parts.components["vae"]
        self._autoencoder = Autoencoder(self.vae, device)
        self._compiled: CompiledUNet | None = None
        self._prompts = PromptEncoder(
            parts.components["tokenizer"], self.text_encoder, device, self.embeddings
        )

    @classmethod
    def latent_channels(cls, models: Mapping[str, Any]) -> int:
        """Return how many values a latent cell has; raises ValueError for inpainting."""
        takes, cell = models["unet"].config.in_channels, models["vae"].config.latent_channels
        if takes != cell:
            raise ValueError(Phrase("checkpoint-inpainting", channels=takes))
        return cell

    @property
    def scale_factor(self) -> int:
        """How many pixels a side of a latent cell has."""
        return self._autoencoder.scale_factor

    def encode(self, request: GenerationRequest, adapters: Adapters = ()) -> Prompts:
        """Return the embeddings [1, chunks × 77, width] of its prompts, equally many chunks."""
        encoded = self._prompts.encode(request.prompt, adapters)
        if not request.guided:
            self._make_way()
            return Prompts([(0, {"prompt": encoded.embedding})], None, encoded.cut)
        against = self._prompts.encode(request.negative_prompt, adapters)
        chunks = max(encoded.chunks, against.chunks)
        encoded, against = (self._prompts.pad(one, chunks, adapters) for one in (encoded, against))
        self._make_way()
        cut = ", ".join(one.cut for one in (encoded, against) if one.cut)
        towards, away = ({"prompt": one.embedding} for one in (encoded, against))
        return Prompts([(0, towards)], [(0, away)], cut)

    @torch.inference_mode()
    def predict(self, rows: Sequence[Row]) -> Sequence[torch.Tensor]:
        """Run the UNet once; return each row's output [1, channels, h, w]."""
        latents = torch.cat([row.latents for row in rows])
        timesteps = torch.stack([row.timestep.float() for row in rows]).to(self.device)
        options = self._conditioned(rows)
        adapted = any(row.adapters for row in rows)
        if len(rows) in self.row_counts(rows[0]) and not adapted:
            assert self._compiled is not None  # noqa: S101 - or there would be no counts
            return self._compiled(latents, timesteps, options).split(1)
        return self.unet(latents, timesteps, **options, return_dict=False)[0].split(1)

    def _conditioned(self, rows: Sequence[Row]) -> dict[str, Any]:
        """Return the rows' conditioning as the UNet takes it."""
        return {"encoder_hidden_states": stack(rows, "prompt")}

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

    @torch.inference_mode()
    def encode_picture(self, picture: Image.Image) -> DrawLatents:
        """Return a function that samples latents [1, channels, h, w] of an RGB picture."""
        draw = self._autoencoder.encode(picture, self.latents_dtype)
        self._make_way()
        return draw

    @torch.inference_mode()
    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Return the picture of latents [1, channels, h, w]: CPU uint8 [height, width, 3]."""
        picture = self._autoencoder.decode(latents)
        self._make_way()
        return picture
