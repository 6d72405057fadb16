"""The compiled UNet, with a compiler that changes nothing."""

import numpy as np
import pytest
import torch

from generation.catalog import Catalog
from generation.engine.engine import Engine
from generation.families import compiled
from generation.options import Compile, EngineOptions
from tests.generation.conftest import CPU, PLAIN, MakeRequest, pixels, run


def test_the_default_size_runs_on_fixed_row_counts_and_others_as_before(
    catalog: Catalog, make_request: MakeRequest, monkeypatch: pytest.MonkeyPatch
):
    calls: list[tuple[int, int]] = []

    def compile_(forward: object, *, mode: str, dynamic: bool) -> object:
        assert (mode, dynamic) == ("default", False)

        def run_compiled(latents: torch.Tensor, *rest: object, **options: object) -> object:
            assert latents.is_contiguous(memory_format=torch.channels_last)
            calls.append((len(latents), latents.shape[-1]))
            return forward(latents, *rest, **options)

        return run_compiled

    monkeypatch.setattr(torch, "compile", compile_)
    options = EngineOptions(rows=16, compile=Compile.DEFAULT)
    engine = Engine(catalog, CPU, options=options)
    assert engine.warm_up() is None
    assert [rows for rows, _ in calls[: len(compiled.ROWS)]] == list(compiled.ROWS)
    calls.clear()
    eager = Engine(catalog, CPU, options=PLAIN)
    for request in (make_request(num_images=3), make_request(guidance_scale=1.0)):
        drawn, wanted = pixels(run(engine, request)), pixels(run(eager, request))
        assert np.abs(drawn.astype(int) - wanted).max() <= 1
    assert {rows for rows, _ in calls} == {8, 1}
    calls.clear()
    run(engine, make_request(width=40))
    run(engine, make_request(prompt="boats " * 80))
    assert calls == []
