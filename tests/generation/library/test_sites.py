"""What sites say of their files, and to whom tokens go."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from generation.library.fetching.adding import add
from generation.library.fetching.sites import NotFetched, Site, Sites
from tests.generation.library.files import KINDS, safetensors
from tests.generation.library.server import Shop, left, opened, silent, url

pytestmark = pytest.mark.usefixtures("_quick")

LORA = safetensors(KINDS["lora"])


@pytest.fixture
async def store() -> AsyncIterator[tuple[Shop, TestServer]]:
    """Another host, to which sites send us for their files."""
    shop = Shop(files={"nice.safetensors": LORA})
    server = await opened(shop)
    yield shop, server
    await server.close()


async def test_a_token_goes_to_its_own_site_only(
    shop: Shop,
    server: TestServer,
    store: tuple[Shop, TestServer],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    """The site sends us to another host, as the hub and Civitai send us to their stores."""
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    there = url(store[1]).replace("127.0.0.1", "localhost")
    digest = hashlib.sha256(LORA).hexdigest()
    linked = {"Location": there, "X-Linked-ETag": f'"{digest}"', "X-Linked-Size": str(len(LORA))}
    shop.pages["/ann/gated/resolve/main/nice.safetensors"] = lambda _: web.Response(
        status=302, headers=linked
    )
    sites = Sites(hub=Site(str(server.make_url("")).rstrip("/"), "HF_TOKEN"))
    added = await add(
        url(server, "/ann/gated/resolve/main/nice.safetensors"), tmp_path, silent, sites
    )
    assert added.verified
    assert shop.seen[0].headers["Authorization"] == "Bearer hf_secret"
    assert "Authorization" not in store[0].seen[0].headers
    with pytest.raises(NotFetched, match="answers 404"):
        await add(url(server, "/ann/gated/blob/main/y.safetensors"), tmp_path, silent, sites)
    assert shop.seen[-1].path == "/ann/gated/resolve/main/y.safetensors"


async def test_another_sha256_than_the_site_says_is_removed(
    shop: Shop, server: TestServer, tmp_path: Path
):
    linked = {
        "Location": "/file/nice.safetensors",
        "X-Linked-ETag": f'"{"0" * 64}"',
    }
    shop.pages["/ann/model/resolve/main/nice.safetensors"] = lambda _: web.Response(
        status=302, headers=linked
    )
    sites = Sites(hub=Site(str(server.make_url("")).rstrip("/"), "HF_TOKEN"))
    with pytest.raises(NotFetched, match="SHA-256 is"):
        await add(url(server, "/ann/model/resolve/main/nice.safetensors"), tmp_path, silent, sites)
    assert all(not name.endswith(".safetensors") for name in left(tmp_path))


async def test_civitai_s_links_are_verified_by_its_api(
    shop: Shop, server: TestServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CIVITAI_API_TOKEN", "civ_secret")
    files = [
        {"name": "nice.ckpt", "hashes": {"SHA256": "0" * 64}, "primary": True},
        {
            "name": "nice.safetensors",
            "hashes": {"SHA256": hashlib.sha256(LORA).hexdigest().upper()},
            "downloadUrl": url(server),
        },
    ]
    shop.pages["/api/v1/model-versions/7"] = lambda _: web.json_response({"files": files})
    shop.pages["/api/v1/models/5"] = lambda _: web.json_response({"modelVersions": [{"id": 7}]})
    shop.pages["/api/download/models/7"] = lambda _: web.Response(
        status=307, headers={"Location": url(server)}
    )
    base = str(server.make_url("")).rstrip("/")
    sites = Sites(civitai=Site(base, "CIVITAI_API_TOKEN"))
    for number, path in enumerate(
        (
            "/models/5/a-name",
            "/models/5?modelVersionId=7",
            "/api/download/models/7?format=SafeTensor",
        )
    ):
        added = await add(base + path, tmp_path / str(number), silent, sites)
        assert (added.file.path.name, added.verified) == ("nice.safetensors", True)
    tokens = {one.headers.get("Authorization") for one in shop.seen}
    assert tokens == {"Bearer civ_secret"}
    shop.pages["/api/v1/model-versions/7"] = lambda _: web.json_response({"files": files[:1]})
    with pytest.raises(NotFetched, match=r"nice\.ckpt: pickled"):
        await add(base + "/models/5", tmp_path, silent, sites)


def hub(shop: Shop, repository: str, files: dict[str, bytes]) -> None:
    """Let the shop answer as the hub does about a repository."""
    siblings = []
    for name, data in files.items():
        digest = hashlib.sha256(data).hexdigest()
        lfs = {"size": len(data), "sha256": digest, "pointerSize": 100}
        siblings.append({"rfilename": name, "size": len(data), "lfs": lfs})
        shop.pages[f"/{repository}/resolve/{'a' * 40}/{name}"] = lambda _, data=data: web.Response(
            body=data, headers={"ETag": '"1"'}
        )
    said = {"id": repository, "sha": "a" * 40, "siblings": siblings}
    shop.pages[f"/api/models/{repository}"] = lambda _: web.json_response(said)


async def test_a_hub_id_is_one_file_or_a_named_one(shop: Shop, server: TestServer, tmp_path: Path):
    sites = Sites(hub=Site(str(server.make_url("")).rstrip("/"), "HF_TOKEN"))
    hub(shop, "ann/one", {"one.safetensors": LORA, "README.md": b"#", "x.ckpt": b""})
    hub(shop, "ann/two", {"a.safetensors": LORA, "b.safetensors": LORA})
    added = await add("ann/one", tmp_path, silent, sites)
    assert (added.file.path.name, added.verified) == ("one.safetensors", True)
    with pytest.raises(NotFetched, match=r"a\.safetensors, b\.safetensors; name one"):
        await add("ann/two", tmp_path, silent, sites)
    added = await add("ann/two/b.safetensors", tmp_path, silent, sites)
    assert added.file.path.name == "b.safetensors"
    for wrong, said in (
        ("ann/two/c.safetensors", "has no c"),
        ("ann/one/x.ckpt", "pickled"),
        ("ann/none", "on the hub: answers 404"),
        ("../etc/passwd", "neither a file"),
    ):
        with pytest.raises(NotFetched, match=said):
            await add(wrong, tmp_path, silent, sites)


async def test_a_hub_s_folder_is_there_when_all_of_it_is(
    shop: Shop, server: TestServer, tmp_path: Path
):
    from generation.embedded import CHECKPOINT

    files = {
        file.relative_to(CHECKPOINT).as_posix(): file.read_bytes()
        for file in CHECKPOINT.rglob("*")
        if file.is_file()
    }
    more = {
        "unet/diffusion_pytorch_model.bin": b"x",
        "unet/diffusion_pytorch_model.fp16.safetensors": b"x",
        "safety_checker/model.safetensors": b"x",
        "a/../../evil.safetensors": b"x",
    }
    sites = Sites(hub=Site(str(server.make_url("")).rstrip("/"), "HF_TOKEN"))
    hub(shop, "ann/emoji", files | more)
    added = await add("ann/emoji", tmp_path, silent, sites)
    folder = added.file.path
    assert folder == tmp_path / "checkpoints" / "emoji"
    there = {one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file()}
    assert there == {
        name for name in files if "/" in name or name in ("model_index.json", "preview.json")
    }
    assert added.file.family == "sd1"
