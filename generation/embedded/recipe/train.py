"""Training: the VAE first, then the UNet and the text encoder together on its latents."""

import logging
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from diffusers.training_utils import EMAModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from generation.catalog import EMBEDDED
from generation.embedded.recipe.dataset import Concept, load_picture
from generation.request import Aspect

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sizes:
    """What can be turned up where there is a bigger machine. Pictures are ``picture``² px."""

    picture: int = 64
    vae_blocks: tuple[int, ...] = (32, 64, 64)
    vae_steps: int = 1200
    vae_batch: int = 16
    unet_blocks: tuple[int, ...] = (64, 128, 192)
    text_width: int = 128
    text_layers: int = 2
    vocabulary: int = 1500
    steps: int = 3000
    batch: int = 64
    learning_rate: float = 1e-3
    caption_dropout: float = 0.1
    other_aspects: float = 0.2


def build_vae(sizes: Sizes) -> AutoencoderKL:
    """Return an untrained VAE with four latent channels and one halving between blocks."""
    depth = len(sizes.vae_blocks)
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * depth,
        up_block_types=("UpDecoderBlock2D",) * depth,
        block_out_channels=sizes.vae_blocks,
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=16,
        sample_size=sizes.picture,
    )


def build_unet(sizes: Sizes) -> UNet2DConditionModel:
    """Return an untrained UNet; its inner levels attend to the prompt."""
    depth = len(sizes.unet_blocks)
    return UNet2DConditionModel(
        sample_size=sizes.picture // 2 ** (len(sizes.vae_blocks) - 1),
        block_out_channels=sizes.unet_blocks,
        down_block_types=("DownBlock2D",) + ("CrossAttnDownBlock2D",) * (depth - 1),
        up_block_types=("CrossAttnUpBlock2D",) * (depth - 1) + ("UpBlock2D",),
        layers_per_block=1,
        cross_attention_dim=sizes.text_width,
        attention_head_dim=4,
    )


def build_text_encoder(sizes: Sizes, tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """Return an untrained CLIP text encoder for the tokenizer's vocabulary."""
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=sizes.text_width,
        intermediate_size=sizes.text_width * 4,
        projection_dim=sizes.text_width,
        num_hidden_layers=sizes.text_layers,
        num_attention_heads=4,
        max_position_embeddings=tokenizer.model_max_length,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return CLIPTextModel(config)


def noise_schedule() -> DDPMScheduler:
    """Return Stable Diffusion 1's training noise (Rombach et al. 2022; public configuration)."""
    return DDPMScheduler(
        num_train_timesteps=1000,
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
    )


class Progress:
    """One stage's state on disk, so that a stop loses at most ``every`` steps."""

    every = 50

    def __init__(self, path: Path, parts: dict[str, Any]) -> None:
        self.path, self.parts, self.step = path, parts, 0
        if path.exists():
            state = torch.load(path, weights_only=True)
            self.step = state.pop("step")
            for name, part in parts.items():
                part.load_state_dict(state[name])

    def save(self) -> None:
        """Write the state beside its place first, so that a stop in mid-write costs nothing."""
        state = {name: part.state_dict() for name, part in self.parts.items()}
        part_file = self.path.with_suffix(".part")
        torch.save({"step": self.step, **state}, part_file)
        part_file.rename(self.path)

    def run(self, steps: int, name: str) -> Iterator[int]:
        """Yield the steps that are left, saving and logging the time as they pass."""
        begun = time.monotonic()
        first = self.step
        while self.step < steps:
            yield self.step
            self.step += 1
            if self.step % self.every == 0 or self.step == steps:
                self.save()
                pace = (time.monotonic() - begun) / (self.step - first)
                log.info("%s %d/%d, %.2f s a step", name, self.step, steps, pace)


def to_tensor(pictures: np.ndarray) -> torch.Tensor:
    """Map uint8 [n, height, width, 3] to float [n, 3, height, width] in -1…1."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1


def train_vae(sizes: Sizes, concepts: list[Concept], work: Path, device: str) -> AutoencoderKL:
    """Train the VAE on every picture at every aspect: L1 + squared error + a small KL term."""
    torch.manual_seed(1)
    vae = build_vae(sizes).to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(vae.parameters(), lr=2e-3, weight_decay=0.01)
    warm_cosine = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=2e-3, total_steps=sizes.vae_steps, pct_start=0.05
    )
    progress = Progress(work / "vae.pt", {"vae": vae, "optimizer": optimizer, "rate": warm_cosine})
    data = to_tensor(np.stack([load_picture(c, sizes.picture, sizes.picture) for c in concepts]))
    picked = np.random.default_rng(progress.step)
    for step in progress.run(sizes.vae_steps, "vae"):
        batch = data[picked.integers(len(data), size=sizes.vae_batch)].to(device)
        if picked.random() < 0.5:
            batch = batch.flip(3)
        with torch.autocast(device, torch.bfloat16):
            posterior = vae.encode(batch.to(memory_format=torch.channels_last)).latent_dist
            drawn = vae.decode(posterior.sample()).sample.float()
        squared = F.mse_loss(drawn, batch)
        loss = F.l1_loss(drawn, batch) + squared + 1e-5 * posterior.kl().float().mean() / 100
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimizer.step()
        warm_cosine.step()
        if step % 50 == 0:
            log.info("vae loss %.4f psnr %.1f dB", loss.item(), 10 * math.log10(4 / squared.item()))
    latents = encode(vae.eval(), data, device)
    vae.register_to_config(scaling_factor=round(1 / latents.std().item(), 5))
    return vae


@torch.no_grad()
def encode(vae: AutoencoderKL, pictures: torch.Tensor, device: str) -> torch.Tensor:
    """Return the mean latents [n, 4, h, w] of pictures, not yet scaled."""
    means = [vae.encode(part.to(device)).latent_dist.mean for part in pictures.split(16)]
    return torch.cat(means)


def train_denoiser(
    sizes: Sizes,
    concepts: list[Concept],
    vae: AutoencoderKL,
    tokenizer: CLIPTokenizer,
    work: Path,
    device: str,
) -> tuple[UNet2DConditionModel, CLIPTextModel]:
    """Train UNet and text encoder to predict the noise (ε); return their moving averages."""
    torch.manual_seed(2)
    unet = build_unet(sizes).to(device, memory_format=torch.channels_last)
    text = build_text_encoder(sizes, tokenizer).to(device)
    both = torch.nn.ModuleDict({"unet": unet, "text": text})
    optimizer = torch.optim.AdamW(both.parameters(), lr=sizes.learning_rate, weight_decay=0.01)
    linear = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1, (step + 1) / 50) * max(0.02, 1 - step / sizes.steps)
    )
    average = EMAModel(both.parameters(), decay=0.995, use_ema_warmup=True, power=0.75)
    progress = Progress(
        work / "denoiser.pt",
        {"both": both, "optimizer": optimizer, "rate": linear, "average": average},
    )
    noise = noise_schedule()
    shapes = [replace(EMBEDDED, size=sizes.picture).size_for(aspect) for aspect in Aspect]
    latents = [
        encode(vae, to_tensor(np.stack([load_picture(c, *shape) for c in concepts])), device)
        * vae.config.scaling_factor
        for shape in shapes
    ]
    captions = [list(concept.captions()) for concept in concepts]
    rng = np.random.default_rng(1000 + progress.step)
    for step in progress.run(sizes.steps, "denoiser"):
        other = rng.random() < sizes.other_aspects
        clean_all = latents[rng.integers(1, len(shapes)) if other else 0]
        rows = rng.integers(len(concepts), size=sizes.batch)
        words = [
            "" if rng.random() < sizes.caption_dropout else str(rng.choice(captions[row]))
            for row in rows
        ]
        clean = clean_all[rows]
        target = torch.randn_like(clean)
        timesteps = torch.randint(0, 1000, (sizes.batch,), device=device)
        noisy = noise.add_noise(clean, target, timesteps)
        ids = tokenizer(words, padding="max_length", truncation=True, return_tensors="pt").input_ids
        with torch.autocast(device, torch.bfloat16):
            context = text(ids.to(device)).last_hidden_state
            predicted = unet(noisy.to(memory_format=torch.channels_last), timesteps, context).sample
        loss = F.mse_loss(predicted.float(), target)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(both.parameters(), 1.0)
        optimizer.step()
        linear.step()
        average.step(both.parameters())
        if step % 25 == 0:
            log.info("denoiser step %d loss %.4f", step, loss.item())
    average.copy_to(both.parameters())
    return unet.eval(), text.eval()
