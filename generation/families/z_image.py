"""Z-Image: one transformer over the picture's and the prompt's tokens, read by Qwen3."""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

import torch
from diffusers import AutoencoderKL, ZImageTransformer2DModel
from torch.nn.functional import pad
from transformers import Qwen2TokenizerFast, Qwen3Model

from generation.conditions.adapters.row_adapters import Adapters
from generation.engine.preview import PreviewColours
from generation.families.flow import Flow
from generation.families.flux import FLUX_COLOURS
from generation.families.pipeline import Conditioning, Prompts, Row, Texts
from generation.families.text import Encoded, PromptCache, Words
from generation.request import GenerationRequest

if TYPE_CHECKING:
    from generation.loading.model_loader import Parts

LENGTH = 512  # tokens of a prompt, its chat's included
PADDED_TO = 32  # of which the transformer wants a multiple: SEQ_MULTI_OF in diffusers


class ZImage(Flow):
    """A checkpoint of Z-Image, as diffusers' ZImagePipeline draws it.

    Latents stay in single precision between steps. Weights in prompts have no effect: the
    transformer begins with a norm, which undoes what a token's vector is multiplied by.
    """

    models: ClassVar[Mapping[str, type]] = {
        "text_encoder": Qwen3Model,
        "transformer": ZImageTransformer2DModel,
        "vae": AutoencoderKL,
    }
    tokenizers: ClassVar[Mapping[str, type]] = {"tokenizer": Qwen2TokenizerFast}
    colours: ClassVar[PreviewColours] = FLUX_COLOURS  # it has Flux's VAE
    negatives_first = False
    noise_at_full_strength = False

    def __init__(self, parts: "Parts", device: torch.device, *, offloads: bool = False) -> None:
        super().__init__(parts, device, offloads=offloads)
        self._encoder: Qwen3Model = parts.components["text_encoder"]
        self._tokenizer: Qwen2TokenizerFast = parts.components["tokenizer"]
        self._cache = PromptCache()
        self.latents_dtype = torch.float32

    def sigmas(self, steps: int) -> Sequence[float]:
        """Return the noise levels before their shift."""
        return torch.linspace(1.0, 1 / steps, steps).tolist()

    def encode(self, request: GenerationRequest, adapters: Adapters = ()) -> Prompts:
        """Return the embeddings of its prompts, each as long as the transformer pads it.

        ``length`` is how many of a ``prompt``'s tokens are not padding. Nobody trains adapters of
        the text encoder.
        """
        del adapters
        texts = Texts.of(request, negative=request.guided)
        read = [self._cache.get(text, partial(self._read, text)) for text in texts]
        self._make_way()
        count = len(texts.positive)
        found = [*_padded(read[:count]), *_padded(read[count:])]
        return texts.prompts(found, (one.cut for one in read))

    @torch.inference_mode()
    def _read(self, prompt: str) -> Encoded:
        """Return a prompt's embedding [1, tokens, width]."""
        words = Words.of(prompt).text
        found = self._tokenizer(
            self._chat(words),
            padding="max_length",
            max_length=LENGTH,
            truncation=True,
            return_offsets_mapping=True,
        )
        ids = torch.tensor([found.input_ids], device=self.device)
        used = torch.tensor([found.attention_mask], device=self.device).bool()
        states = self._encoder(input_ids=ids, attention_mask=used, output_hidden_states=True)
        end = max(end for _, end in found.offset_mapping)
        begin = self._chat("\0").index("\0")
        cut = words[max(0, end - begin) :].strip(" ,")
        return Encoded(states.hidden_states[-2][0][used[0]][None], cut)

    def _chat(self, words: str) -> str:
        """Return words as somebody's message, before the model's answer."""
        return self._tokenizer.apply_chat_template(
            [{"role": "user", "content": words}],
            tokenize=False,
            add_generation_prompt=True,
            enable_thinking=True,
        )

    @torch.inference_mode()
    def predict(self, rows: Sequence[Row]) -> Sequence[torch.Tensor]:
        """Run the transformer once; return each row's output [1, channels, h, w]."""
        latents = torch.cat([row.latents for row in rows]).to(self.transformer.dtype)
        timesteps = torch.stack([row.timestep.float() for row in rows]).to(self.device)
        prompts = [row.conditioning["prompt"][0, : int(row.conditioning["length"])] for row in rows]
        output = self.transformer(
            list(latents.unsqueeze(2).unbind(0)),
            (1000 - timesteps) / 1000,
            prompts,
            return_dict=False,
        )[0]
        # It predicts the flow towards the picture.
        return [-one.float().squeeze(1)[None] for one in output]

    def _guided(self, towards: torch.Tensor, away: torch.Tensor, scale: float) -> torch.Tensor:
        """Return both outputs combined: the pipeline counts from 0, where we count from 1."""
        return towards + (scale - 1) * (towards - away)


def _padded(read: Sequence[Encoded]) -> Iterator[Conditioning]:
    """Yield embeddings [1, tokens, width] with zeros up to a multiple, equally long."""
    lengths = [one.tensor.shape[1] for one in read]
    whole = PADDED_TO * math.ceil(max(lengths, default=0) / PADDED_TO)
    for one, length in zip(read, lengths, strict=True):
        prompt = pad(one.tensor, (0, 0, 0, whole - length))
        yield {"prompt": prompt, "length": torch.tensor([length])}
