"""What a UNet computes of its prompts alone is computed once, and is the same to the bit."""

import gc
import weakref

import pytest
import torch
from diffusers import UNet2DConditionModel
from torch import Tensor, nn

from generation.catalog import Catalog
from generation.conditions.steering.ip_adapter import attentions_of
from generation.engine.engine import Engine
from generation.families.prompt_layers import PromptLayers
from tests.generation.conftest import CPU, PLAIN, TINY, MakeRequest, run

WIDTH = 24  # of a prompt's embeddings; nothing else in the UNet is as wide
STEPS = 3


@pytest.fixture
def unet() -> UNet2DConditionModel:
    """A tiny UNet that adds a summary of the prompt to its timestep, as the embedded one does."""
    torch.manual_seed(0)
    return UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(32, 64),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        layers_per_block=1,
        cross_attention_dim=WIDTH,
        attention_head_dim=4,
        norm_num_groups=16,
        addition_embed_type="text",
        addition_embed_type_num_heads=4,
    ).eval()


@pytest.fixture
def products(monkeypatch: pytest.MonkeyPatch) -> list[nn.Linear]:
    """The layers that multiplied a prompt's embeddings, once for each time."""
    found: list[nn.Linear] = []
    own = nn.Linear.forward

    def forward(self: nn.Linear, inputs: Tensor) -> Tensor:
        if inputs.shape[-1] == WIDTH:
            found.append(self)
        return own(self, inputs)

    monkeypatch.setattr(nn.Linear, "forward", forward)
    return found


def prompts_of(*seeds: int) -> list[Tensor]:
    return [
        torch.randn(1, 7, WIDTH, generator=torch.Generator().manual_seed(seed)) for seed in seeds
    ]


@torch.inference_mode()
def step(unet: UNet2DConditionModel, number: int, context: Tensor) -> Tensor:
    latents = torch.randn(len(context), 4, 8, 8, generator=torch.Generator().manual_seed(number))
    return unet(latents, 900 - number, context, return_dict=False)[0]


def test_steps_after_the_first_multiply_no_prompt(
    unet: UNet2DConditionModel, products: list[nn.Linear]
) -> None:
    layers, prompts = PromptLayers(unet), prompts_of(1, 2)
    expected = [step(unet, number, torch.cat(prompts)) for number in range(STEPS)]
    each = len(products) // STEPS
    assert each
    products.clear()
    for number in range(STEPS):
        with layers.kept():
            assert torch.equal(step(unet, number, layers.stack(prompts)), expected[number])
    assert len(products) == each


def test_the_engine_computes_them_once_for_each_company(
    catalog: Catalog, make_request: MakeRequest
) -> None:
    engine = Engine(catalog, CPU, options=PLAIN)
    run(engine, make_request())
    layer = next(iter(attentions_of(engine.cache._pipelines[TINY].unet).values())).to_k
    own, companies, kept = layer.forward, list[int](), list[weakref.ref[Tensor]]()

    def forward(inputs: Tensor) -> Tensor:
        companies.append(len(inputs))
        output = own(inputs)
        kept.append(weakref.ref(output))
        return output

    layer.forward = forward
    run(engine, make_request(num_inference_steps=6))
    assert companies == [2], "both prompts, at the first of six steps"
    companies.clear()
    engine.add(1, make_request(num_inference_steps=4))
    engine.add(2, make_request(prompt="a sleeping cat", num_inference_steps=8))
    while not engine.idle:
        engine.step()
    assert companies[-1] == 2, "who is left alone"
    assert len(companies) == len(set(companies)) <= 3
    gc.collect()
    assert not any(one() is not None for one in kept), "nothing is kept while there is no request"


def test_other_prompts_are_computed_anew(unet: UNet2DConditionModel) -> None:
    layers = PromptLayers(unet)
    first, second, third = prompts_of(1, 2, 3)
    for rows in ([first, second], [first, third], [third, first], [first], [first, second]):
        with layers.kept():
            found = step(unet, 0, layers.stack(rows))
        assert torch.equal(found, step(unet, 0, torch.cat(rows)))


def test_another_tensor_than_the_rows_is_computed_as_ever(unet: UNet2DConditionModel) -> None:
    layers, prompts = PromptLayers(unet), prompts_of(1)
    (other,) = prompts_of(2)
    expected = step(unet, 0, other)
    with layers.kept():
        step(unet, 0, layers.stack(prompts))
        assert torch.equal(step(unet, 0, other), expected)


def test_layers_are_their_own_again_afterwards(unet: UNet2DConditionModel) -> None:
    layers, prompts = PromptLayers(unet), prompts_of(1)
    with layers.kept():
        step(unet, 0, layers.stack(prompts))
    with pytest.raises(RuntimeError, match="channels"), layers.kept():
        unet(torch.zeros(1, 3, 8, 8), 900, layers.stack(prompts))  # a channel short
    with torch.no_grad():
        for parameter in unet.parameters():
            parameter.mul_(1.5)
    assert torch.equal(step(unet, 0, layers.stack(prompts)), step(unet, 0, prompts[0]))


def test_layers_that_somebody_hooked_stay_hooked(unet: UNet2DConditionModel) -> None:
    unet.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=torch.float32)
    layers, prompts = PromptLayers(unet), prompts_of(1)
    expected = step(unet, 0, prompts[0])
    for _ in range(2):
        with layers.kept():
            assert torch.equal(step(unet, 0, layers.stack(prompts)), expected)
    assert torch.equal(step(unet, 0, prompts[0]), expected)


def test_nothing_is_kept_of_prompts_that_are_gone(unet: UNet2DConditionModel) -> None:
    layers, prompts = PromptLayers(unet), prompts_of(1, 2)
    with layers.kept():
        stacked = layers.stack(prompts)
        step(unet, 0, stacked)
    kept = weakref.ref(stacked)
    del stacked
    gc.collect()
    assert kept() is not None
    del prompts[0]
    gc.collect()
    assert kept() is None
