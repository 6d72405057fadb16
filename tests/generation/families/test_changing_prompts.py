"""Prompts whose words take turns while a picture is drawn."""

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionPipeline

from generation.catalog import Catalog, Checkpoint
from generation.engine.engine import Engine
from generation.errors import InvalidRequest
from generation.request import GenerationRequest, Sampler
from tests.generation.conftest import CPU, PLAIN, TINY, MakeRequest, pixels, run
from tests.generation.families.conftest import CHECKPOINTS
from tests.generation.families.reference import scheduler_for


@pytest.fixture(scope="module")
def tiny(tiny_folder: Path) -> Engine:
    return Engine(
        Catalog({TINY: Checkpoint(name=TINY, source=tiny_folder, size=32)}, TINY),
        CPU,
        options=PLAIN,
    )


def by_diffusers(folder: Path, request: GenerationRequest, texts: list[str]) -> np.ndarray:
    """Draw with the text of each forward pass, handed to diffusers' own pipeline in time."""
    pipeline = StableDiffusionPipeline.from_pretrained(folder, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    pipeline.scheduler = scheduler_for(request.sampler, pipeline.scheduler.config)
    embeddings = []
    for text in texts:
        towards, away = pipeline.encode_prompt(text, CPU, 1, True, request.negative_prompt)
        embeddings.append(torch.cat([away, towards]))

    def turn(_pipeline: object, step: int, _timestep: object, _tensors: object) -> dict:
        return {"prompt_embeds": embeddings[min(step + 1, len(texts) - 1)]}

    picture = pipeline(
        prompt=texts[0],
        negative_prompt=request.negative_prompt,
        width=request.width,
        height=request.height,
        num_inference_steps=request.num_inference_steps,
        guidance_scale=request.guidance_scale,
        generator=torch.Generator("cpu").manual_seed(request.seed),
        callback_on_step_end=turn,
        callback_on_step_end_tensor_inputs=["prompt_embeds"],
        output_type="np",
    ).images
    return (picture * 255).round().astype(np.uint8)


@pytest.mark.parametrize(
    ("sampler", "prompt", "texts"),
    [
        (Sampler.EULER, "a [red apple:sleeping cat:0.5]", [0, 0, 1, 1]),
        (Sampler.EULER, "a [red apple:sleeping cat:1]", [0, 1, 1, 1]),
        (Sampler.EULER, "a [red apple|sleeping cat]", [0, 1, 0, 1]),
        # Two forward passes a step, but for the last.
        (Sampler.HEUN, "a [red apple:sleeping cat:0.5]", [0, 0, 0, 0, 1, 1, 1]),
        # Its first step is taken twice.
        (Sampler.PNDM, "a [red apple:sleeping cat:0.5]", [0, 0, 0, 1, 1]),
    ],
)
def test_each_step_is_drawn_with_its_own_words(
    tiny: Engine,
    tiny_folder: Path,
    make_request: MakeRequest,
    sampler: Sampler,
    prompt: str,
    texts: list[int],
):
    request = make_request(prompt=prompt, sampler=sampler, negative_prompt="boats")
    said = [("a red apple", "a sleeping cat")[one] for one in texts]
    assert np.array_equal(pixels(run(tiny, request)), by_diffusers(tiny_folder, request, said))


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_every_family_draws_them(engine: Engine, make_request: MakeRequest, name: str):
    def draw(prompt: str) -> np.ndarray:
        return pixels(
            run(
                engine,
                make_request(
                    prompt=prompt,
                    negative_prompt="[boats:a cat:0.5]",
                    checkpoint=name,
                    family=CHECKPOINTS[name][0],
                    sampler=Sampler.EULER,
                ),
            )
        )

    apple, boats = draw("a red apple"), draw("two boats at sea")
    turned = draw("[a red apple:two boats at sea:0.5]")
    assert not np.array_equal(turned, apple)
    assert not np.array_equal(turned, boats)
    assert np.array_equal(draw("[a red apple|a (red:1) apple]"), apple)


def test_too_many_texts_are_refused_by_name(make_request: MakeRequest):
    words = "|".join(map(str, range(40)))
    with pytest.raises(InvalidRequest, match="32"):
        make_request(prompt=f"[{words}]", num_inference_steps=50)
    with pytest.raises(InvalidRequest, match="negative_prompt"):
        make_request(negative_prompt=f"[{words}]", num_inference_steps=50)
    long = "a fox, " * 1000  # of which fewer may be drawn in turn
    with pytest.raises(InvalidRequest, match="at most 5 different"):
        make_request(prompt=f"{long}[1|2|3|4|5|6]", num_inference_steps=50)
    make_request(prompt=f"{long}[1|2]", num_inference_steps=50)
