"""Stable Diffusion 3 and 3.5: a transformer over the picture, two CLIP encoders and T5."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import torch
from diffusers import AutoencoderKL, SD3Transformer2DModel
from torch.nn.functional import pad
from transformers import (
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    T5EncoderModel,
    T5TokenizerFast,
)

from generation.conditions.adapters.adapter_keys import Part
from generation.conditions.adapters.row_adapters import Adapters
from generation.engine.preview import PreviewColours
from generation.engine.prompt import EncodedPrompt, PromptEncoder, layer_before_last
from generation.families.flow import Flow
from generation.families.pipeline import Prompts, Row, Texts, stack
from generation.families.text import Encoded, T5Reader
from generation.request import GenerationRequest

if TYPE_CHECKING:
    from generation.loading.model_loader import Parts

LENGTHS = (256, 512)  # tokens for T5: diffusers' default, and the most it allows

# ComfyUI's, fitted to its VAE: comfy/latent_formats.py.
SD3_COLOURS = PreviewColours(
    (
        (-0.0922, -0.0175, 0.0749),
        (0.0311, 0.0633, 0.0954),
        (0.1994, 0.0927, 0.0458),
        (0.0856, 0.0339, 0.0902),
        (0.0587, 0.0272, -0.0496),
        (-0.0006, 0.1104, 0.0309),
        (0.0978, 0.0306, 0.0427),
        (-0.0042, 0.1038, 0.1358),
        (-0.0194, 0.0020, 0.0669),
        (-0.0488, 0.0130, -0.0268),
        (0.0922, 0.0988, 0.0951),
        (-0.0278, 0.0524, -0.0542),
        (0.0332, 0.0456, 0.0895),
        (-0.0069, -0.0030, -0.0810),
        (-0.0596, -0.0465, -0.0293),
        (-0.1448, -0.1463, -0.1189),
    ),
    (0.2394, 0.2135, 0.1925),
)


class SD3(Flow):
    """A checkpoint of Stable Diffusion 3, as diffusers' StableDiffusion3Pipeline draws it.

    T5 may be missing, as in files for small cards: then zeros stand for what it would read.
    """

    models: ClassVar[Mapping[str, type]] = {
        "text_encoder": CLIPTextModelWithProjection,
        "text_encoder_2": CLIPTextModelWithProjection,
        "text_encoder_3": T5EncoderModel,
        "transformer": SD3Transformer2DModel,
        "vae": AutoencoderKL,
    }
    tokenizers: ClassVar[Mapping[str, type]] = {
        "tokenizer": CLIPTokenizer,
        "tokenizer_2": CLIPTokenizer,
        "tokenizer_3": T5TokenizerFast,
    }
    colours: ClassVar[PreviewColours] = SD3_COLOURS

    def __init__(self, parts: "Parts", device: torch.device, *, offloads: bool = False) -> None:
        super().__init__(parts, device, offloads=offloads)
        found = parts.components
        self._clips = [
            PromptEncoder(
                found[f"tokenizer{number}"],
                found[f"text_encoder{number}"],
                device,
                self.embeddings,
                read=layer_before_last,
                part=Part(f"text_encoder{number}"),
            )
            for number in ("", "_2")
        ]
        self._t5: T5Reader | None = None
        if "text_encoder_3" in found:
            self._t5 = T5Reader(found["tokenizer_3"], found["text_encoder_3"], device)

    def encode(self, request: GenerationRequest, adapters: Adapters = ()) -> Prompts:
        """Return the embeddings [1, chunks × 77 + 256 or 512, width] of its prompts.

        Prompts too long for T5's 256 tokens, which are few, take 512. CLIP reads three chunks. What
        neither has room for is cut. ``pooled`` is of CLIP's first chunk.
        """
        texts = Texts.of(request, negative=request.guided)
        clips = [[clip.encode(text, adapters) for clip in self._clips] for text in texts]
        chunks = max(one.chunks for both in clips for one in both)
        words = self._words(list(texts))
        self._make_way()
        found = [
            self._joined(both, chunks, one, adapters)
            for both, one in zip(clips, words, strict=True)
        ]
        read = words if self._t5 is not None else [both[0] for both in clips]
        return texts.prompts(found, (one.cut for one in read))

    def _words(self, texts: Sequence[str]) -> list[Encoded]:
        """Return what T5 makes of each text, equally many tokens."""
        if self._t5 is None:
            width = self.transformer.config.joint_attention_dim
            zeros = torch.zeros((1, LENGTHS[0], width), dtype=self.latents_dtype)
            return [Encoded(zeros.to(self.device)) for _ in texts]
        tokens = max(self._t5.length(text) for text in texts)
        length = LENGTHS[0] if tokens <= LENGTHS[0] else LENGTHS[1]
        return [self._t5.encode(text, length) for text in texts]

    def _joined(
        self, both: Sequence[EncodedPrompt], chunks: int, words: Encoded, adapters: Adapters
    ) -> dict[str, torch.Tensor]:
        padded = [
            clip.pad(one, chunks, adapters) for clip, one in zip(self._clips, both, strict=True)
        ]
        seen = torch.cat([one.embedding for one in padded], dim=-1)
        seen = pad(seen, (0, words.tensor.shape[-1] - seen.shape[-1]))
        return {
            "prompt": torch.cat([seen, words.tensor], dim=-2),
            "pooled": torch.cat([one.pooled for one in both if one.pooled is not None], dim=-1),
        }

    @torch.inference_mode()
    def predict(self, rows: Sequence[Row]) -> Sequence[torch.Tensor]:
        """Run the transformer once; return each row's output [1, channels, h, w]."""
        output = self.transformer(
            hidden_states=torch.cat([row.latents for row in rows]),
            timestep=torch.stack([row.timestep.float() for row in rows]).to(self.device),
            encoder_hidden_states=stack(rows, "prompt"),
            pooled_projections=stack(rows, "pooled"),
            return_dict=False,
        )[0]
        return output.split(1)
