"""Every model family against diffusers' own pipeline, on tiny checkpoints with random weights.

Each family draws with every sampler that it offers, from text and from a picture: first each
request by itself, then all families' requests together on one engine. The checkpoints and
diffusers' side are those of the tests, in ``tests/generation/families``.
"""

import importlib
import io
import itertools
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from PIL import Image

from benchmarks import Figures
from generation.architectures import ARCHITECTURES, Sampler
from generation.catalog import Catalog, Checkpoint
from generation.options import EngineOptions
from generation.request import Failed, GenerationRequest, Picture
from generation.worker.worker import calm_threads

if TYPE_CHECKING:
    from generation.engine.engine import Engine

Pixels = Any  # an array of NumPy

STRENGTHS = (None, 0.65, 1.0)
SIDE = 64  # pixels
WIDE = 256  # pixels: beside a forward pass of so many, a tick's overhead is not the whole of it
TICKS = 24
LABELS = {
    "families": "",
    "alone_differing": "alone, values that differ from diffusers'",
    "mixed_max_level": "with strangers of all families, largest difference (levels of 255)",
    "mixed_differing_pct": "with strangers of all families, values that differ (%)",
    "overhead_1row_pct": f"a tick at 1 row of {WIDE} px beside its forward pass (% of that)",
}


def run() -> Figures:
    """Measure every family in this process, on the CPU."""
    calm_threads()
    import torch

    from generation.engine.engine import Engine

    torch.set_num_threads(1)  # more of them cost more than such networks take
    with tempfile.TemporaryDirectory() as folder:
        checkpoints = {name: made(Path(folder) / name) for name, made in _tiny().items()}
        catalog = Catalog(checkpoints, next(iter(checkpoints)))
        options = EngineOptions(rows=16, metadata=False, safety=False)
        engine = Engine(catalog, torch.device("cpu"), options=options)
        requests = {name: _requests(name) for name in checkpoints}
        wanted = {name: _reference(checkpoints[name], requests[name]) for name in checkpoints}
        alone = {
            name: [drawn for request in mine for drawn in _draw(engine, [request])]
            for name, mine in requests.items()
        }
        # All first ones, then all second ones, …
        rounds = [one for ones in zip_longest(*requests.values()) for one in ones if one]
        together = dict(zip(map(id, rounds), _draw(engine, rounds), strict=True))
        mixed = {name: [together[id(one)] for one in mine] for name, mine in requests.items()}
        return {
            "families": {
                name: {
                    **_differences(wanted[name], alone[name], mixed[name]),
                    "overhead_1row_pct": round(_overhead_pct(engine, name), 2),
                }
                for name in checkpoints
            }
        }


def _tiny() -> dict[str, Callable[[Path], Checkpoint]]:
    """Return how to save a tiny checkpoint of each family that has one."""
    plain, xl, flow = (
        importlib.import_module(f"tests.generation.{name}")
        for name in ("conftest", "families.tiny", "families.conftest")
    )
    saves = {"sd1": plain.save_tiny, "sdxl": xl.save_tiny_xl}
    saves |= dict(reversed(flow.CHECKPOINTS.values()))

    def checkpoint(name: str, folder: Path) -> Checkpoint:
        source = saves[name](folder)
        return Checkpoint(name=name, source=source, family=name, size=SIDE, lcm=True)

    return {name: partial(checkpoint, name) for name in ARCHITECTURES if name in saves}


def _requests(name: str) -> list[GenerationRequest]:
    """Return one picture with each of a family's samplers, from text and from a picture."""
    guidances = itertools.cycle((5.0, 1.0, 7.5))
    source = importlib.import_module("tests.generation.conftest").draw_source(SIDE, SIDE)
    return [
        GenerationRequest(
            prompt="a red apple",
            negative_prompt="boats",
            checkpoint=name,
            family=name,
            width=SIDE,
            height=SIDE,
            num_inference_steps=4,
            guidance_scale=next(guidances),
            sampler=sampler,
            seed=seed,
            strength=strength,
            image=None if strength is None else source,
        )
        for seed, (sampler, strength) in enumerate(
            itertools.product(ARCHITECTURES[name].samplers, STRENGTHS)
        )
    ]


def _reference(checkpoint: Checkpoint, requests: Sequence[GenerationRequest]) -> list[Pixels]:
    """Return diffusers' own pictures: uint8 [height, width, 3]."""
    folder, name = checkpoint.source, checkpoint.family
    plain, flow = (
        importlib.import_module(f"tests.generation.families.{module}")
        for module in ("reference", "flow_reference")
    )
    ours = name in plain.PIPELINES
    draw = plain.diffusers_own(folder, name) if ours else flow.diffusers_own(folder)
    return [draw(request)[0] for request in requests]


def _draw(engine: "Engine", requests: Sequence[GenerationRequest]) -> list[Pixels]:
    """Generate requests for one picture each together: uint8 [height, width, 3]."""
    import numpy as np

    for key, request in enumerate(requests, 1):
        engine.add(key, request)
    drawn: dict[int, Pixels] = {}
    while not engine.idle:
        for key, event in engine.step():
            if isinstance(event, Failed):
                raise event.error
            if isinstance(event, Picture):
                drawn[key] = np.asarray(Image.open(io.BytesIO(event.png))).astype(int)
    return [drawn[key] for key in sorted(drawn)]


def _differences(
    wanted: Sequence[Pixels], alone: Sequence[Pixels], mixed: Sequence[Pixels]
) -> dict[str, float]:
    import numpy as np

    theirs = np.stack(wanted).astype(int)
    apart = np.abs(np.stack(mixed) - theirs)
    return {
        "alone_differing": int((np.stack(alone) != theirs).sum()),
        "mixed_max_level": int(apart.max()),
        "mixed_differing_pct": round(100 * float((apart > 0).mean()), 4),
    }


def _overhead_pct(engine: "Engine", name: str) -> float:
    """Return what a tick takes beside its forward pass, in per cent of it; the median counts."""
    from generation.families.pipeline import family_of

    begun, inside = 0.0, 0.0

    def before(*_: object) -> None:
        nonlocal begun
        begun = time.perf_counter()

    def after(*_: object) -> None:
        nonlocal inside
        inside = time.perf_counter() - begun

    request = replace(
        _requests(name)[0],
        guidance_scale=1.0,
        width=WIDE,
        height=WIDE,
        num_inference_steps=100,
        sampler=Sampler.EULER,
    )
    engine.add(1, request)
    family = family_of(name)
    with mock.patch.object(family, "predict", autospec=True, side_effect=family.predict) as predict:
        while not predict.called:  # the first step also encodes and has a preview
            engine.step()
    [pipeline, _] = predict.call_args.args
    denoiser = getattr(pipeline, pipeline.denoiser)
    hooks = [
        denoiser.register_forward_pre_hook(before),
        denoiser.register_forward_hook(after),
    ]
    shares = []
    for _ in range(TICKS):
        started = time.perf_counter()
        engine.step()
        shares.append((time.perf_counter() - started - inside) / inside)
    engine.cancel(1)
    engine.step()
    for hook in hooks:
        hook.remove()
    return 100 * statistics.median(shares)
