"""The real worker process behind LocalExecutor, on the tiny checkpoint."""

import asyncio
import io
import os
import pickle
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from PIL import Image
from transformers import CLIPTextModel

from benchmarks.crashes import measure
from generation.catalog import Catalog, Checkpoint
from generation.errors import Cancelled, CheckpointUnavailable, WorkerDied
from generation.request import Event, Failed, Finished, Loading, Picture, Progress, Started
from generation.worker import process
from generation.worker.executor import LocalExecutor
from generation.worker.lane import Lane
from generation.worker.link import End
from generation.worker.messages import Add, Message, Ready
from generation.worker.process import WorkerProcess
from tests.generation.conftest import PLAIN, TINY, MakeRequest

Launch = Callable[..., Awaitable[LocalExecutor]]
PATIENCE_S = 30.0  # what would otherwise wait for ever
LONG = {"num_inference_steps": 100, "num_images": 4, "width": 128, "height": 128}


@pytest.fixture(autouse=True)
def _one_thread_in_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture
async def launch(catalog: Catalog) -> AsyncIterator[Launch]:
    """Start executors; every one is closed at the end of the test."""
    launched = []

    async def launch(catalog: Catalog = catalog, **limits: float) -> LocalExecutor:
        launched.append(LocalExecutor(catalog, PLAIN, **limits))
        await launched[-1].start()
        return launched[-1]

    yield launch
    for executor in launched:
        await executor.close()


@pytest.fixture
async def executor(launch: Launch) -> LocalExecutor:
    return await launch()


async def collect(events: AsyncIterator[Event]) -> list[Event]:
    return [event async for event in events]


def kinds(events: list[Event]) -> list[type[Event]]:
    return [type(event) for event in events]


async def reach_step(events: AsyncIterator[Event]) -> None:
    """Read events until a step is done."""
    async for event in events:
        if isinstance(event, Progress):
            return
    raise AssertionError("the request ended first")


async def gone(pid: int, within_s: float = PATIENCE_S) -> bool:
    """Whether the process ends in time; a zombie has ended."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        await asyncio.sleep(0.05)
    return False


async def test_start_is_prompt_and_requests_wait_for_readiness(
    launch: Launch, make_request: MakeRequest
):
    executor = await launch()
    readiness = asyncio.create_task(executor.ready())
    await asyncio.sleep(0)
    assert not readiness.done()
    events = await collect(executor.run(make_request(num_images=2)))
    assert kinds(events) == [Started, Progress, Picture, Picture, Finished]
    assert [(event.index, event.seed) for event in events[2:4]] == [(0, 7), (1, 8)]
    assert Image.open(io.BytesIO(events[2].png)).size == (32, 32)
    assert 0 < events[-1].device_seconds < 60
    ready = await readiness
    assert ready.device
    assert ready.error is None
    worker = executor.pid
    await executor.close()
    assert await gone(worker)


async def test_new_checkpoints_are_offered_without_a_restart(
    catalog: Catalog, executor: LocalExecutor, make_request: MakeRequest
):
    ready = await executor.ready()
    worker = executor.pid
    new = make_request(checkpoint="New")
    failed = (await collect(executor.run(new)))[-1]
    assert isinstance(failed, Failed)
    secret = replace(catalog[TINY], name="Secret", roles=(1,), age_restricted=True)
    more = {**catalog.checkpoints, "New": replace(catalog[TINY], name="New"), "Secret": secret}
    catalog.become(Catalog(more, TINY))
    executor.offer()
    assert kinds(await collect(executor.run(new)))[-2:] == [Picture, Finished]
    catalog.become(Catalog({name: more[name] for name in (TINY, "Secret")}, TINY))
    executor.offer()
    failed = (await collect(executor.run(new)))[-1]
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, CheckpointUnavailable)
    assert "Secret" not in str(failed.error), "its lines are read by everybody"
    assert (executor.pid, await executor.ready()) == (worker, ready)


async def test_a_step_is_reported_when_somebody_looks(
    executor: LocalExecutor, make_request: MakeRequest
):
    request = make_request(num_inference_steps=100)
    steps = []
    async for event in executor.run(request):
        if isinstance(event, Progress):
            steps.append(event)
            if len(steps) == 1:
                executor.look(request)
    executor.look(request)  # it has ended
    first, second = steps
    assert first.step == 1 < second.step
    assert first.preview is not None
    assert second.preview is not None


async def test_closing_the_generator_cancels_that_request_only(
    executor: LocalExecutor, make_request: MakeRequest
):
    events = executor.run(make_request(**{**LONG, "width": 256, "height": 256}))
    await reach_step(events)
    await events.aclose()
    runs = [collect(executor.run(make_request(seed=seed))) for seed in range(3)]
    for following in await asyncio.wait_for(asyncio.gather(*runs), PATIENCE_S):
        assert kinds(following)[0] is Started
        assert isinstance(following[-1], Finished)
    assert [lane.requests_aboard for lane in executor.lanes()] == [0], (
        "what was cancelled outlives those that came later"
    )


async def test_a_worker_that_hangs_under_a_cancelled_request_is_replaced_for_the_next(
    launch: Launch, make_request: MakeRequest
):
    executor = await launch(tick_timeout_s=2.0)
    events = executor.run(make_request(**LONG))
    await reach_step(events)
    os.kill(executor.pid, signal.SIGSTOP)
    await events.aclose()
    assert isinstance((await collect(executor.run(make_request())))[-1], Finished)


async def test_a_killed_worker_is_replaced_and_the_request_replayed(
    executor: LocalExecutor, make_request: MakeRequest
):
    request = make_request(num_images=3, width=192, height=192)
    undisturbed = await collect(executor.run(request))
    events = []
    async for event in executor.run(request):
        if isinstance(event, Picture) and event.index == 0:
            first = executor.pid
            os.kill(first, signal.SIGKILL)
        events.append(event)
    assert executor.pid != first
    assert isinstance(events[-1], Finished)
    assert kinds(events).count(Started) == 1
    drawn = [event for event in events if isinstance(event, Picture)]
    assert drawn == [event for event in undisturbed if isinstance(event, Picture)]


async def test_a_hanging_worker_is_killed_by_the_watchdog(
    launch: Launch, make_request: MakeRequest
):
    executor = await launch(tick_timeout_s=2.0)
    events = executor.run(make_request(**LONG | {"num_inference_steps": 20, "width": 64}))
    await reach_step(events)
    hung = executor.pid
    os.kill(hung, signal.SIGSTOP)
    *_, last = await collect(events)
    assert isinstance(last, Finished)
    assert executor.pid != hung
    assert not psutil.pid_exists(hung)


async def test_close_ends_a_stopped_worker_and_tells_whoever_waits(
    executor: LocalExecutor, make_request: MakeRequest
):
    events = executor.run(make_request(**LONG))
    await reach_step(events)
    worker = executor.pid
    os.kill(worker, signal.SIGSTOP)
    rest = asyncio.create_task(collect(events))
    await asyncio.wait_for(executor.close(), PATIENCE_S)
    assert not psutil.pid_exists(worker)
    assert isinstance((await rest)[-1].error, Cancelled)
    assert isinstance((await collect(executor.run(make_request())))[-1].error, Cancelled)


async def test_a_worker_that_cannot_be_killed_holds_up_nobody(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
):
    for bound in ("CLOSE_TIMEOUT_S", "KILL_TIMEOUT_S"):
        monkeypatch.setattr(process, bound, 0.1)
    link = WorkerProcess(catalog, PLAIN)
    stuck = psutil.Process(link.pid)
    stuck.suspend()
    with monkeypatch.context() as patch:
        patch.setattr("multiprocessing.context.SpawnProcess.kill", lambda _process: None)
        async with asyncio.timeout(PATIENCE_S):
            assert await link.end() is End.DRAINED
    stuck.kill()
    while await link.receive() is not None:
        pass


async def test_the_hub_out_of_reach_fails_only_what_is_not_on_disk(
    launch: Launch,
    catalog: Catalog,
    tiny_folder: Path,
    make_request: MakeRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    cached = tmp_path / "models--someone--tiny"
    shutil.copytree(tiny_folder, cached / "snapshots" / ("0" * 40))
    (cached / "refs").mkdir()
    (cached / "refs/main").write_text("0" * 40)
    away = Checkpoint(name="Away", source="nobody/nothing-here", size=32)
    here = Checkpoint(name="Here", source="someone/tiny", size=32)
    executor = await launch(Catalog({**catalog.checkpoints, "Away": away, "Here": here}, "Away"))
    assert isinstance((await executor.ready()).error, CheckpointUnavailable)
    loading, failed = await collect(executor.run(make_request(checkpoint="Away")))
    assert loading == Loading("Away")
    assert "nobody/nothing-here is not on disk and the hub is out of reach" in str(failed.error)
    (failed,) = await collect(executor.run(make_request(checkpoint="Unknown")))
    assert "not in the catalog" in str(failed.error)
    for name in ("Here", TINY):
        first, *_, last = await collect(executor.run(make_request(checkpoint=name)))
        assert first == Loading(name)
        assert isinstance(last, Finished)
    assert kinds(await collect(executor.run(make_request(checkpoint="Here"))))[0] is Started


async def test_an_error_in_the_forward_ends_the_worker_twice_and_only_that_request(
    launch: Launch, catalog: Catalog, tiny_folder: Path, make_request: MakeRequest, tmp_path: Path
):
    folder = shutil.copytree(tiny_folder, tmp_path / "mismatched")
    narrow = CLIPTextModel.from_pretrained(folder / "text_encoder").config
    narrow.update({"hidden_size": 16, "intermediate_size": 16})
    CLIPTextModel(narrow).save_pretrained(folder / "text_encoder")
    broken = Checkpoint(name="Mismatched", source=folder, size=32)
    executor = await launch(Catalog({**catalog.checkpoints, "Mismatched": broken}, TINY))
    await executor.ready()
    requests = [make_request(guidance_scale=1.0), make_request(checkpoint="Mismatched")]
    requests.append(make_request(guidance_scale=1.0, seed=8))
    runs = [collect(executor.run(request)) for request in requests]
    first, deadly, last = await asyncio.gather(*runs)
    loading, *_, failed = deadly
    assert loading == Loading("Mismatched")
    assert isinstance(failed.error, WorkerDied)
    assert str(failed.error) == "the worker ended twice under this request"
    assert failed.device_seconds > 0
    assert isinstance(first[-1], Finished)
    assert isinstance(last[-1], Finished)


async def test_a_worker_that_does_not_start_fails_who_waits_and_is_tried_again(
    launch: Launch, make_request: MakeRequest, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PYTHONHOME", "/nowhere")  # no Python starts like this
    executor = await launch()
    (failed,) = await collect(executor.run(make_request()))
    assert isinstance(failed.error, WorkerDied)
    monkeypatch.delenv("PYTHONHOME")
    assert isinstance((await collect(executor.run(make_request())))[-1], Finished)


async def test_a_picture_for_a_worker_that_hangs_does_not_stop_the_event_loop(
    catalog: Catalog, make_request: MakeRequest, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("generation.worker.process.CLOSE_TIMEOUT_S", 0.2)
    worker = WorkerProcess(catalog, PLAIN)
    os.kill(worker.pid, signal.SIGSTOP)
    add = Add(1, make_request(strength=0.5, image=bytes(2**20)))
    await asyncio.wait_for(asyncio.to_thread(worker.send, add), PATIENCE_S)
    assert await worker.end() is End.DRAINED, "it was asked to end before it was killed"
    assert await worker.receive() is None
    assert await worker.receive() is None


class DyingWorker:
    """Becomes ready, or not, and ends at once."""

    pid = 0

    def __init__(self, messages: list[Message]) -> None:
        self._messages = messages

    async def receive(self) -> list[Message] | None:
        messages, self._messages = self._messages, []
        return messages or None

    async def end(self) -> End:
        return End.CRASHED


@pytest.mark.parametrize("messages", [[], [Ready("cpu", TINY, 2)]], ids=["unready", "idle"])
async def test_a_worker_that_keeps_dying_with_nothing_to_do_is_started_ever_later(
    launch: Launch, monkeypatch: pytest.MonkeyPatch, messages: list[Message]
):
    pauses: list[float] = []

    async def pause(_lane: Lane, seconds: float) -> None:
        pauses.append(seconds)
        await asyncio.sleep(0)

    monkeypatch.setattr(Lane, "_pause", pause)
    monkeypatch.setattr(
        "generation.worker.executor.WorkerProcess", lambda *_: DyingWorker(list(messages))
    )
    executor = await launch()
    while len(pauses) < 8:  # noqa: ASYNC110 - nobody else needs an event
        await asyncio.sleep(0)
    await executor.close()
    assert pauses[:8] == [1, 2, 4, 8, 16, 30, 30, 30]


async def test_crashes_leave_nothing_behind(catalog: Catalog, make_request: MakeRequest):
    request = make_request(num_images=2, num_inference_steps=20, width=64)
    figures = await measure(catalog, request, settle=1, crashes=2)
    assert figures["crashes"] == 3
    assert figures["leaked_mb"] < 5
    assert figures["leaked_fds"] <= 0
    assert figures["orphans"] == 0


PARENT = """
import asyncio, pickle, sys
from generation.worker.executor import LocalExecutor

async def main():
    catalog, request = pickle.loads(bytes.fromhex(sys.argv[1]))
    executor = LocalExecutor(catalog)
    await executor.start()
    async for event in executor.run(request):
        print(executor.pid, "torch" in sys.modules, flush=True)

if __name__ == "__main__":
    asyncio.run(main())
"""


async def test_the_worker_ends_with_a_killed_parent_that_never_saw_torch(
    catalog: Catalog, make_request: MakeRequest, tmp_path: Path
):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    handed = pickle.dumps((catalog, make_request(**LONG))).hex()
    parent = await asyncio.create_subprocess_exec(
        sys.executable,
        script,
        handed,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    worker, torch_is_imported = (await parent.stdout.readline()).split()
    await parent.stdout.readline()  # in mid-run now
    parent.kill()
    await parent.communicate()
    assert torch_is_imported == b"False"
    assert await gone(int(worker))
