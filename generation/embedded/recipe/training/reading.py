"""Teaching the text encoder to read sentences, for a denoiser that knows names alone.

The summary of a sentence becomes that of its subject's name, plus a vector for its place, one for
its light, and so on. What the denoiser knows of the name then serves the sentence from the start,
and costs no pass through the UNet.
"""

import copy
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

from generation.embedded.recipe.models import Sizes
from generation.embedded.recipe.pictures.captions import Caption, article, plural
from generation.embedded.recipe.scenes.composition import (
    Actor,
    Light,
    Playwright,
    Relation,
    Scene,
    Size,
    Style,
    tell,
)
from generation.embedded.recipe.training.gradients import Parts
from generation.embedded.recipe.training.progress import Progress, set_rate

log = logging.getLogger(__name__)

AS_BEFORE = 0.4  # share of captions of single things, whose summary stays
APART = 0.5  # length of a place's vector, in the distance of names' summaries from their mean
ENDS = 40.0  # the rate of the summary's last layer, in that of the rest: its values are larger
KEPT = 0.1  # weight of how far the states of single tokens move there

Part = str | Light | Size | Relation | Style


@dataclass(frozen=True, slots=True)
class Told:
    """A prompt, what is known already that it means, and what else it tells of."""

    words: str
    meaning: str
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Summary:
    """Summarises prompts, as the UNet reads them: [n, width] before their normalisation."""

    unet: UNet2DConditionModel
    text: CLIPTextModel
    tokenizer: CLIPTokenizer

    def ids(self, words: list[str]) -> torch.Tensor:
        """Return the tokens of prompts."""
        told = self.tokenizer(words, padding="max_length", truncation=True, return_tensors="pt")
        return told.input_ids

    def parameters(self) -> tuple[list[torch.nn.Parameter], list[torch.nn.Parameter]]:
        """Return what makes a summary, its last layer apart from the rest."""
        ends = list(self.unet.add_embedding.proj.parameters())
        layers = [*self.unet.add_embedding.norm1.parameters()]
        layers += self.unet.add_embedding.pool.parameters()
        return [*self.text.parameters(), *layers], ends

    def copy(self) -> "Summary":
        """Return it as it is now."""
        return Summary(copy.deepcopy(self.unet), copy.deepcopy(self.text), self.tokenizer)

    def of(self, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the summaries, and the states of the tokens [n, tokens, width]."""
        states = self.text(ids).last_hidden_state
        layer = self.unet.add_embedding
        return layer.proj(layer.pool(layer.norm1(states))), states


def learn_to_read(
    sizes: Sizes,
    summary: Summary,
    playwright: Playwright,
    names: list[Caption],
    work: Path,
    device: str,
) -> None:
    """Train the summary's text encoder and layers on sentences of scenes.

    ``names`` are captions of single things, which the denoiser knows.
    """
    torch.manual_seed(11)
    before = summary.copy()
    known = _names_of(before, playwright, device)
    spread = known.var(0).mean()
    vectors = _vectors(playwright, APART * known.std(0).norm().item(), known.shape[1])
    inner, ends = summary.parameters()
    groups: list[dict[str, Any]] = [{"params": inner}, {"params": ends, "factor": ENDS}]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.0, fused=True)
    learned = torch.nn.ModuleList([summary.text, summary.unet.add_embedding])
    progress = Progress(work / "reading.pt", {"learned": learned, "optimizer": optimizer})
    parts = Parts(device)
    zero = torch.zeros(known.shape[1])

    def mean_loss(
        ids: torch.Tensor, wanted: torch.Tensor, states: torch.Tensor, stays: torch.Tensor
    ) -> torch.Tensor:
        with torch.autocast(device, torch.bfloat16):
            found, moved = summary.of(ids)
        apart = (found.float() - wanted).square().mean(1) / spread
        moved = (moved.float() - states).square().mean((1, 2)) / states.var()
        return (apart + KEPT * stays * moved).mean()

    for step in progress.run(sizes.reading_steps, "reading"):
        set_rate(optimizer, sizes.reading_rate, step, sizes.reading_steps)
        told = _told(sizes, playwright, names, np.random.default_rng([11, step]))
        with torch.no_grad(), torch.autocast(device, torch.bfloat16):
            wanted, states = before.of(before.ids([one.meaning for one in told]).to(device))
        added = torch.stack([sum((vectors[part] for part in one.parts), zero) for one in told])
        optimizer.zero_grad(set_to_none=True)
        loss = parts.backward(
            mean_loss,
            summary.ids([one.words for one in told]).to(device),
            wanted.float() + added.to(device),
            states.float(),
            torch.tensor([float(one.words == one.meaning) for one in told]).to(device),
        )
        torch.nn.utils.clip_grad_norm_(learned.parameters(), 1.0)
        optimizer.step()
        if (step + 1) % 50 == 0:
            log.info("reading step %d loss %.4f", step + 1, loss)
    parts.close()


def _told(
    sizes: Sizes, playwright: Playwright, names: list[Caption], rng: np.random.Generator
) -> list[Told]:
    """Return a batch of prompts: captions of single things, and sentences."""
    told = []
    for _ in range(sizes.reading_batch):
        if rng.random() < AS_BEFORE or len(playwright.subjects) < 2:
            caption = names[rng.integers(len(names))](rng)
            told.append(Told(caption, caption))
        else:
            scene = playwright.scene(rng)
            parts = (scene.place, scene.light, scene.size, scene.relation, scene.style)
            told.append(Told(tell(scene, rng), meaning(scene), parts))
    return told


def meaning(scene: Scene) -> str:
    """Return a prompt for a scene's subjects alone, as the single things on white are told."""
    names = [_spoken(actor) for actor in scene.actors]
    if scene.relation in (Relation.TWO, Relation.THREE):
        return f"{scene.relation.value} {plural(names[0])}"
    if len(names) > 1:
        return " and ".join(f"{article(name)} {name}" for name in names)
    return names[0]


def _spoken(actor: Actor) -> str:
    name = actor.subject.name
    return f"{actor.colour} {name}" if actor.colour else name


@torch.no_grad()
def _names_of(summary: Summary, playwright: Playwright, device: str) -> torch.Tensor:
    """Return the summaries of all the subjects' names."""
    told = [meaning(playwright.plain(one, "white")) for one in playwright.subjects]
    return summary.of(summary.ids(told).to(device))[0].float()


def _vectors(playwright: Playwright, length: float, width: int) -> dict[Part, torch.Tensor]:
    """Return a vector of a length for everything that a scene may have beside its subjects."""
    things: list[Part] = [*playwright.places, *Light, *Size, *Relation, *Style]
    drawn = torch.randn(len(things), width, generator=torch.Generator().manual_seed(11))
    drawn = torch.nn.functional.normalize(drawn, dim=1) * length
    vectors = dict(zip(things, drawn, strict=True))
    usual: dict[Part, torch.Tensor] = dict.fromkeys(
        (Light.DAY, Size.USUAL, Relation.ONE, Style.ROUND, "white"), torch.zeros(width)
    )
    return {**vectors, **usual}
