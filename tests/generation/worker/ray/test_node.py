"""What is told about a cluster and its nodes, without one."""

import pytest

from generation.catalog import EMBEDDED, Catalog, Checkpoint
from generation.catalog.adapters import Adapter
from generation.worker.ray.connecting import Refused, connect, difference
from generation.worker.ray.link import RayLink
from generation.worker.ray.node import PACKAGE, Places, absolute, localized, several
from generation.worker.ray.wire import SLOT


def test_paths_become_those_of_the_node(tmp_path):
    theirs, ours = tmp_path / "bot", tmp_path / "node"
    for file in ("sd/one.safetensors", "vae/fine.safetensors", "lora/here.safetensors"):
        (ours / file).parent.mkdir(parents=True)
        (ours / file).touch()
    whole = Checkpoint(
        name="Whole",
        source=theirs / "sd" / "one.safetensors",
        parts=(theirs / "vae" / "fine.safetensors",),
        picture=theirs / "sd" / "one.png",
    )
    part = Checkpoint(
        name="Part",
        source=theirs / "sd" / "one.safetensors",
        parts=(theirs / "vae" / "other.safetensors",),
    )
    hub = Checkpoint(name="Hub", source="owner/name")
    package = theirs / "site-packages" / "generation"
    embedded = Checkpoint(name="Emoji", source=package / EMBEDDED.source.relative_to(PACKAGE))
    catalog = Catalog(
        {one.name: one for one in (whole, part, hub, embedded)},
        "Whole",
        adapters={
            "here": Adapter(name="here", path=theirs / "lora" / "here.safetensors"),
            "Gone": Adapter(name="Gone", path=theirs / "lora" / "gone.safetensors", alias="Old"),
        },
    )
    local, lacking = localized(catalog, Places((theirs,), package, (tmp_path / "no", ours)))
    assert lacking == {"part", "gone", "old"}
    assert local["Whole"].source == ours / "sd" / "one.safetensors"
    assert local["Whole"].parts == (ours / "vae" / "fine.safetensors",)
    assert local["Whole"].picture == whole.picture
    assert local["Part"] == part
    assert local["Hub"] == hub
    assert local["Emoji"].source == EMBEDDED.source
    assert local.adapters["here"].path == ours / "lora" / "here.safetensors"


def test_the_same_path_will_do(tmp_path):
    file = tmp_path / "one.safetensors"
    file.touch()
    catalog = Catalog({"One": Checkpoint(name="One", source=file)}, "One")
    local, lacking = localized(catalog, Places(absolute([tmp_path]), PACKAGE, ()))
    assert (local, lacking) == (catalog, frozenset())


def test_the_version_that_differs_is_named():
    cluster = {"ray_version": "2.60.0", "python_version": "3.11.7"}
    assert difference(cluster, "2.60.0", "3.11.7") is None
    assert "Ray 2.60.0, the bot 2.61.0" in difference(cluster, "2.61.0", "3.11.7")
    assert "Python 3.11.7, the bot 3.12.1" in difference(cluster, "2.60.0", "3.12.1")


@pytest.mark.parametrize("address", ["127.0.0.1:1", "[::1]:1", "127.0.0.1:99999", "nowhere"])
def test_nobody_there_is_one_line(address):
    with pytest.raises(Refused, match="no Ray cluster answers at") as error:
        connect(address, "darkroom")
    assert "\n" not in str(error.value)


def test_every_gpu_is_a_lane_and_slots_are_for_nodes_without():
    cluster = pytest.importorskip("generation.worker.ray.cluster", exc_type=ImportError)

    def node(name, number, alive=True, **resources):
        return {"NodeName": name, "NodeID": f"{number:056}", "Alive": alive, "Resources": resources}

    nodes = [
        node("attic", 1, GPU=2.0, **{SLOT: 1.0}),
        node("cellar", 2, **{SLOT: 1.0}),
        node("dead", 3, alive=False, GPU=1.0),
        node("twin", 10**55, GPU=1.0),
        node("twin", 2 * 10**55, GPU=1.0),
        node("own", 6, GPU=1.0),
        node("idle", 7, CPU=4.0),
    ]
    assert [one.name for one in cluster.places(nodes, nodes[5]["NodeID"])] == [
        "attic/gpu:0",
        "attic/gpu:1",
        "cellar/slot:0",
        "twin#100000/gpu:0",
        "twin#200000/gpu:0",
    ]


def test_lines_stay_short():
    assert several(["a", "b"]) == "a, b"
    assert several([str(one) for one in range(9)]) == "0, 1, 2, 3, 4 and 4 more"


async def test_a_link_that_has_ended_says_and_hears_nothing():
    from generation.worker.link import End
    from generation.worker.messages import Alive, Cancel

    told = []
    link = RayLink("a", 1, told.append)
    link.heard([Alive()])
    link.ended(End.LOST)
    link.ended(End.CRASHED)
    link.heard([Alive()])
    link.send(Cancel(1))
    link.kill()
    assert await link.receive() == [Alive()]
    assert await link.receive() is None
    assert await link.receive() is None
    assert await link.end() is End.LOST
    assert told == []
