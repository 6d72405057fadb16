"""What a worker says of its engine's ticks."""

import os
import queue
import subprocess
import sys
import threading
from types import ModuleType, SimpleNamespace

import psutil
import pytest

from generation.catalog import Catalog
from generation.options import EngineOptions
from generation.request import Finished, Progress, Started
from generation.worker import worker
from generation.worker.messages import STEP_S, Add, Alive, Cancel, Figures, Look, Ready, Report
from generation.worker.tally import Tally
from generation.worker.worker import SPINNING, WAITING


class Over(Exception):
    """The script of a test has ended."""


class ScriptedEngine:
    """Ticks as a test says: events, the seconds until then, and commands that arrive after it."""

    device = SimpleNamespace(type="cuda")
    rows = 8
    idle = False
    cache = SimpleNamespace(names=("none",))

    def __init__(self, script, inbox: queue.SimpleQueue) -> None:
        self.now = 0.0
        self.tally = Tally(lambda: (2, 8))
        self.looks: list[int] = []
        self._script = iter(script)
        self._inbox = inbox

    def warm_up(self) -> None:
        pass

    def add(self, key: int, request: object) -> None:
        pass

    def look(self, key: int) -> None:
        self.looks.append(key)

    def step(self):
        try:
            events, seconds, *commands = next(self._script)
        except StopIteration:
            raise Over from None
        self.now += seconds
        for command in commands:
            self._inbox.put(command)
        return events


def serve(monkeypatch: pytest.MonkeyPatch, script) -> tuple[ScriptedEngine, list]:
    """Return the engine, and what the worker said until the script was over."""
    inbox: queue.SimpleQueue = queue.SimpleQueue()
    monkeypatch.setattr(worker.time, "monotonic", lambda: 0.0)
    engine = ScriptedEngine(script, inbox)
    for name, holds in (
        ("engine", {"Engine": lambda *_, **__: engine}),
        ("device", {"describe": lambda device: device.type, "pick_device": lambda _: None}),
    ):
        module = ModuleType(f"generation.engine.{name}")
        vars(module).update(holds)
        monkeypatch.setitem(worker.sys.modules, module.__name__, module)
    monkeypatch.setattr(worker.time, "monotonic", lambda: engine.now)
    for key in (1, 2):
        inbox.put(Add(key, None))
    said: list = []
    with pytest.raises(Over):
        worker.serve(inbox, said.extend, Catalog(default="none", checkpoints={}), EngineOptions())
    assert isinstance(said[0], Ready)
    return engine, said[1:]


def test_of_the_steps_it_reports_the_first_and_those_that_are_asked_for(
    monkeypatch: pytest.MonkeyPatch,
):
    steps = [[(key, Progress(step, 9)) for key in (1, 2)] for step in range(1, 5)]
    engine, said = serve(
        monkeypatch,
        [
            ([(1, Started()), (2, Started())], 0.1),
            (steps[0], 0.1),
            (steps[1], 0.1, Look(2)),
            (steps[2], 0.1),
            ([(2, Finished(1.0))], 0.1, Look(2)),
            (steps[3][:1], 0.1),
        ],
    )
    assert said == [
        Report(1, Started()),
        Report(2, Started()),
        Report(1, Progress(1, 9)),
        Report(2, Progress(1, 9)),
        Report(2, Progress(3, 9)),
        Report(2, Finished(1.0)),
    ]
    assert engine.looks == [2], "the other had ended"


def test_a_new_step_is_reported_as_soon_as_somebody_looks(monkeypatch: pytest.MonkeyPatch):
    latest = Progress(2, 9, b"a preview")
    steps = [[(1, Progress(step, 9))] for step in range(1, 5)]
    monkeypatch.setattr(ScriptedEngine, "look", lambda engine, key: latest)
    _, said = serve(
        monkeypatch, [(steps[0], 0.1), (steps[1], 0.1, Look(1)), (steps[2], 0.1), (steps[3], 0.1)]
    )
    assert said == [Report(1, Progress(1, 9)), Report(1, latest)]


def test_while_nobody_looks_it_says_that_it_lives(monkeypatch: pytest.MonkeyPatch):
    ticks = [([(1, Progress(step, 99))], 0.3) for step in range(1, 11)]
    _, said = serve(monkeypatch, [([(1, Started())], 0.3), *ticks])
    assert said == [Report(1, Started()), Report(1, Progress(1, 99)), Alive(), Alive()]


def test_what_its_forward_passes_came_to_is_told_now_and_then(monkeypatch: pytest.MonkeyPatch):
    def step(engine: ScriptedEngine):
        events = plain_step(engine)
        engine.tally.add(0.1 if engine.now < 1 else 100.0, rows=3, paying=8)
        return events

    plain_step = ScriptedEngine.step
    monkeypatch.setattr(ScriptedEngine, "step", step)
    ticks = [([(1, Progress(number, 99))], 0.4) for number in range(1, 7)]
    _, said = serve(monkeypatch, ticks)
    figures = [one for one in said if isinstance(one, Figures)]
    assert [(one.rows, one.paying_rows) for one in figures] == [(9, 24), (18, 48)]
    assert figures[0].seconds == pytest.approx(100.2)
    assert [sum(one.by_seconds) for one in figures] == [3, 6]
    assert figures[1].by_seconds[STEP_S.index(0.1)] == 2, "those of exactly 0.1 s count there"
    assert figures[1].by_seconds[-1] == 4
    assert (figures[1].memory_used, figures[1].memory_total) == (2, 8)


def test_before_a_rest_the_last_of_it_is_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(worker.time, "monotonic", lambda: 0.0)
    tally = Tally(lambda: (0, 0))
    assert tally.take(resting=True) is None, "nothing was drawn"
    tally.add(0.2, rows=2, paying=2)
    assert tally.take(resting=False) is None
    assert tally.take(resting=True) == Figures((0, 0, 0, 0, 1, *7 * [0]), 0.2, 2, 2, 0, 0)
    assert tally.take(resting=True) is None


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' allocators do it themselves")
def test_in_a_rest_it_gives_back_what_was_freed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(worker, "RESTING_S", 0.2)
    inbox: queue.SimpleQueue = queue.SimpleQueue()
    blocks = [bytearray(20_000) for _ in range(5000)]  # each below the size that is mapped alone
    kept = blocks[-1]
    del blocks
    before = psutil.Process().memory_info().rss
    threading.Timer(1.0, inbox.put, [Cancel(1)]).start()
    assert worker._next(inbox) == Cancel(1)
    given = before - psutil.Process().memory_info().rss
    assert given > 60e6, f"{given / 1e6:.0f} of 100 MB"
    assert len(kept) == 20_000


def told(**environment: str) -> str:
    """Return what libgomp says of its settings where torch is imported as a worker does."""
    script = "from generation.worker.worker import calm_threads; calm_threads(); import torch"
    rest = {name: value for name, value in os.environ.items() if name not in (WAITING, SPINNING)}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**rest, **environment, "OMP_DISPLAY_ENV": "VERBOSE"},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="only there torch has libgomp")
def test_threads_wait_awake_for_a_moment_only_unless_the_owner_says_otherwise():
    assert f"{SPINNING} = '1000'" in told()
    assert f"{SPINNING} = '77'" in told(GOMP_SPINCOUNT="77")
    asleep, awake = told(OMP_WAIT_POLICY="PASSIVE"), told(OMP_WAIT_POLICY="ACTIVE")
    assert f"{SPINNING} = '0'" in asleep
    assert f"{WAITING} = 'ACTIVE'" in awake
    assert f"{SPINNING} = '1000'" not in awake
