"""The host on a node, without Ray: whose it is, and what of its worker's words is passed on."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from generation.catalog import EMBEDDED, Catalog
from generation.options import EngineOptions
from generation.request import Failed, Finished, GenerationRequest, Sampler, Started
from generation.worker.link import End
from generation.worker.messages import (
    Add,
    Cancel,
    Command,
    Lacks,
    Message,
    Offer,
    Ready,
    Report,
)
from generation.worker.ray import host as hosting
from generation.worker.ray.host import Brief, LaneHost
from generation.worker.ray.node import PACKAGE, version

CATALOG = Catalog({EMBEDDED.name: EMBEDDED}, EMBEDDED.name)
READY = Ready("a device", EMBEDDED.name, 4)
REQUEST = GenerationRequest(
    prompt="a cat",
    checkpoint=EMBEDDED.name,
    width=64,
    height=64,
    num_inference_steps=2,
    guidance_scale=3.0,
    sampler=Sampler.DDIM,
    seed=1,
)


class Puppet:
    """A worker that says what a test has it say."""

    pid = None
    made: list["Puppet"]

    def __init__(self) -> None:
        self.heard: list[Command] = []
        self.inbox: asyncio.Queue[list[Message] | None] = asyncio.Queue()
        self.killed = False
        Puppet.made.append(self)

    def send(self, command: Command) -> None:
        self.heard.append(command)

    async def receive(self) -> list[Message] | None:
        return await self.inbox.get()

    def say(self, *messages: Message) -> None:
        self.inbox.put_nowait(list(messages))

    def kill(self) -> None:
        self.killed = True
        self.inbox.put_nowait(None)

    async def end(self) -> End:
        return End.CRASHED if self.killed else End.DRAINED


def start_puppet(catalog: Catalog, options: EngineOptions, configure_logs) -> Puppet:
    return Puppet()


@pytest.fixture
async def host(monkeypatch, tmp_path) -> AsyncIterator[LaneHost]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("DISCORD__TOKEN", "a secret")
    monkeypatch.setattr(hosting, "BEAT_S", 0.01)
    Puppet.made = []
    one = LaneHost()
    yield one
    one._watch.cancel()
    if one._relay is not None:
        one._relay.cancel()


def brief(epoch: int, **more) -> Brief:
    known = Brief(
        epoch=epoch,
        catalog=CATALOG,
        options=EngineOptions(),
        folders=(),
        package=PACKAGE,
        configure_logs=lambda: None,
        start_worker=start_puppet,
    )
    return replace(known, configure_logs=print, **more)


async def heard(host: LaneHost, epoch: int) -> list[Message]:
    """Return what is said of requests, or of being ready, of which there must be something."""
    while True:
        batch = await host.hear(epoch)
        assert batch.end is None
        if said := [one for one in batch.messages if isinstance(one, Ready | Report)]:
            return said


async def launched(host: LaneHost, session: str = "bot", epoch: int = 1) -> Puppet:
    assert await host.take(session)
    await host.launch(session, brief(epoch))
    (worker,) = Puppet.made
    worker.say(READY)
    assert await heard(host, epoch) == [READY]
    return worker


async def test_nothing_of_discord_is_in_its_environment(host, monkeypatch):
    import os

    assert "DISCORD__TOKEN" not in os.environ
    assert (await host.greet("bot")).version == version()


async def test_another_bot_waits_until_the_first_is_silent(host, monkeypatch):
    await launched(host)
    assert (await host.greet("other")).taken
    assert not await host.take("other")
    assert not await host.beat("other")
    assert await host.beat("bot")
    host._lost_s = 0.0
    assert await host.take("other")
    assert not await host.beat("bot")


async def test_a_bot_that_leaves_frees_it_at_once(host):
    worker = await launched(host)
    await host.leave("bot")
    assert await host.take("other")
    await host.launch("other", brief(1))  # whose epochs are its own
    assert await heard(host, 1) == [READY]
    assert Puppet.made == [worker]


async def test_what_an_earlier_launch_asked_for_is_cancelled_and_told_to_nobody(host):
    worker = await launched(host)
    await host.tell(1, [Add(1, REQUEST), Add(2, REQUEST)])
    taking_over = asyncio.create_task(host.launch("bot", brief(2)))
    await asyncio.sleep(0)
    assert [one for one in worker.heard if isinstance(one, Cancel)] == [Cancel(1), Cancel(2)]
    worker.say(Report(1, Started()), Report(1, Finished(1.0)), Report(2, Finished(1.0)))
    await taking_over
    assert await heard(host, 2) == [READY]
    await host.tell(1, [Add(3, REQUEST)])  # late
    await host.tell(2, [Add(1, REQUEST)])  # the same key again
    worker.say(Report(1, Started()))
    assert await heard(host, 2) == [Report(1, Started())]
    assert worker.heard[-1] == Add(1, REQUEST)
    assert (await host.hear(1)).end is End.LOST
    await host.launch("bot", brief(1))  # late, too
    assert (await host.hear(2)).end is None


async def test_a_worker_that_does_not_wind_down_is_replaced(host, monkeypatch):
    monkeypatch.setattr(hosting, "WIND_DOWN_S", 0.01)
    worker = await launched(host)
    await host.tell(1, [Add(1, REQUEST)])
    await host.launch("bot", brief(2))
    assert worker.killed
    Puppet.made[1].say(READY)
    assert await heard(host, 2) == [READY]


async def test_other_options_need_another_worker(host):
    worker = await launched(host)
    await host.launch("bot", brief(2, options=EngineOptions(deterministic=True)))
    assert worker.killed
    assert len(Puppet.made) == 2


async def test_a_warm_worker_learns_what_the_catalog_has_become(host):
    worker = await launched(host)
    newer = replace(EMBEDDED, name="Newer")
    await host.launch("bot", brief(2, catalog=Catalog({"Newer": newer}, "Newer")))
    (ready,) = await heard(host, 2)
    assert ready.checkpoint == "Newer"
    (offer,) = [one for one in worker.heard if isinstance(one, Offer)]
    assert list(offer.catalog.checkpoints) == ["Newer"]


async def test_a_bot_that_finds_a_starting_worker_tells_it_all_the_same(
    host, tmp_path, monkeypatch
):
    await host.take("bot")
    await host.launch("bot", brief(1))
    (worker,) = Puppet.made
    await host.leave("bot")
    await host.take("another")
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    ours.mkdir()
    (ours / "newer.safetensors").touch()
    monkeypatch.setenv("MODELS__FOLDERS", str(ours))
    newer = replace(EMBEDDED, name="Newer", source=theirs / "newer.safetensors")
    absent = replace(EMBEDDED, name="Absent", source=theirs / "absent.safetensors")
    catalog = Catalog({"Newer": newer, "Absent": absent}, "Newer")
    await host.launch("another", brief(1, catalog=catalog, folders=(theirs,)))
    assert Puppet.made == [worker]
    (offer,) = [one for one in worker.heard if isinstance(one, Offer)]
    assert offer.catalog["Newer"].source == ours / "newer.safetensors"
    assert (await host.hear(1)).messages == [Lacks(frozenset(("absent",)))]
    worker.say(READY)
    assert await heard(host, 1) == [READY]


@pytest.mark.parametrize("how", ["kill", "crash"])
async def test_the_end_of_a_worker_is_told_after_all_it_said(host, how):
    worker = await launched(host)
    await host.tell(1, [Add(1, REQUEST)])
    worker.say(Report(1, Started()))
    if how == "kill":
        await host.kill(1)
    else:
        worker.kill()
    said: list[Message] = []
    while (batch := await host.hear(1)).end is None:
        said += batch.messages
    assert [*said, *batch.messages] == [Report(1, Started())]
    assert batch.end is End.CRASHED
    await host.launch("bot", brief(2))
    Puppet.made[1].say(READY)
    assert await heard(host, 2) == [READY]


async def test_a_worker_that_cannot_be_started_has_crashed(host, monkeypatch):
    monkeypatch.setenv("MODELS__FOLDERS", "[1]")
    assert await host.take("bot")
    await host.launch("bot", brief(1))
    assert (await host.hear(1)).end is End.CRASHED


async def test_nothing_is_drawn_for_a_bot_that_is_silent(host, monkeypatch):
    worker = await launched(host)
    await host.tell(1, [Add(1, REQUEST)])
    host._lost_s = 0.0
    while Cancel(1) not in worker.heard:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.01)
    worker.say(Report(1, Failed(ValueError("cancelled"))))
    while (batch := await host.hear(1)).end is None:
        pass
    assert batch.end is End.LOST
    assert not any(isinstance(one, Report) for one in batch.messages)
    host._lost_s = 60.0
    assert await host.take("bot")
    await host.launch("bot", brief(2))
    assert await heard(host, 2) == [READY]
    assert Puppet.made == [worker]
