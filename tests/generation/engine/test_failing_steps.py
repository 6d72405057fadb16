"""An error of one picture's scheduler ends that request, and nobody else's."""

from collections.abc import Callable

import pytest
import torch

from generation.catalog import Catalog
from generation.engine.engine import Engine
from generation.engine.trajectory import Trajectory
from generation.errors import OutOfMemory, StepFailed
from generation.request import Failed, Finished, Progress, Sampler
from tests.generation.conftest import CPU, PLAIN, MakeRequest, run

Fault = Callable[[], None]


def divide() -> None:
    _ = 1 / 0


def run_out() -> None:
    raise torch.OutOfMemoryError("CUDA out of memory.")


def find_the_card_full() -> None:
    raise torch.AcceleratorError("CUDA error: out of memory")


FAULTS = [(divide, StepFailed), (run_out, OutOfMemory), (find_the_card_full, OutOfMemory)]


@pytest.mark.parametrize("where", ["__init__", "start", "advance"])
@pytest.mark.parametrize(("fault", "kind"), FAULTS)
def test_one_fails_and_strangers_are_drawn(
    catalog: Catalog,
    make_request: MakeRequest,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    fault: Fault,
    kind: type[Exception],
):
    engine = Engine(catalog, CPU, options=PLAIN)
    assert engine.warm_up() is None  # a checkpoint that suits no sampler is not loaded at all
    real = getattr(Trajectory, where)

    def fail(trajectory: Trajectory, *given: object) -> object:
        done = real(trajectory, *given)
        if trajectory.scheduler.order == 2 and trajectory.step == (2 if where == "advance" else 0):
            fault()
        return done

    monkeypatch.setattr(Trajectory, where, fail)
    for key, sampler in enumerate((Sampler.EULER, Sampler.HEUN, Sampler.DDIM), start=1):
        engine.add(key, make_request(sampler=sampler, num_images=2))
    ends = {}
    while not engine.idle:
        ends |= {key: one for key, one in engine.step() if isinstance(one, Failed | Finished)}
    assert isinstance(ends[1], Finished)
    assert isinstance(ends[2].error, kind)
    assert isinstance(ends[3], Finished)
    assert not engine._batcher


def test_a_preview_that_fails_is_left_out(
    catalog: Catalog, make_request: MakeRequest, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Trajectory, "clean", lambda _: divide())
    told = run(Engine(catalog, CPU, options=PLAIN), make_request())
    assert isinstance(told[-1], Finished)
    assert {one.preview for one in told if isinstance(one, Progress)} == {None}


def test_a_fault_of_the_device_is_everybody_s(
    catalog: Catalog, make_request: MakeRequest, monkeypatch: pytest.MonkeyPatch
):
    def fault(*_: object) -> None:
        raise torch.AcceleratorError("an illegal memory access was encountered")

    engine = Engine(catalog, CPU, options=PLAIN)
    monkeypatch.setattr(Trajectory, "advance", fault)
    engine.add(1, make_request())
    with pytest.raises(torch.AcceleratorError):
        engine.step()
