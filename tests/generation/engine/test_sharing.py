"""Several requests aboard one worker, which a script stands for."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest

from generation.catalog import EMBEDDED, Catalog
from generation.errors import Cancelled, WorkerDied
from generation.request import (
    Event,
    Failed,
    Finished,
    GenerationRequest,
    Loading,
    Progress,
    Started,
)
from generation.worker.executor import LocalExecutor
from generation.worker.lane import Patience
from generation.worker.link import End
from generation.worker.messages import Add, Cancel, Command, Message, Ready, Report
from tests.generation.conftest import MakeRequest

PATIENCE_S = 30.0  # what would otherwise wait for ever
TICK_TIMEOUT_S = 0.1  # where a hang is to be found soon


class ScriptedWorker:
    """Becomes ready, keeps what it is sent, and says what the test wants."""

    pid = 0

    def __init__(self, *messages: Message) -> None:
        self.sent: list[Command] = []
        self.killed = False
        self._messages: asyncio.Queue[list[Message] | None] = asyncio.Queue()
        self._messages.put_nowait(list(messages))

    @property
    def taken(self) -> list[int]:
        return [command.key for command in self.sent if isinstance(command, Add)]

    def send(self, command: Command) -> None:
        self.sent.append(command)

    def say(self, key: int, event: Event) -> None:
        self._messages.put_nowait([Report(key, event)])

    def kill(self) -> None:
        self.killed = True
        self._messages.put_nowait(None)

    async def receive(self) -> list[Message] | None:
        return await self._messages.get()

    async def end(self) -> End:
        return End.CRASHED if self.killed else End.DRAINED


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> list[ScriptedWorker]:
    """The workers that were started; each holds eight rows and says that somebody's load began."""
    started: list[ScriptedWorker] = []

    def start(*_: object) -> ScriptedWorker:
        ready = Ready("cpu", EMBEDDED.name, 8)
        started.append(ScriptedWorker(ready, Report(0, Loading(EMBEDDED.name))))
        return started[-1]

    monkeypatch.setattr("generation.worker.executor.WorkerProcess", start)
    return started


@pytest.fixture
async def executor(workers: list[ScriptedWorker]) -> AsyncIterator[LocalExecutor]:
    executor = LocalExecutor(Catalog({EMBEDDED.name: EMBEDDED}, EMBEDDED.name))
    yield executor
    await executor.close()


async def run(executor: LocalExecutor, request: GenerationRequest) -> list[Event]:
    return [event async for event in executor.run(request)]


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        await asyncio.sleep(0.001)


async def test_requests_are_aboard_together_until_their_rows_fill_the_worker(
    executor: LocalExecutor, workers: list[ScriptedWorker], make_request: MakeRequest
):
    heard: list[int] = []
    executor.on_capacity(lambda: heard.append(executor.capacity))
    assert executor.capacity == 2
    await executor.start()
    await executor.ready()
    assert heard == [8]
    # Two rows, four, four, two, two.
    runs = [
        asyncio.create_task(run(executor, make_request(num_images=count)))
        for count in (1, 2, 2, 1, 1)
    ]
    await until(lambda: len(workers[0].sent) == 3)
    workers[0].say(1, Finished(1.0))
    await runs[0]
    assert workers[0].taken == [1, 2, 3], "eight rows are aboard"
    runs[1].cancel()
    await until(lambda: workers[0].sent[-1] == Cancel(2))
    assert workers[0].taken == [1, 2, 3], "its rows are free once the worker says so"
    workers[0].say(2, Failed(Cancelled("cancelled")))
    await until(lambda: workers[0].taken == [1, 2, 3, 4, 5])
    workers[0].kill()
    await until(lambda: len(workers) == 2)
    await executor.ready()
    assert heard == [8], "nothing has changed"


async def test_a_death_is_followed_by_each_request_alone_and_fails_the_one_it_was(
    executor: LocalExecutor, workers: list[ScriptedWorker], make_request: MakeRequest
):
    await executor.start()
    runs = [asyncio.create_task(run(executor, make_request())) for _ in range(3)]
    await until(lambda: bool(workers) and workers[0].taken == [1, 2, 3])
    workers[0].say(1, Started())
    workers[0].kill()
    await until(lambda: len(workers) == 2 and workers[1].taken == [1])
    fresh = asyncio.create_task(run(executor, make_request()))
    workers[1].say(1, Finished(1.0))
    first = await runs[0]
    assert [type(event) for event in first] == [Started, Finished]
    assert first[-1].device_seconds > 1.0, "what the first worker spent on it counts"
    await until(lambda: workers[1].taken == [1, 2])
    workers[1].kill()
    (failed,) = await runs[1]
    assert isinstance(failed.error, WorkerDied)
    await until(lambda: len(workers) == 3 and workers[2].taken == [3])
    workers[2].say(3, Finished(1.0))
    assert isinstance((await runs[2])[-1], Finished)
    await until(lambda: workers[2].taken == [3, 4])
    workers[2].say(4, Finished(1.0))
    assert await fresh == [Finished(1.0)]


async def test_a_load_may_take_long_but_no_hang_beside_whoever_comes(
    executor: LocalExecutor, workers: list[ScriptedWorker], make_request: MakeRequest
):
    executor._patience = Patience(TICK_TIMEOUT_S, 30.0)
    await executor.start()
    runs = [asyncio.create_task(run(executor, make_request()))]
    await until(lambda: bool(workers) and workers[0].taken == [1])
    await asyncio.sleep(3 * TICK_TIMEOUT_S)
    assert not workers[0].killed, "a checkpoint is being loaded"
    workers[0].say(1, Progress(1, 4))
    narrow = make_request(guidance_scale=1.0)
    deadline = time.monotonic() + PATIENCE_S
    # One comes and goes all the time, and the worker says nothing.
    while not workers[0].killed:
        assert time.monotonic() < deadline, "the hang was not noticed"
        events = executor.run(narrow)
        coming = asyncio.create_task(anext(events))
        await asyncio.sleep(TICK_TIMEOUT_S / 10)
        coming.cancel()
        await asyncio.wait([coming])
    runs[0].cancel()
