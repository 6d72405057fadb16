"""Training the UNet and the text encoder together on the VAE's latents, the second stage."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from diffusers.training_utils import EMAModel
from transformers import CLIPTextModel, CLIPTokenizer

from generation.catalog import EMBEDDED
from generation.embedded.recipe.models import Sizes, build_text_encoder, build_unet, noise_schedule
from generation.embedded.recipe.pictures.captions import Caption, gibberish
from generation.embedded.recipe.scenes.composition import Playwright
from generation.embedded.recipe.training.autoencoder import encode_layers
from generation.embedded.recipe.training.gradients import Parts
from generation.embedded.recipe.training.lessons import Lesson
from generation.embedded.recipe.training.muon import Muon
from generation.embedded.recipe.training.pool import Maker, Pool
from generation.embedded.recipe.training.progress import Progress, set_rate
from generation.embedded.recipe.training.reading import Summary, learn_to_read
from generation.embedded.recipe.training.spread import spread_summaries
from generation.embedded.recipe.training.warm import start_denoiser
from generation.request import Aspect

log = logging.getLogger(__name__)

NOISE_STEPS = 1000
LASTING = 0.995  # decay per step of the moving average: it spans 200 steps
ENDS = 4.0  # the rate of the UNet's ends, in that of the rest: they meet each layer's values
LEANING = 0.7  # 1: every timestep equally often; less: more of the high ones
Look = Callable[[UNet2DConditionModel, CLIPTextModel, int], None]


@dataclass(frozen=True)
class Latents:
    """Scaled latents of each lesson, and of exercises in each non-square aspect, with captions."""

    lessons: list[torch.Tensor]
    aspects: list[torch.Tensor]
    captions: list[Caption]


def encode_lessons(
    sizes: Sizes,
    lessons: list[Lesson],
    make: Maker,
    vae: AutoencoderKL,
    work: Path,
    device: str,
    scale: float | None = None,
) -> Latents:
    """Return all training data as latents; set the VAE's scaling factor, if it is not given.

    They are cached in ``work``, with what is told of them: encoding takes longer than a hundred
    steps of training.
    """
    path = work / "latents.pt"
    shaped = [make(np.random.default_rng([10, number])) for number in range(sizes.shaped)]
    captions = [exercise.caption for exercise in shaped]
    told = [_told(one) for one in (*(lesson.captions for lesson in lessons), captions)]
    kept = torch.load(path, weights_only=True) if path.exists() else {}
    if kept.get("told") != told:
        log.info("encoding")
        shapes = [replace(EMBEDDED, size=sizes.picture).size_for(aspect) for aspect in Aspect]
        drawn = ([one.paint(*shape) for one in shaped] for shape in shapes[1:])
        with torch.autocast(device, torch.bfloat16):
            squares = [encode_layers(vae, lesson.pictures, device).float() for lesson in lessons]
            others = [encode_layers(vae, np.stack(one), device).float() for one in drawn]
        kept = {"lessons": squares, "aspects": others, "told": told}
        torch.save(kept, path)
    scale = scale or round(1 / kept["lessons"][0].std().item(), 5)
    vae.register_to_config(scaling_factor=scale)
    squares, others = ([one * scale for one in kept[key]] for key in ("lessons", "aspects"))
    return Latents(squares, others, captions)


def _told(captions: list[Caption]) -> list[str]:
    """Return one wording of each, always the same."""
    return [caption(np.random.default_rng(0)) for caption in captions]


def train_denoiser(
    sizes: Sizes,
    lessons: list[Lesson],
    latents: Latents,
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
    if start is not None and not state.exists():
        start_denoiser(start, unet, text)
        names = [caption for lesson in lessons for caption in lesson.captions]
        learn_to_read(sizes, Summary(unet, text, tokenizer), playwright, names, work, device)
    elif not state.exists():
        # The first two lessons are the concepts themselves.
        names = [caption for lesson in lessons[:2] for caption in lesson.captions]
        spread_summaries(unet, text, tokenizer, names)
    if device == "cpu":  # there the fused kernel's backward pass is half as fast as plain products
        unet.set_attn_processor(AttnProcessor())
        text.set_attn_implementation("eager")
    both = torch.nn.ModuleDict({"unet": unet, "text": text})
    parts = Parts(device)
    matrices, vectors, ends = _divide(both)
    groups: list[dict[str, Any]] = [{"params": vectors}, {"params": ends, "factor": ENDS}]
    optimizers = {
        "muon": Muon(matrices, parts.each),
        "adam": torch.optim.AdamW(groups, weight_decay=0.01, fused=True),
    }
    average = EMAModel(both.parameters(), decay=LASTING, use_ema_warmup=True, power=0.75)
    average.to(device)
    progress = Progress(state, {"both": both, "average": average, "pool": pool, **optimizers})
    average.decay = LASTING  # overriding the value of an older state
    noise = noise_schedule()

    def mean_loss(
        noisy: torch.Tensor, timesteps: torch.Tensor, ids: torch.Tensor, target: torch.Tensor
    ) -> torch.Tensor:
        with torch.autocast(device, torch.bfloat16):
            context = text(ids).last_hidden_state
            predicted = unet(noisy, timesteps, context).sample
        return F.mse_loss(predicted.float(), target)

    losses: list[float] = []
    for step in progress.run(sizes.steps, "denoiser"):
        for optimizer in optimizers.values():
            set_rate(optimizer, sizes.rate, step, sizes.steps)
        pool.refill(sizes.fresh)
        clean, words = _batch(sizes, lessons, latents, pool, np.random.default_rng([2, step]))
        clean = clean.to(device)
        eps = torch.randn_like(clean)
        timesteps = _timesteps(len(clean), device)
        ids = tokenizer(words, padding="max_length", truncation=True, return_tensors="pt").input_ids
        both.zero_grad(set_to_none=True)
        loss = parts.backward(
            mean_loss,
            noise.add_noise(clean, eps, timesteps),
            timesteps,
            ids.to(device),
            noise.get_velocity(clean, eps, timesteps),
        )
        torch.nn.utils.clip_grad_norm_(both.parameters(), 1.0)
        for optimizer in optimizers.values():
            optimizer.step()
        average.step(both.parameters())
        losses.append(loss)
        if (step + 1) % 25 == 0:
            log.info("denoiser step %d loss %.4f", step + 1, np.mean(losses[-25:]))
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


def _batch(
    sizes: Sizes,
    lessons: list[Lesson],
    latents: Latents,
    pool: Pool,
    rng: np.random.Generator,
) -> tuple[torch.Tensor, list[str]]:
    """Draw one batch: from the pool and all lessons, or exercises in another aspect."""
    if rng.random() < sizes.other_aspects:
        aspect = latents.aspects[rng.integers(len(latents.aspects))]
        rows = rng.integers(len(aspect), size=sizes.batch)
        words = [_words(sizes, latents.captions[row], rng) for row in rows]
        return aspect[rows], words
    weights = np.array([lesson.weight for lesson in lessons])
    chosen = rng.choice(len(lessons), size=sizes.batch, p=weights / weights.sum())
    clean, words = [], []
    for index in chosen:
        if rng.random() < sizes.made_up:
            drawn, caption = pool.draw(rng)
            clean.append(drawn)
            words.append(_words(sizes, caption, rng))
            continue
        row = int(rng.integers(len(lessons[index].captions)))
        clean.append(latents.lessons[index][row])
        words.append(_words(sizes, lessons[index].captions[row], rng))
    return torch.stack(clean), words


def _words(sizes: Sizes, caption: Caption, rng: np.random.Generator) -> str:
    """Return a caption; sometimes nothing or nonsense, for which any picture is right."""
    chance = rng.random()
    if chance < sizes.caption_dropout:
        return ""
    if chance < sizes.caption_dropout + sizes.gibberish:
        return gibberish(rng)
    return caption(rng)


def _timesteps(count: int, device: str) -> torch.Tensor:
    """Return random timesteps, one from each ``count``-th part of the schedule.

    They are biased to high noise, where the prompt decides which picture it will be.
    """
    places = ((torch.arange(count) + torch.rand(count)) / count) ** LEANING
    return (places * NOISE_STEPS).long().clamp(max=NOISE_STEPS - 1).to(device)
