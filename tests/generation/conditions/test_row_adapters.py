"""Adapters beside the weights, against weights with them merged in by hand."""

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from diffusers import UNet2DConditionModel
from torch import Tensor, nn

from generation.conditions.adapters.adapter_file import LoadedAdapter, load_adapter
from generation.conditions.adapters.adapter_keys import Part
from generation.conditions.adapters.row_adapters import NO_ADAPTERS, AdapterSet, RowAdapters
from tests.generation.conditions.lora_files import (
    CONVOLUTION,
    LINEAR,
    Make,
    kohya,
    lora,
    write_adapter,
)

CPU = torch.device("cpu")
MOST = 2**30


@pytest.fixture(scope="module")
def unet(tiny_folder: Path) -> UNet2DConditionModel:
    return UNet2DConditionModel.from_pretrained(tiny_folder / "unet").eval()


def is_linear(_name: str, layer: nn.Module) -> bool:
    return isinstance(layer, nn.Linear)


def is_convolution(_name: str, layer: nn.Module) -> bool:
    """With a kernel, so that a core has something to do, and channels that can be divided."""
    return isinstance(layer, nn.Conv2d) and layer.kernel_size == (3, 3) and len(layer.weight) > 4


def load(file: Path, model: nn.Module, part: Part = Part.DENOISER) -> LoadedAdapter:
    return load_adapter("x", file, {part: model}, CPU, family="sd1", most_bytes=MOST)


def row(*adapters: tuple[LoadedAdapter, float], part: Part = Part.DENOISER) -> AdapterSet:
    return AdapterSet(part, adapters)


def inputs(rows: int) -> tuple[Tensor, Tensor, Tensor]:
    rng = torch.Generator().manual_seed(1)
    return (
        torch.randn((rows, 4, 8, 8), generator=rng),
        torch.linspace(1, 900, rows),
        torch.randn((rows, 77, 32), generator=rng),
    )


@torch.inference_mode()
def predict(unet: nn.Module, latents: Tensor, steps: Tensor, words: Tensor) -> Tensor:
    return unet(latents, steps, encoder_hidden_states=words, return_dict=False)[0]


@torch.inference_mode()
def together(unet: nn.Module, rows: list[AdapterSet], *, fixed: bool = False) -> Tensor:
    with RowAdapters(unet).applied(rows, fixed=fixed):
        return predict(unet, *inputs(len(rows)))


def by_itself(unet: nn.Module, number: int, rows: int) -> Tensor:
    return predict(unet, *(value[number : number + 1] for value in inputs(rows)))


CASES = [
    *((f"{name}, linear", is_linear, make) for name, make in LINEAR.items()),
    *((f"{name}, convolution", is_convolution, make) for name, make in CONVOLUTION.items()),
]


@pytest.mark.parametrize("fixed", [False, True], ids=["", "fixed"])
@pytest.mark.parametrize(
    ("chosen", "make"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_every_kind_is_as_if_it_were_merged(
    unet: UNet2DConditionModel,
    tmp_path: Path,
    chosen: Callable[[str, nn.Module], bool],
    make: Make,
    fixed: bool,
):
    """Twice in a forward, beside a row without and one with another adapter."""
    merged, other = copy.deepcopy(unet), copy.deepcopy(unet)
    models = {"denoiser": merged}
    assert write_adapter(tmp_path / "a", models, chosen, make, kohya, weight=0.7) > 4
    write_adapter(tmp_path / "b", {"denoiser": other}, is_linear, lora, kohya, seed=9, weight=-0.5)
    loaded = load(tmp_path / "a", unet)
    assert loaded.unused == ()
    mine, theirs = row((loaded, 0.7)), row((load(tmp_path / "b", unet), -0.5))
    output = together(unet, [mine, NO_ADAPTERS, theirs, mine], fixed=fixed)
    for number, model in enumerate([merged, unet, other, merged]):
        expected = by_itself(model, number, 4)
        assert torch.allclose(output[number], expected[0], atol=2e-4, rtol=1e-4), number
    assert not torch.allclose(output[0], by_itself(unet, 0, 4)[0], atol=1e-2), "it does something"


def test_weights_are_left_alone_and_so_is_a_forward_without_any(
    unet: UNet2DConditionModel, tmp_path: Path
):
    before = copy.deepcopy(unet.state_dict())
    write_adapter(tmp_path / "a", {"denoiser": copy.deepcopy(unet)}, is_linear, lora, kohya)
    adapters = RowAdapters(unet)
    plain = predict(unet, *inputs(2))
    with torch.inference_mode(), adapters.applied([row((load(tmp_path / "a", unet), 1.0))] * 2):
        changed = predict(unet, *inputs(2))
    assert not torch.equal(changed, plain)
    with adapters.applied([NO_ADAPTERS, AdapterSet(Part.DENOISER, ())]):
        assert not any(layer._forward_hooks for layer in unet.modules())
        assert torch.equal(predict(unet, *inputs(2)), plain)
    assert all(torch.equal(value, before[key]) for key, value in unet.state_dict().items())


def test_several_add_up_whatever_their_order(unet: UNet2DConditionModel, tmp_path: Path):
    merged = copy.deepcopy(unet)
    files = [tmp_path / "a", tmp_path / "b"]
    for seed, file in enumerate(files):
        write_adapter(file, {"denoiser": copy.deepcopy(unet)}, is_linear, lora, kohya, seed=seed)
    first, second = (load(file, unet) for file in files)
    for name, layer in merged.named_modules():
        if isinstance(layer, nn.Linear):
            for one, weight in ((first, 0.5), (second, -1.5)):
                delta = one.changes[Part.DENOISER][name].delta.dense()
                layer.weight = nn.Parameter(layer.weight + weight * delta)
    both = row((first, 0.5), (second, -1.5)), row((second, -1.5), (first, 0.5))
    output = together(unet, list(both))
    for number in range(2):
        assert torch.allclose(output[number], by_itself(merged, number, 2)[0], atol=2e-4)


@pytest.mark.parametrize("make", [lora, LINEAR["DoRA"]], ids=["LoRA", "DoRA"])
def test_weights_stored_in_eight_bits_are_adapted_in_the_type_they_compute_in(
    unet: UNet2DConditionModel, tmp_path: Path, make: Make
):
    stored, merged = copy.deepcopy(unet), copy.deepcopy(unet)
    stored.enable_layerwise_casting(torch.float8_e4m3fn, torch.float32)
    for name, value in stored.state_dict().items():
        merged.get_parameter(name).data.copy_(value.float())
    write_adapter(tmp_path / "a", {"denoiser": merged}, is_linear, make, kohya)
    mine = row((load(tmp_path / "a", stored), 1.0))
    output = together(stored, [mine, mine, NO_ADAPTERS])
    for number in range(2):
        expected = by_itself(merged, number, 3)[0]
        assert torch.allclose(output[number], expected, atol=1e-3), number
    assert torch.allclose(output[2], by_itself(stored, 2, 3)[0], atol=1e-3)


@pytest.mark.parametrize("seed", range(3))
def test_with_fixed_shapes_no_bit_depends_on_the_others(
    unet: UNet2DConditionModel, tmp_path: Path, seed: int
):
    """Eight rows of any kinds and numbers of adapters, in any company."""
    rng = torch.Generator().manual_seed(seed)
    loaded = []
    kinds = [*((is_linear, make) for make in LINEAR.values()), (is_convolution, lora)] * 2
    for number, (chosen, make) in enumerate(kinds):
        file = tmp_path / str(number)
        write_adapter(file, {"denoiser": copy.deepcopy(unet)}, chosen, make, kohya, seed=number)
        loaded.append(load(file, unet))

    def some() -> AdapterSet:
        count = int(torch.randint(0, 9, (), generator=rng))
        chosen = torch.randperm(len(loaded), generator=rng)[:count].tolist()
        return row(*((loaded[one], 0.1 * (one + 1)) for one in chosen))

    mine = some()
    alone = together(unet, [mine] * 8, fixed=True)
    for place in range(8):
        company = [some() for _ in range(8)]
        company[place] = mine
        output = together(unet, company, fixed=True)
        assert torch.equal(output[place], alone[place]), place


def test_rows_that_come_and_go_leave_nothing_behind(unet: UNet2DConditionModel, tmp_path: Path):
    """Stacks are kept from forward to forward, and only what changes is written."""
    loaded = []
    for number, make in enumerate([lora, lora, *LINEAR.values()]):
        file = tmp_path / str(number)
        write_adapter(file, {"denoiser": copy.deepcopy(unet)}, is_linear, make, kohya, seed=number)
        loaded.append(load(file, unet))
    sets = [NO_ADAPTERS, *(row((one, 0.5)) for one in loaded), row(*((one, 0.1) for one in loaded))]
    rng = torch.Generator().manual_seed(0)
    adapters = RowAdapters(unet)
    for _ in range(12):
        rows = [sets[int(torch.randint(len(sets), (), generator=rng))] for _ in range(4)]
        with torch.inference_mode(), adapters.applied(rows):
            kept = predict(unet, *inputs(4))
        assert torch.equal(kept, together(unet, rows))
