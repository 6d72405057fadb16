"""What a control net takes in a forward: a UNet of half Stable Diffusion 1.5's width, at 256 px."""

import time
from collections.abc import Callable

import torch
from diffusers import ControlNetModel, UNet2DConditionModel

from generation.conditions.steering.control_net import LoadedNet, RowControl, RowControls
from generation.engine.device import pick_device

ROWS = 2
SIDE = 32  # cells of the latents
ROUNDS = 5
WIDTH = 768  # of the text


@torch.inference_mode()
def measure() -> float:
    """Return how much longer rows with a net take than plain ones, in percent."""
    device = pick_device()
    torch.manual_seed(0)
    with device:
        unet = UNet2DConditionModel(
            sample_size=SIDE,
            block_out_channels=(160, 320, 640, 640),
            layers_per_block=2,
            cross_attention_dim=WIDTH,
            attention_head_dim=8,
        ).eval()
        net = LoadedNet(ControlNetModel.from_unet(unet).eval())
        latents = torch.randn(ROWS, 4, SIDE, SIDE)
        timesteps = torch.linspace(1, 999, ROWS)
        options = {"encoder_hidden_states": torch.randn(ROWS, 77, WIDTH)}
        picture = torch.rand(1, 3, 8 * SIDE, 8 * SIDE)
    rows = [(RowControl(net, (picture,), (1.0,)),)] * ROWS
    controls = RowControls()

    def plain() -> None:
        unet(latents, timesteps, **options, return_dict=False)

    def steered() -> None:
        with controls.applied(rows, fixed=False):
            more = controls.residuals(latents, timesteps, options)
            unet(latents, timesteps, **options, **more, return_dict=False)

    def seconds(work: Callable[[], None]) -> float:
        begun = time.perf_counter()
        work()
        if device.type != "cpu":
            torch.accelerator.synchronize(device)
        return time.perf_counter() - begun

    plain()
    steered()
    # The fastest of each counts: other programs only ever slow one down.
    pairs = [(seconds(steered), seconds(plain)) for _ in range(ROUNDS)]
    fastest, without = map(min, zip(*pairs, strict=True))
    return round(100 * (fastest / without - 1), 1)
