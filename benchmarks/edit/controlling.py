"""What a ControlNet costs a row: forwards of rows that all have one, against plain ones.

A UNet of half Stable Diffusion 1.5's width (220 million parameters) with a control net of its own
and random weights: eight rows at 512 px, or two at 256 px on a CPU. The figure is of the plain
forward in the same round, the median of the rounds.
"""

import statistics
import time
from collections.abc import Callable

ROUNDS = 3
WIDTH = 768  # of the text


def measure() -> float:
    """Return how much longer a row with a control net takes than a plain one, in percent."""
    import torch
    from diffusers import ControlNetModel, UNet2DConditionModel

    from generation.conditions.control_net import LoadedNet, RowControl, RowControls

    torch.manual_seed(0)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    dtype = torch.float16 if device.type == "cuda" else torch.float32
    count, cells = (8, 64) if device.type == "cuda" else (2, 32)
    with device, torch.inference_mode():
        unet = UNet2DConditionModel(
            sample_size=cells,
            block_out_channels=(160, 320, 640, 640),
            layers_per_block=2,
            cross_attention_dim=WIDTH,
            attention_head_dim=8,
        )
        model = ControlNetModel.from_unet(unet)
        if dtype is torch.float16:
            unet, model = unet.half(), model.half()
        net = LoadedNet(model.eval())
        unet.eval()
        latents = torch.randn(count, 4, cells, cells, dtype=dtype)
        timesteps = torch.linspace(1, 999, count)
        options = {"encoder_hidden_states": torch.randn(count, 77, WIDTH, dtype=dtype)}
        pictures = torch.rand(count, 3, 8 * cells, 8 * cells, dtype=dtype)
        controls = [(RowControl(net, (one[None],), (0.8,)),) for one in pictures]
        rows = RowControls()

        def plain() -> None:
            unet(latents, timesteps, **options)

        def controlled() -> None:
            with rows.applied(controls, fixed=False):
                more = rows.residuals(latents, timesteps, options)
                unet(latents, timesteps, **options, **more)

        def seconds(work: Callable[[], None]) -> float:
            if device.type == "cuda":
                torch.cuda.synchronize()
            begun = time.perf_counter()
            work()
            if device.type == "cuda":
                torch.cuda.synchronize()
            return time.perf_counter() - begun

        for work in (plain, controlled):
            seconds(work)  # warms up
        ratios = [seconds(controlled) / seconds(plain) for _ in range(ROUNDS)]
    return round(100 * (statistics.median(ratios) - 1), 1)
