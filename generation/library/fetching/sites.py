"""What sites say about a file before it is fetched: its address, name, size and SHA-256.

Addresses are those people copy: Hugging Face's pages and ``resolve`` links, Civitai's pages and
download links, any other https address, and hub ids (``owner/name``, ``owner/name/file``).

Civitai: https://github.com/civitai/civitai/wiki/REST-API-Reference. Hugging Face: the headers are
those that huggingface_hub reads (``X-Linked-ETag``, ``X-Linked-Size``, ``X-Repo-Commit``).
"""

import asyncio
import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import aiohttp
import huggingface_hub
from huggingface_hub.errors import HfHubHTTPError, HFValidationError
from huggingface_hub.hf_api import RepoSibling

from generation.catalog.reading import SUFFIXES
from generation.json_text import loads
from generation.library.layout import INDEX, OTHERS
from generation.loading.checkpoint_folder import PREVIEW
from generation.loading.detect import PICKLES

SHA256 = re.compile(r"[0-9a-fA-F]{64}")
ANSWER_BYTES = 4 * 2**20  # of what a site says about a model
ANSWER_S = 30.0
_HUB_FILE = re.compile(r"/[\w.-]+/[\w.-]+/(?:resolve|blob)/(.+)")
_HUB_ID = re.compile(r"([A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:/(.+))?")
_CIVITAI_FILE = re.compile(r"/api/download/models/(\d+)")
_COMPONENT = re.compile(r"[a-z0-9_]+")
_WANTED = re.compile(r"[A-Za-z0-9][\w.-]*\.(?:json|txt|model|safetensors)")
_VARIANT = re.compile(r"\.(?:fp16|bf16|fp32|non_ema|ema)\b")
NOT_FETCHED = ("safety_checker", "feature_extractor")
_CIVITAI_PAGE = re.compile(r"/models/(\d+)(?:/[^/]*)?/?")


class NotFetched(Exception):
    """A file is not fetched; the text is one line that says why."""


@dataclass(frozen=True, slots=True)
class Site:
    """A site that says more about its files, and the variable with the token for it.

    ``address`` is where it is, without a path.
    """

    address: str
    token: str

    def token_for(self, url: str) -> str | None:
        """Return the token, if this address is the site's own."""
        ours, theirs = urlsplit(self.address), urlsplit(url)
        same = (ours.scheme, ours.hostname, ours.port) == (
            theirs.scheme,
            theirs.hostname,
            theirs.port,
        )
        return (os.environ.get(self.token, "").strip() or None) if same else None


@dataclass(frozen=True, slots=True)
class Sites:
    """The sites that are known."""

    hub: Site = field(
        default_factory=lambda: Site(
            huggingface_hub.constants.ENDPOINT.rstrip("/"),
            token="HF_TOKEN",  # noqa: S106 - a variable's name
        )
    )
    civitai: Site = Site("https://civitai.com", token="CIVITAI_API_TOKEN")  # noqa: S106 - likewise

    def headers_for(self, url: str) -> dict[str, str]:
        """Return the headers that let us in; a token goes to its own site only."""
        for site in (self.hub, self.civitai):
            if token := site.token_for(url):
                return {"Authorization": f"Bearer {token}"}
        return {}


@dataclass(frozen=True, slots=True)
class Remote:
    """A file to fetch: its address and its name; size and SHA-256 where the site tells them.

    Of a folder in diffusers' format, ``folder`` is where it belongs in that; None: it is alone.
    """

    url: str
    name: str = ""
    size: int | None = None
    sha256: str | None = None
    folder: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What an address or id leads to: one file, or those of a folder in diffusers' format."""

    files: Sequence[Remote]
    folder: str | None = None


async def find(what: str, sites: Sites, session: aiohttp.ClientSession) -> Found:
    """Return what somebody's address or hub id leads to; raises NotFetched."""
    if "://" not in what:
        hub = _HUB_ID.fullmatch(what)
        if hub is None:
            raise NotFetched(f"{what} is neither a file, an address nor a hub id (owner/name)")
        return await asyncio.to_thread(_on_the_hub, hub[1], hub[2], sites)
    parts = urlsplit(what)
    path = unquote(parts.path)
    if _is_at(what, sites.hub):
        if hub := _HUB_FILE.fullmatch(path):
            file = refuse_pickles(PurePosixPath(hub[1]).name)
            return Found([Remote(what.replace("/blob/", "/resolve/", 1), file)])
        if hub := _HUB_ID.fullmatch(path.strip("/")):
            return await asyncio.to_thread(_on_the_hub, hub[1], None, sites)
    if _is_at(what, sites.civitai):
        query = parse_qs(parts.query)
        if civitai := _CIVITAI_FILE.fullmatch(path):
            return Found([await _on_civitai(civitai[1], what, query, sites, session)])
        if civitai := _CIVITAI_PAGE.fullmatch(path):
            version = query.get("modelVersionId", [""])[0]
            version = version or await _latest(civitai[1], sites, session)
            return Found([await _on_civitai(version, None, {}, sites, session)])
    name = refuse_pickles(PurePosixPath(path).name)
    return Found([Remote(what, name if name.lower().endswith(SUFFIXES) else "")])


def refuse_pickles(name: str) -> str:
    """Return a file's name; raises NotFetched if it tells that the file would be refused."""
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in PICKLES:
        raise NotFetched(f"{name}: pickled weights are refused; look for its .safetensors")
    if suffix in OTHERS:
        raise NotFetched(f"{name}: is in a format that is not read; look for its .safetensors")
    return name


def _is_at(url: str, site: Site) -> bool:
    return urlsplit(url).netloc.lower() == urlsplit(site.address).netloc.lower()


def _on_the_hub(repository: str, file: str | None, sites: Sites) -> Found:
    """Return a file of a repository, its only one, or its folder in diffusers' format."""
    api = huggingface_hub.HfApi(
        endpoint=sites.hub.address, token=sites.hub.token_for(sites.hub.address) or False
    )
    try:
        info = api.model_info(repository, files_metadata=True, timeout=ANSWER_S)
    except (HfHubHTTPError, HFValidationError, OSError, ValueError) as error:
        raise NotFetched(f"{repository} on the hub: {_said(error, sites.hub)}") from error
    there = {one.rfilename: one for one in info.siblings or []}
    at = info.sha or "main"  # one commit's, whatever is changed meanwhile

    def remote(name: str, folder: str | None = None) -> Remote:
        url = huggingface_hub.hf_hub_url(repository, name, revision=at, endpoint=sites.hub.address)
        return _remote(there[name], url, folder)

    if file is not None:
        refuse_pickles(file)
        if file not in there:
            raise NotFetched(f"{repository} on the hub has no {file}")
        return Found([remote(file)])
    if INDEX in there:
        names = _diffusers(set(there))
        folder = repository.rpartition("/")[2]
        return Found(
            [remote(name, str(PurePosixPath(name).parent)) for name in names], folder=folder
        )
    single = [name for name in there if name.lower().endswith(SUFFIXES) and "/" not in name]
    if len(single) != 1:
        listed = ", ".join(single[:10]) or "no .safetensors"
        raise NotFetched(f"{repository} on the hub has {listed}; name one: {repository}/FILE")
    return Found([remote(single[0])])


def _remote(sibling: RepoSibling, url: str, folder: str | None) -> Remote:
    name = PurePosixPath(sibling.rfilename).name
    sha256 = sibling.lfs.sha256 if sibling.lfs is not None else None
    return Remote(url, name, sibling.size, sha256, folder)


def _diffusers(there: Collection[str]) -> list[str]:
    """Return the files of a repository in diffusers' format that are needed.

    No pickles, no safety checker, and another variant of the weights only where there is no plain
    one.
    """
    parts: dict[str, list[str]] = {}
    for name in sorted(there):
        folder, _, file = name.rpartition("/")
        if name not in (INDEX, PREVIEW) and (
            not _COMPONENT.fullmatch(folder) or folder in NOT_FETCHED
        ):
            continue
        if _WANTED.fullmatch(file):
            parts.setdefault(folder, []).append(name)
    found = []
    for names in parts.values():
        weights = [name for name in names if name.endswith((*SUFFIXES, ".safetensors.index.json"))]
        plain = [name for name in weights if not _VARIANT.search(name)]
        halves = [name for name in weights if ".fp16" in name]
        found += [name for name in names if name not in weights] + (plain or halves)
    return found


async def _latest(model: str, sites: Sites, session: aiohttp.ClientSession) -> str:
    table = await _ask(f"{sites.civitai.address}/api/v1/models/{model}", sites, session)
    versions = table.get("modelVersions")
    if not isinstance(versions, list) or not versions or not isinstance(versions[0], dict):
        raise NotFetched(f"Civitai says nothing about versions of model {model}")
    return str(versions[0].get("id", ""))


async def _on_civitai(
    version: str,
    url: str | None,
    query: Mapping[str, Sequence[str]],
    sites: Sites,
    session: aiohttp.ClientSession,
) -> Remote:
    """Return a version's file: the one that the address asks for, else its main one."""
    table = await _ask(f"{sites.civitai.address}/api/v1/model-versions/{version}", sites, session)
    files = [one for one in table.get("files") or [] if isinstance(one, dict)]
    wanted = {
        key: query[key][0].casefold() for key in ("type", "format", "size", "fp") if key in query
    }
    files = [one for one in files if _fits(one, wanted)] or files
    files.sort(key=lambda one: (_is_pickle(one), not one.get("primary")))
    if not files:
        raise NotFetched(f"Civitai has no file for version {version}")
    file = files[0]
    name = refuse_pickles(str(file.get("name", "")))
    hashes = file.get("hashes")
    sha256 = str((hashes if isinstance(hashes, dict) else {}).get("SHA256", "")).lower()
    address = url or str(file.get("downloadUrl", ""))
    return Remote(address, name, sha256=sha256 if SHA256.fullmatch(sha256) else None)


def _fits(file: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    metadata = file.get("metadata")
    said = {"type": file.get("type"), **(metadata if isinstance(metadata, dict) else {})}
    return all(str(said.get(key, "")).casefold() == value for key, value in wanted.items())


def _is_pickle(file: Mapping[str, Any]) -> bool:
    return PurePosixPath(str(file.get("name", ""))).suffix.lower() in PICKLES


async def _ask(url: str, sites: Sites, session: aiohttp.ClientSession) -> dict[str, Any]:
    """Return what a site says about a model, as JSON; raises NotFetched."""
    try:
        timeout = aiohttp.ClientTimeout(total=ANSWER_S)
        async with session.get(
            url, headers=sites.headers_for(url), timeout=timeout, allow_redirects=False
        ) as answer:
            if answer.status != 200:
                raise NotFetched(f"{url} answers {answer.status} {answer.reason}")
            data = await answer.content.read(ANSWER_BYTES + 1)
            while len(data) <= ANSWER_BYTES and (more := await answer.content.read(ANSWER_BYTES)):
                data += more
        table = loads(data) if len(data) <= ANSWER_BYTES else None
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise NotFetched(f"{url}: {error or type(error).__name__}") from error
    if not isinstance(table, dict):
        raise NotFetched(f"{url} does not answer with what is known of a model")
    return table


def _said(error: Exception, site: Site) -> str:
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403, 404):
        return f"answers {status}: it is not there, or wants a token in {site.token}"
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
