"""Fetching over a real HTTP server: resumed, redirected, lied to, cut off."""

import os
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from generation.library.fetching import adding, download
from generation.library.fetching.adding import STAGING, add
from generation.library.fetching.download import check_address, file_name
from generation.library.fetching.sites import NotFetched
from tests.generation.library.files import KINDS, safetensors
from tests.generation.library.server import Shop, left, silent, url

pytestmark = pytest.mark.usefixtures("_quick")

LORA = safetensors(KINDS["lora"])


async def test_a_file_goes_where_its_kind_lies(shop: Shop, server: TestServer, tmp_path: Path):
    added = await add(url(server), tmp_path, silent)
    assert added.file.path == tmp_path / "loras" / "nice.safetensors"
    assert added.file.path.read_bytes() == LORA
    assert not added.verified  # nobody said what its SHA-256 is
    assert left(tmp_path) == ["nice.safetensors"]


@pytest.mark.parametrize("layout", ["models/Lora", "models/loras", "Lora", "loras"])
async def test_in_a_program_s_folder_it_goes_where_that_looks(
    server: TestServer, tmp_path: Path, layout: str
):
    (tmp_path / layout).mkdir(parents=True)
    added = await add(url(server), tmp_path, silent)
    assert added.file.path == tmp_path / layout / "nice.safetensors"


async def test_what_is_cut_off_goes_on(shop: Shop, server: TestServer, tmp_path: Path):
    shop.cuts = [1000, 500, 700]
    added = await add(url(server), tmp_path, silent)
    assert added.file.path.read_bytes() == LORA
    ranges = [request.headers.get("Range") for request in shop.seen]
    assert ranges == [None, "bytes=1000-", "bytes=1500-", "bytes=2200-"]


async def test_what_an_earlier_run_left_goes_on(shop: Shop, server: TestServer, tmp_path: Path):
    shop.cuts = [1000] + [0] * 20
    with pytest.raises(NotFetched, match="what is there stays"):
        await add(url(server), tmp_path, silent)
    assert all(not name.endswith(".safetensors") for name in left(tmp_path))
    shop.cuts, shop.seen = [], []
    await add(url(server), tmp_path, silent)
    assert shop.seen[0].headers["Range"] == "bytes=1000-"


async def test_another_file_by_then_is_fetched_from_its_start(
    shop: Shop, server: TestServer, tmp_path: Path
):
    shop.cuts = [1000] + [0] * 20
    with pytest.raises(NotFetched):
        await add(url(server), tmp_path, silent)
    shop.cuts, shop.version = [], "2"
    other = safetensors(KINDS["lora"], {"name": "another"})
    shop.files["nice.safetensors"] = other
    added = await add(url(server), tmp_path, silent)
    assert added.file.path.read_bytes() == other


async def test_a_site_without_ranges_starts_over(shop: Shop, server: TestServer, tmp_path: Path):
    shop.resumes, shop.cuts = False, [1000, 2000]
    added = await add(url(server), tmp_path, silent)
    assert added.file.path.read_bytes() == LORA


@pytest.mark.parametrize("lies", [7, -7])
async def test_a_lie_about_the_length_leaves_nothing_that_looks_whole(
    shop: Shop, server: TestServer, tmp_path: Path, lies: int
):
    shop.lies = lies
    with pytest.raises(NotFetched) as caught:
        await add(url(server), tmp_path, silent)
    assert "\n" not in str(caught.value)
    assert all(not name.endswith(".safetensors") for name in left(tmp_path))


async def test_a_busy_site_is_asked_again_and_a_refusal_is_not(
    shop: Shop, server: TestServer, tmp_path: Path
):
    shop.answers = [503, 429, 500]
    await add(url(server), tmp_path, silent)
    assert len(shop.seen) == 4
    shop.answers, shop.seen = [401], []
    shop.files["other.safetensors"] = LORA
    with pytest.raises(NotFetched, match="wants a token"):
        await add(url(server, "/file/other.safetensors"), tmp_path, silent)
    assert len(shop.seen) == 1


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"PK\x03\x04" + bytes(500), "pickled weights"),
        (b"\x80\x02}q\x00X" + bytes(500), "pickled weights"),
        (bytes(500), "something else than a safetensors file"),
        (LORA[:-7], "7 bytes are missing"),
        (LORA + bytes(7), "7 bytes too long"),
    ],
)
async def test_what_is_no_model_is_not_kept(
    shop: Shop, server: TestServer, tmp_path: Path, data: bytes, said: str
):
    shop.files["nice.safetensors"] = data
    with pytest.raises(NotFetched, match=said):
        await add(url(server), tmp_path, silent)
    assert all(not name.endswith(".safetensors") for name in left(tmp_path))


async def test_a_web_page_is_no_model(shop: Shop, server: TestServer, tmp_path: Path):
    shop.kind = "text/html; charset=utf-8"
    with pytest.raises(NotFetched, match="web page"):
        await add(url(server), tmp_path, silent)


async def test_a_pickle_is_refused_before_anything_is_asked(
    shop: Shop, server: TestServer, tmp_path: Path
):
    for name in ("model.ckpt", "model.PT", "model.bin", "upscaler.pth"):
        with pytest.raises(NotFetched, match="pickled"):
            await add(url(server, f"/file/{name}?download=true"), tmp_path, silent)
    assert shop.seen == []


async def test_a_pickle_by_the_name_that_is_sent_is_refused_before_its_bytes(
    shop: Shop, server: TestServer, tmp_path: Path
):
    shop.pages["/get"] = lambda _: web.Response(
        body=bytes(10), headers={"Content-Disposition": 'attachment; filename="x.ckpt"'}
    )
    with pytest.raises(NotFetched, match=r"x\.ckpt: pickled"):
        await add(url(server, "/get"), tmp_path, silent)


async def test_the_disk_s_room_is_checked_first(
    shop: Shop, server: TestServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(download, "SPARE", 2**60)
    with pytest.raises(NotFetched, match="GiB are free"):
        await add(url(server), tmp_path, silent)
    assert left(tmp_path / STAGING) in ([], [name for name in left(tmp_path) if "json" in name])


async def test_a_name_that_is_there_is_not_fetched_again(
    shop: Shop, server: TestServer, tmp_path: Path
):
    await add(url(server), tmp_path, silent)
    with pytest.raises(NotFetched, match="is there already"):
        await add(url(server), tmp_path, silent)
    assert len(shop.seen) == 1 or shop.files


async def test_only_https_is_followed_and_a_loop_ends(
    shop: Shop, server: TestServer, tmp_path: Path
):
    away = {"Location": "http://example.org/x.safetensors"}
    shop.pages["/away/x.safetensors"] = lambda _: web.Response(status=302, headers=away)
    shop.pages["/loop/x.safetensors"] = lambda _: web.Response(
        status=302, headers={"Location": "/loop/x.safetensors"}
    )
    with pytest.raises(NotFetched, match="only https"):
        await add(url(server, "/away/x.safetensors"), tmp_path, silent)
    with pytest.raises(NotFetched, match="redirects more than"):
        await add(url(server, "/loop/x.safetensors"), tmp_path, silent)
    for address in ("http://example.org/x.safetensors", "ftp://127.0.0.1/x", "file:///etc/passwd"):
        with pytest.raises(NotFetched, match="only https"):
            check_address(address, address)
    with pytest.raises(NotFetched, match="only https"):  # from outside to this machine
        check_address("http://127.0.0.1/x.safetensors", "https://example.org/x.safetensors")


async def test_lines_have_no_query_in_which_tokens_stand(
    shop: Shop, server: TestServer, tmp_path: Path
):
    for path in ("/file/none.safetensors?token=secret", "/nowhere/x.safetensors?token=secret"):
        with pytest.raises(NotFetched) as caught:
            await add(url(server, path), tmp_path, silent)
        assert "secret" not in str(caught.value)
    assert "secret" not in "".join(left(tmp_path))


async def test_a_file_of_this_machine_is_copied(tmp_path: Path):
    mine = tmp_path / "mine" / "Größe 1.SAFETENSORS"
    mine.parent.mkdir()
    mine.write_bytes(LORA)
    added = await add(str(mine), tmp_path / "models", silent)
    assert added.file.path == tmp_path / "models" / "loras" / mine.name
    assert mine.read_bytes() == LORA
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(LORA[:-1])
    with pytest.raises(NotFetched, match="1 bytes are missing"):
        await add(str(cut), tmp_path / "models", silent)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../x.safetensors", "x.safetensors"),
        ("..\\..\\x.safetensors", "x.safetensors"),
        ("a\x00b:c.safetensors", "a_b_c.safetensors"),
        (f"{'ü' * 300}.safetensors", f"{'ü' * 100}.safetensors"),
        ("모델 v2.SAFETENSORS", "모델 v2.SAFETENSORS"),
    ],
)
def test_names_are_made_harmless(sent: str, kept: str):
    assert file_name(sent) == kept


@pytest.mark.parametrize("name", ["", "x", ".safetensors", "x.zip", "x.safetensors.exe"])
def test_other_names_are_refused(name: str):
    with pytest.raises(NotFetched):
        file_name(name)


def test_a_link_and_a_shared_file_free_nothing(tmp_path: Path):
    (tmp_path / "a").write_bytes(bytes(100))
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert (adding.bytes_of(tmp_path / "a"), adding.bytes_of(tmp_path / "b")) == (100, 0)
    os.link(tmp_path / "a", tmp_path / "c")
    assert adding.bytes_of(tmp_path / "a") == 0
    adding.remove(tmp_path / "b")
    assert (tmp_path / "a").exists()
