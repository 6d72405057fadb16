"""Two small classifiers in one: the subject of a picture, and its background.

They evaluate the checkpoint. They are trained on every subject on every background, including the
pairs held out from the checkpoint.
"""

import logging
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from generation.embedded.recipe.pictures.arrays import WHOLE, to_tensor
from generation.embedded.recipe.scenes.brushes import pick
from generation.embedded.recipe.scenes.composition import Playwright, Scene
from generation.embedded.recipe.scenes.stage import draw_scene
from generation.embedded.recipe.training.progress import Progress, set_rate

log = logging.getLogger(__name__)

SIDE = 64  # px: its input size
PLAINEST = 0.25  # share of examples without a colour, size or light of their own
FEATURES = (32, 64, 128, 192)


class Block(nn.Module):
    """Two convolutions beside a shortcut (He et al. 2015), the first with stride 2."""

    def __init__(self, inner: int, outer: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inner, outer, 3, 2, 1, bias=False)
        self.second = nn.Conv2d(outer, outer, 3, 1, 1, bias=False)
        self.shortcut = nn.Conv2d(inner, outer, 1, 2, bias=False)
        self.norms = nn.ModuleList([nn.GroupNorm(8, outer) for _ in range(2)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map [n, inner, h, w] to [n, outer, h / 2, w / 2]."""
        y = F.silu(self.norms[0](self.first(x)))
        return F.silu(self.norms[1](self.second(y)) + self.shortcut(x))


class Classifier(nn.Module):
    """Scores of subjects and of backgrounds for pictures."""

    def __init__(self, subjects: int, places: int) -> None:
        super().__init__()
        ends = (3, *FEATURES)
        self.blocks = nn.Sequential(*(Block(a, b) for a, b in zip(ends, FEATURES, strict=False)))
        self.subject = nn.Linear(2 * FEATURES[-1], subjects)
        self.place = nn.Linear(2 * FEATURES[-1], places)

    def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return scores [n, subjects] and [n, places] of pictures [n, 3, ``SIDE``, ``SIDE``]."""
        last = self.blocks(pictures)
        both = torch.cat([last.mean((2, 3)), last.amax((2, 3))], dim=1)
        return self.subject(both), self.place(both)


def example(playwright: Playwright, rng: np.random.Generator) -> Scene:
    """Return a scene of one random subject on one random background."""
    plain = playwright.plain(pick(rng, playwright.subjects), pick(rng, playwright.places))
    return plain if rng.random() < PLAINEST else playwright.embellish(plain, rng)


def train_classifier(
    playwright: Playwright, work: Path, *, examples: int, steps: int, batch: int = 48
) -> Classifier:
    """Train on ``examples`` rendered scenes, each seen many times with random variations."""
    torch.manual_seed(8)
    model = Classifier(len(playwright.subjects), len(playwright.places))
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.05)
    progress = Progress(work / "classifier.pt", {"model": model, "optimizer": optimizer})
    if progress.step >= steps:
        return model.eval()
    pictures, subjects, places = draw_examples(playwright, examples, seed=8)
    hits: list[float] = []
    for step in progress.run(steps, "classifier"):
        set_rate(optimizer, 2e-3, step, steps)
        rng = np.random.default_rng([8, step])
        rows = rng.integers(len(pictures), size=batch)
        with torch.autocast("cpu", torch.bfloat16):
            subject, place = model(_shift(to_tensor(pictures[rows]), rng))
        wanted = torch.from_numpy(subjects[rows]), torch.from_numpy(places[rows])
        loss = F.cross_entropy(subject.float(), wanted[0], label_smoothing=0.05)
        loss = loss + 0.5 * F.cross_entropy(place.float(), wanted[1], label_smoothing=0.05)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        hits.append((subject.argmax(1) == wanted[0]).float().mean().item())
        if (step + 1) % 50 == 0:
            log.info("classifier step %d subjects %.3f", step + 1, np.mean(hits[-50:]))
    return model.eval()


def draw_examples(
    playwright: Playwright, count: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return pictures, uint8 [count, ``SIDE``, ``SIDE``, 3], and the labels of their contents."""
    pictures, subjects, places = [], [], []
    for index in range(count):
        rng = np.random.default_rng([seed, index])
        scene = example(playwright, rng)
        pictures.append(shrink(draw_scene(scene, rng, 2 * SIDE)[WHOLE]))
        subjects.append(playwright.subjects.index(scene.actors[0].subject))
        places.append(playwright.places.index(scene.place))
    return np.stack(pictures), np.array(subjects), np.array(places)


def shrink(picture: np.ndarray) -> np.ndarray:
    """Return a picture, uint8 [side, side, 3], box-averaged to ``SIDE``² px."""
    factor = picture.shape[0] // SIDE
    cells = picture.reshape(SIDE, factor, SIDE, factor, 3)
    return cells.mean(axis=(1, 3)).round().astype(np.uint8)


@torch.no_grad()
def recognise(model: Classifier, pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the predicted subjects and places of pictures, uint8."""
    small = to_tensor(np.stack([shrink(picture) for picture in pictures]))
    subject, place = model(small)
    return subject.argmax(1).numpy(), place.argmax(1).numpy()


def _shift(batch: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Return a batch randomly shifted, mirrored, shaded and blurred.

    Some are blurred, so that softness is not mistaken for another subject.
    """
    if rng.random() < 0.5:
        batch = batch.flip(3)
    dx, dy = (int(move) for move in rng.integers(-4, 5, 2))
    batch = F.pad(batch, (4, 4, 4, 4), mode="replicate")
    batch = batch[:, :, 4 + dy : 4 + dy + SIDE, 4 + dx : 4 + dx + SIDE]
    if rng.random() < 0.4:
        batch = F.avg_pool2d(F.pad(batch, (1, 1, 1, 1), mode="replicate"), 3, 1)
    gain = torch.from_numpy(rng.normal(1, 0.06, (len(batch), 3, 1, 1))).float()
    noise = torch.from_numpy(rng.normal(0, 0.03, tuple(batch.shape))).float()
    return batch * gain + noise
