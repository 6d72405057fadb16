"""Which devices of this machine get a worker, and what each is told."""

import asyncio
import subprocess

import pytest

from generation.catalog import EMBEDDED, Catalog
from generation.options import EngineOptions
from generation.worker import devices, executor
from generation.worker.devices import ANY, Device, cards, parse
from generation.worker.executor import LocalLanes
from generation.worker.hardware import Hardware, drawing
from generation.worker.worker import plain_logs

ORDER, VISIBLE = "CUDA_DEVICE_ORDER", "CUDA_VISIBLE_DEVICES"
CARD = Hardware("cuda:0", "cuda:0 (Large)", 24.0, 20.0)
SMALL = Hardware("cuda:1", "cuda:1 (Small)", 8.0, 7.0)
CPU = Hardware("cpu", "cpu", 64.0, 32.0)


def told(written: str, **environment: str) -> dict[str, dict[str, str]]:
    return {one.name: dict(one.environment) for one in parse(written, environment) or []}


def test_each_card_is_the_only_one_its_worker_sees():
    by_bus = {ORDER: "PCI_BUS_ID"}
    expected = {"cuda:0": by_bus | {VISIBLE: "0"}, "cuda:2": by_bus | {VISIBLE: "2"}}
    for written in ("0,2", "cuda:0, cuda:2", " CUDA , 2"):
        assert told(written) == expected
    assert {one.kind for one in parse("0,1", {}) or []} == {"cuda"}


def test_what_the_owner_lets_us_see_is_what_is_counted():
    order = {ORDER: "FASTEST_FIRST"}
    found = told("0,1", **order, **{VISIBLE: "3, GPU-8e1b"})
    assert found == {
        "cuda:0": order | {VISIBLE: "3"},
        "cuda:1": order | {VISIBLE: "GPU-8e1b"},
    }
    with pytest.raises(ValueError, match=r'must be among CUDA_VISIBLE_DEVICES, which is "3"'):
        parse("cuda:1", {VISIBLE: "3"})
    with pytest.raises(ValueError, match="no cuda:0"):
        parse("0", {VISIBLE: ""})


def test_workers_on_the_processor_divide_the_cores(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(devices, "cores", lambda: 9)
    assert told("cpu") == {"cpu": {}}
    halves = {"OMP_NUM_THREADS": "4"}
    assert told("cpu*2") == told("cpu,cpu") == {"cpu:0": halves, "cpu:1": halves}
    assert told("cpu*16")["cpu:15"] == {"OMP_NUM_THREADS": "1"}
    assert told("cpu*2", OMP_NUM_THREADS="3")["cpu:0"] == {"OMP_NUM_THREADS": "3"}
    assert [one.name for one in parse("0,cpu,mps", {}) or []] == ["cuda:0", "mps", "cpu"]


def test_no_list_is_every_device_and_none_is_none():
    assert parse("auto", {}) is None
    assert parse(" AUTO ", {}) is None
    assert parse("none", {}) == []


@pytest.mark.parametrize(
    ("written", "bound"),
    [
        ("", "must be auto, or devices such as"),
        ("0,,1", 'not ""'),
        ("gpu", 'not "gpu"'),
        ("cuda:-1", "must be auto"),
        ("cuda:²", "must be auto"),
        ("1.5", "must be auto"),
        ("auto,0", "must be auto"),
        ("0,cuda:0", "must name every device once, not cuda:0 again"),
        ("cuda,0", "not cuda:0 again"),
        ("mps,mps", "not mps again"),
        ("cpu*65", "at least one device and at most 64"),
        ("cpu*0", "at least one device and at most 64"),
        ("cpu*" + "9" * 5000, "must be auto"),
    ],
)
def test_anything_else_is_refused_in_one_line(written: str, bound: str):
    with pytest.raises(ValueError, match=r"^must ") as refused:
        parse(written, {})
    assert bound in str(refused.value)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 200


def test_doctor_is_told_what_lies_behind_each_lane():
    there = [CARD, SMALL, CPU]
    assert drawing(there, None) == {"cuda:0": CARD, "cuda:1": SMALL}
    assert drawing([CPU], None) == {"cpu": CPU}
    assert drawing(there, parse("1,7", {})) == {"cuda:1": SMALL, "cuda:7": None}
    halves = drawing(there, parse("cpu*2", {}))
    assert [(one.memory_gib, one.free_gib) for one in halves.values()] == [(32.0, 16.0)] * 2


class Told:
    """Notes which lanes a source tells of."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.all = asyncio.Event()

    def joined(self, name: str, launch: object) -> None:
        self.names.append(name)
        self.all.set()


def failing() -> list[Hardware]:
    raise subprocess.CalledProcessError(1, "python")


@pytest.mark.parametrize(
    ("may_have", "examine", "chosen", "names"),
    [
        (False, None, None, ["local"]),
        (True, lambda: [CARD, SMALL, CPU], None, ["cuda:0", "cuda:1"]),
        (True, lambda: [CARD, CPU], None, ["local"]),
        (True, failing, None, ["local"]),
        (True, None, [], []),
        (True, None, [ANY, Device("cpu", "cpu")], ["local", "cpu"]),
    ],
)
async def test_the_cards_are_counted_only_where_there_may_be_some(
    monkeypatch: pytest.MonkeyPatch, may_have, examine, chosen, names
):
    monkeypatch.delenv(VISIBLE, raising=False)
    monkeypatch.setattr(executor, "may_have_cards", lambda: may_have)

    async def examined() -> list[Hardware]:
        return examine()

    monkeypatch.setattr(executor, "examine_meanwhile", examined)
    catalog = Catalog({EMBEDDED.name: EMBEDDED}, EMBEDDED.name)
    source, told = LocalLanes(catalog, EngineOptions(), plain_logs, chosen), Told()
    await source.start(told)
    if names:
        await asyncio.wait_for(told.all.wait(), 30)
    assert told.names == names
    await source.close()


def test_as_many_cards_as_there_are():
    assert [one.name for one in cards(2, {})] == ["cuda:0", "cuda:1"]
