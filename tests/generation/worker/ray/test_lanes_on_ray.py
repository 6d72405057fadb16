"""Lanes on a real Ray cluster of a head and two nodes, which one test starts for all scenarios."""

import asyncio
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from generation.catalog import EMBEDDED, Catalog
from generation.options import EngineOptions
from generation.request import Failed, Finished, GenerationRequest, Picture, Progress, Sampler
from generation.worker.link import End, Launch, WorkerLink
from generation.worker.messages import Add, Message, Ready, Report
from generation.worker.process import WorkerProcess
from generation.worker.ray.source import RayLanes
from generation.worker.ray.starting import start_worker
from generation.worker.ray.wire import LOST_S, NAMESPACE
from tests.generation.worker.ray.clusters import ROOT, Cluster
from tests.generation.worker.ray.scripted import BREAKS, LONG, SAYS_ENVIRONMENT, start_scripted

A, B = "a/slot:0", "b/slot:0"
SECRET = "a-token-of-discord's"
PATIENCE_S = 300.0
CATALOG = Catalog({EMBEDDED.name: EMBEDDED}, EMBEDDED.name)

pytestmark = pytest.mark.skipif(
    find_spec("ray") is None, reason="the extra darkroom[ray] is not installed"
)


class Bot:
    """A bot's side: a pool that does nothing by itself."""

    epochs = 0

    def __init__(
        self, address: str, namespace: str = NAMESPACE, start=start_scripted, lost_s=60.0
    ) -> None:
        self.lanes: dict[str, Launch] = {}
        self.source = RayLanes(
            address,
            CATALOG,
            EngineOptions(safety=False),
            namespace=namespace,
            start_worker=start,
            lost_s=lost_s,
        )
        self._changed = asyncio.Event()

    def joined(self, name: str, launch: Launch) -> None:
        self.lanes[name] = launch
        self._changed.set()

    def vanished(self, name: str) -> None:
        self.lanes.pop(name, None)
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._changed.clear()
            await asyncio.wait_for(self._changed.wait(), PATIENCE_S)

    async def launch(self, name: str) -> tuple[WorkerLink, Ready]:
        """Launch a lane, once it is there, and wait until it is ready."""
        await self.until(lambda: name in self.lanes)
        Bot.epochs += 1
        link = self.lanes[name](Bot.epochs)
        while True:
            for message in await messages(link):
                if isinstance(message, Ready):
                    return link, message

    def driver_pid(self) -> int:
        return self.source._driver._process.pid


@asynccontextmanager
async def bot(cluster: Cluster, **more) -> AsyncIterator[Bot]:
    running = Bot(cluster.address, **more)
    await running.source.start(running)
    try:
        yield running
    finally:
        await running.source.close()


def request(seed: int, prompt: str = "a cat", steps: int = 3) -> GenerationRequest:
    return GenerationRequest(
        prompt=prompt,
        checkpoint=EMBEDDED.name,
        width=64,
        height=64,
        seed=seed,
        num_inference_steps=steps,
        guidance_scale=3.0,
        sampler=Sampler.DDIM,
    )


async def messages(link: WorkerLink) -> Sequence[Message]:
    """Return what comes next; the link must not have ended."""
    said = await asyncio.wait_for(link.receive(), PATIENCE_S)
    assert said is not None
    return said


async def drawn(link: WorkerLink, key: int, asked: GenerationRequest) -> bytes:
    """Return a request's picture; nothing but its own events may come."""
    link.send(Add(key, asked))
    png = b""
    while True:
        for message in await messages(link):
            if isinstance(message, Report) and message.key:
                assert message.key == key
                match message.event:
                    case Picture(png=png):
                        pass
                    case Finished():
                        return png
                    case Failed(error):
                        raise error


async def begun(link: WorkerLink, key: int, prompt: str = "a cat") -> None:
    """Have a long request drawn, until its first step."""
    link.send(Add(key, request(key, prompt, LONG)))
    while not any(
        isinstance(one, Report) and isinstance(one.event, Progress) for one in await messages(link)
    ):
        pass


async def ended(link: WorkerLink) -> End:
    """Wait until a link tells that it has ended."""
    while await asyncio.wait_for(link.receive(), PATIENCE_S) is not None:
        pass
    assert await link.receive() is None
    return await link.end()


async def said(caplog: pytest.LogCaptureFixture, *words: str) -> None:
    """Wait for a line of the log, which there must be once."""
    async with asyncio.timeout(PATIENCE_S):
        while not (  # noqa: ASYNC110 - the log tells nobody
            lines := [one.getMessage() for one in caplog.records if words[0] in one.getMessage()]
        ):
            await asyncio.sleep(0.05)
    (line,) = lines
    assert "\n" not in line
    for word in words:
        assert word in line


async def another_version_is_not_used(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    """A warm host of an earlier version gives way; a node with other code is left out."""
    async with bot(cluster) as one:
        _, ready = await one.launch(A)
        assert ready.device != f"scripted {_left_by_an_old_bot(cluster)}"
        await said(caplog, f"{B} has Darkroom", "the bot has", "install the same on both")
        assert B not in one.lanes
    cluster.leave("b")


async def nodes_join(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    """What joins while the bot runs draws at once; nothing secret is there."""
    async with bot(cluster) as one:
        first, _ = await one.launch(A)
        assert await drawn(first, 1, request(7)) == b"picture of 7"
        joining = asyncio.create_task(asyncio.to_thread(cluster.join, "b"))
        await begun(first, 2)
        second, _ = await one.launch(B)
        await joining
        environment = (await drawn(second, 1, request(8, SAYS_ENVIRONMENT))).decode()
        assert "RAY_AUTH_MODE=token" in environment
        assert SECRET not in environment
        assert "DISCORD" not in environment
        assert await first.end() is End.DRAINED
        written = [file for file in (cluster.folder / "ray").rglob("*") if file.is_file()]
        assert len(written) > 5
        assert [one for one in written if SECRET.encode() in one.read_bytes()] == []


async def workers_end(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    """A crash, a kill and a dead actor each end their link as CRASHED; the lane stays."""
    async with bot(cluster) as one:
        link, warm = await one.launch(A)
        link.send(Add(1, request(1, BREAKS)))
        assert await ended(link) is End.CRASHED
        link, again = await one.launch(A)
        assert again == warm  # by the same host
        await begun(link, 1)
        link.kill()
        assert await ended(link) is End.CRASHED
        link, _ = await one.launch(A)
        await begun(link, 1)
        for host in cluster.hosts("a"):
            host.kill()
        assert await ended(link) is End.CRASHED
        link, new = await one.launch(A)
        assert new != warm
        assert await drawn(link, 1, request(2)) == b"picture of 2"


async def bots_come_and_go(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    """A restarted bot finds warm workers, which have dropped what the earlier one asked for."""
    async with bot(cluster) as one:
        link, warm = await one.launch(A)
        await begun(link, 1)
        async with bot(cluster):  # another with the same name takes nothing away
            await said(caplog, f"{A} is used by another bot", "RAY__NAMESPACE")
            async with bot(cluster, namespace="another") as third:
                await begun(link, 2)
                assert not third.lanes
    async with bot(cluster, lost_s=LOST_S) as one:
        link, again = await one.launch(A)
        assert again == warm
        assert await drawn(link, 1, request(3)) == b"picture of 3"
        await begun(link, 2)
        os.kill(one.driver_pid(), 9)  # as Ray does when it gives up
        assert await ended(link) is End.LOST
        await one.until(lambda: not one.lanes)
        link, again = await one.launch(A)
        assert again == warm
        assert await drawn(link, 2, request(4)) == b"picture of 4"


async def a_frozen_node_loses_nothing(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    async with bot(cluster, lost_s=LOST_S) as one:
        link, warm = await one.launch(A)
        other, _ = await one.launch(B)
        await begun(link, 1)
        cluster.freeze("a")
        try:
            assert await ended(link) is End.LOST
            await one.until(lambda: A not in one.lanes)
            assert await drawn(other, 1, request(5)) == b"picture of 5"
        finally:
            cluster.thaw("a")
        link, again = await one.launch(A)
        assert again == warm
        # Its late results are nobody's, even under the same key.
        assert await drawn(link, 1, request(6)) == b"picture of 6"


async def a_cut_cable_loses_nothing(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    if not cluster.cables:
        pytest.skip("a cable needs network namespaces, and so root and `ip`")
    async with bot(cluster, lost_s=LOST_S) as one:
        link, _ = await one.launch(A)
        other, _ = await one.launch(B)
        await begun(link, 1)
        cluster.cut("a")
        try:
            assert await ended(link) is End.LOST
            assert await drawn(other, 1, request(5)) == b"picture of 5"
        finally:
            cluster.mend("a")
        link, _ = await one.launch(A)
        assert await drawn(link, 1, request(6)) == b"picture of 6"


async def a_dead_node_loses_nothing(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    async with bot(cluster) as one:
        link, _ = await one.launch(B)
        await begun(link, 1)
        await asyncio.to_thread(cluster.kill, "b")
        assert await ended(link) is End.LOST
        link, _ = await one.launch(A)
        assert await drawn(link, 1, request(5)) == b"picture of 5"


async def real_workers_draw_the_same(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    asked = request(11, steps=2)
    local = WorkerProcess(CATALOG, EngineOptions(safety=False))
    try:
        while not any(isinstance(one, Ready) for one in await messages(local)):
            pass
        here = await drawn(local, 1, asked)
    finally:
        await local.end()
    async with bot(cluster, start=start_worker) as one:
        link, ready = await one.launch(A)
        assert ready.error is None
        assert await drawn(link, 1, asked) == here
    assert here.startswith(b"\x89PNG")


async def refusals_are_one_line(
    cluster: Cluster, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("RAY_AUTH_TOKEN", "0" * 64)
        async with bot(cluster):
            await said(caplog, "refuses the token", cluster.address, "RAY_AUTH_TOKEN")
    nobody = Bot(f"{cluster.host}:1")
    await nobody.source.start(nobody)
    await said(caplog, "no Ray cluster answers", f"{cluster.host}:1")
    await nobody.source.close()


def _left_by_an_old_bot(cluster: Cluster) -> str:
    return (cluster.folder / "old host").read_text()


def _leave_an_old_host(cluster: Cluster) -> None:
    """Have a host of another version warm on node a, as an upgraded bot finds it."""
    subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.generation.worker.ray.old_host",
            cluster.address,
            str(cluster.folder / "old host"),
        ],
        check=True,
        env=cluster.environment(),
        cwd=cluster.folder,
        timeout=PATIENCE_S,
    )


def _other_code(cluster: Cluster) -> Path:
    """Return a folder with a Darkroom that is not quite ours."""
    other = cluster.folder / "other"
    shutil.copytree(
        ROOT / "generation",
        other / "generation",
        ignore=lambda _, names: [one for one in names if "." in one and not one.endswith(".py")],
    )
    (other / "tests").symlink_to(ROOT / "tests")
    with (other / "generation" / "errors.py").open("a") as file:
        file.write("# changed\n")
    return other


async def test_lanes_on_ray(
    subtests: pytest.Subtests, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "generation")
    cluster = Cluster()
    try:
        cluster.start()
        for name, value in cluster.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("DISCORD__TOKEN", SECRET)
        other = _other_code(cluster)
        with ThreadPoolExecutor() as pool:
            starting = [pool.submit(cluster.join, "a"), pool.submit(cluster.join, "b", other)]
            for one in starting:
                one.result()
        with cluster.entered():
            _leave_an_old_host(cluster)
            for scenario in (
                another_version_is_not_used,
                nodes_join,
                workers_end,
                bots_come_and_go,
                a_frozen_node_loses_nothing,
                a_cut_cable_loses_nothing,
                real_workers_draw_the_same,
                a_dead_node_loses_nothing,
            ):
                with subtests.test(scenario.__name__):
                    caplog.clear()
                    await scenario(cluster, caplog)
            with subtests.test("refusals are one line"):
                await refusals_are_one_line(cluster, caplog, monkeypatch)
    finally:
        cluster.close()
