"""An initialization of the prompt's summary in which all concepts are distinct."""

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

from generation.embedded.recipe.pictures.captions import Caption

WORDINGS = 4
SMALLEST = 1e-3  # of the mean variance: directions that vary less are left alone


@torch.no_grad()
def spread_summaries(
    unet: UNet2DConditionModel, text: CLIPTextModel, tokenizer: CLIPTokenizer, tell: list[Caption]
) -> None:
    """Add a projection of the prompt's summary that separates concepts, but not wordings.

    Without it, training first separates concepts along a handful of directions: about seven after
    3,000 steps, and hardly more in the next thousand. The added directions are those of linear
    discriminant analysis, all with the same variance between concepts; less if wordings of one
    concept vary as much.
    """
    rng = np.random.default_rng(6)
    words = [caption(rng) for caption in tell for _ in range(WORDINGS)]
    starts = range(0, len(words), 256)
    parts = [_summaries(unet, text, tokenizer, words[start : start + 256]) for start in starts]
    seen = torch.cat(parts).cpu().double().reshape(len(tell), WORDINGS, -1)
    centre = seen.mean((0, 1))
    between = torch.cov(seen.mean(1).T)
    within = torch.cov((seen - seen.mean(1, keepdim=True)).flatten(0, 1).T)
    floor = SMALLEST * within.diagonal().mean() * torch.eye(len(within), dtype=torch.double)
    values, vectors = torch.linalg.eigh(within + floor)
    whiten = vectors / values.sqrt()
    shares, turned = torch.linalg.eigh(whiten.T @ between @ whiten)
    shares = shares.clamp(min=1e-6)
    apart = (whiten @ turned) / shares.sqrt() * (shares / (1 + shares))
    layer = unet.add_embedding.proj
    random = torch.randn(layer.out_features, len(within), dtype=torch.double)
    added = torch.linalg.qr(random).Q @ apart.T
    # As strong as the layer's present output, if it was trained.
    weight = layer.weight.cpu().double()
    strength = (weight @ between @ weight.T).trace() / (added @ between @ added.T).trace()
    added *= strength.sqrt().clamp(min=1)
    layer.weight += added.to(layer.weight)
    layer.bias -= (added @ centre).to(layer.bias)


def _summaries(
    unet: UNet2DConditionModel, text: CLIPTextModel, tokenizer: CLIPTokenizer, words: list[str]
) -> torch.Tensor:
    """Return the input of the summary's last layer: [n, width]."""
    ids = tokenizer(words, padding="max_length", truncation=True, return_tensors="pt").input_ids
    states = text(ids.to(text.device)).last_hidden_state
    return unet.add_embedding.pool(unet.add_embedding.norm1(states))
