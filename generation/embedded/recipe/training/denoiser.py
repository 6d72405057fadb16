"""Training the UNet and the text encoder together on the VAE's latents, the second stage."""

import logging
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from diffusers.training_utils import EMAModel
from transformers import CLIPTextModel, CLIPTokenizer

from generation.embedded.recipe.models import Sizes, build_text_encoder, build_unet, noise_schedule
from generation.embedded.recipe.pictures.captions import Narrator
from generation.embedded.recipe.pictures.dataset import Concept
from generation.embedded.recipe.pictures.tints import tell_tint, tints
from generation.embedded.recipe.scenes.composition import Playwright
from generation.embedded.recipe.training.gradients import Parts
from generation.embedded.recipe.training.muon import Muon
from generation.embedded.recipe.training.pool import Pool
from generation.embedded.recipe.training.progress import Progress, set_rate
from generation.embedded.recipe.training.reading import Summary, learn_to_read
from generation.embedded.recipe.training.spread import spread_summaries
from generation.embedded.recipe.training.warm import start_denoiser

log = logging.getLogger(__name__)

NOISE_STEPS = 1000
LASTING = 0.995  # decay per step of the moving average: it spans 200 steps
ENDS = 4.0  # the rate of the UNet's ends, in that of the rest: they meet each layer's values
LEANING = 0.7  # 1: every timestep equally often; less: more of the high ones
Look = Callable[[UNet2DConditionModel, CLIPTextModel, int], None]


def train_denoiser(
    sizes: Sizes,
    concepts: list[Concept],
    pool: Pool,
    tokenizer: CLIPTokenizer,
    playwright: Playwright,
    work: Path,
    device: str,
    look: Look,
    start: Path | None = None,
) -> tuple[UNet2DConditionModel, CLIPTextModel]:
    """Train UNet and text encoder to predict v; return their moving averages.

    ``look`` is called with the averages every ``sizes.look_every`` steps. ``start`` is the folder
    of a checkpoint to continue from, instead of random weights; it first learns to read the
    sentences of scenes.
    """
    torch.manual_seed(2)
    unet = build_unet(sizes).to(device)
    text = build_text_encoder(sizes, tokenizer).to(device)
    state = work / "denoiser.pt"
    narrator = Narrator(concepts)
    names = [narrator.teller(concept) for concept in concepts]
    if start is not None and not state.exists():
        start_denoiser(start, unet, text)
        told = names + [tell_tint(tint) for tint in tints(concepts)[0]]
        learn_to_read(sizes, Summary(unet, text, tokenizer), playwright, told, work, device)
    elif not state.exists():
        spread_summaries(unet, text, tokenizer, names)
    if device == "cpu":  # there the fused kernel's backward pass is half as fast as plain products
        unet.set_attn_processor(AttnProcessor())
        text.set_attn_implementation("eager")
    else:
        unet.to(memory_format=torch.channels_last)
    both = torch.nn.ModuleDict({"unet": unet, "text": text})
    parts = Parts(device)
    matrices, vectors, ends = _divide(both)
    groups: list[dict[str, Any]] = [{"params": vectors}, {"params": ends, "factor": ENDS}]
    optimizers = {
        "muon": Muon(matrices, parts.each),
        "adam": torch.optim.AdamW(groups, weight_decay=0.01, fused=True),
    }
    average = EMAModel(
        both.parameters(), decay=LASTING, use_ema_warmup=True, power=0.75, foreach=True
    )
    average.to(device)
    progress = Progress(state, {"both": both, "average": average, "pool": pool, **optimizers})
    average.decay = LASTING  # overriding the value of an older state
    noise = noise_schedule()
    empty = tokenizer([""], padding="max_length", return_tensors="pt")
    nothing = empty.input_ids.to(device)

    def predict(noisy: torch.Tensor, timesteps: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        with torch.autocast(device, torch.bfloat16):
            return unet(noisy, timesteps, text(ids).last_hidden_state).sample

    compiled = predict if device == "cpu" else torch.compile(predict, dynamic=False)

    def mean_loss(
        noisy: torch.Tensor, timesteps: torch.Tensor, ids: torch.Tensor, target: torch.Tensor
    ) -> torch.Tensor:
        square = noisy.shape[-1] == noisy.shape[-2]  # others are too rare to compile for each
        predicted = (compiled if square else predict)(noisy, timesteps, ids)
        return F.mse_loss(predicted.float(), target)

    losses: deque[torch.Tensor] = deque(maxlen=25)
    for step in progress.run(sizes.steps, "denoiser"):
        for optimizer in optimizers.values():
            set_rate(optimizer, sizes.rate, step, sizes.steps)
        pool.refill(sizes.fresh)
        clean, ids = pool.draw(sizes.batch, sizes.other_aspects)
        silent = torch.rand(len(ids), 1, device=device) < sizes.caption_dropout
        ids = torch.where(silent, nothing, ids)
        eps = torch.randn_like(clean)
        timesteps = _timesteps(len(clean), device)
        both.zero_grad(set_to_none=True)
        loss = parts.backward(
            mean_loss,
            noise.add_noise(clean, eps, timesteps),
            timesteps,
            ids,
            noise.get_velocity(clean, eps, timesteps),
        )
        torch.nn.utils.clip_grad_norm_(both.parameters(), 1.0)
        for optimizer in optimizers.values():
            optimizer.step()
        average.step(both.parameters())
        losses.append(loss)
        if (step + 1) % 25 == 0:
            log.info("denoiser step %d loss %.4f", step + 1, torch.stack(list(losses)).mean())
        if (step + 1) % sizes.look_every == 0:
            average.store(both.parameters())
            average.copy_to(both.parameters())
            look(unet, text, step + 1)
            average.restore(both.parameters())
    parts.close()
    average.copy_to(both.parameters())
    return unet.eval(), text.eval()


def _divide(both: torch.nn.ModuleDict) -> tuple[list[torch.nn.Parameter], ...]:
    """Return the models' inner matrices, their vectors and embeddings, and the UNet's ends."""
    matrices: list[torch.nn.Parameter] = []
    vectors: list[torch.nn.Parameter] = []
    ends: list[torch.nn.Parameter] = []
    for name, parameter in both.named_parameters():
        if name.startswith(("unet.conv_in.", "unet.conv_out.")):
            ends.append(parameter)
        elif parameter.dim() > 1 and "embeddings" not in name:
            matrices.append(parameter)
        else:
            vectors.append(parameter)
    return matrices, vectors, ends


def _timesteps(count: int, device: str) -> torch.Tensor:
    """Return random timesteps, one from each ``count``-th part of the schedule.

    They are biased to high noise, where the prompt decides which picture it will be.
    """
    parts = torch.arange(count, device=device) + torch.rand(count, device=device)
    places = (parts / count) ** LEANING
    return (places * NOISE_STEPS).long().clamp(max=NOISE_STEPS - 1)
