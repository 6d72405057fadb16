"""What the hub gave first stays, whatever its branch is moved to."""

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import huggingface_hub.constants
import pytest

from generation.catalog import Checkpoint
from generation.errors import CheckpointUnavailable
from generation.loading.model_loader import find_files
from generation.loading.revisions import (
    RevisionsDamaged,
    pin,
    pinned,
    read_revisions,
)
from generation.options import REVISIONS

FIRST, SECOND = "1" * 40, "2" * 40
NAME = "somebody/something"


class Hub:
    """A hub with one repository; ``head`` is the commit that its branch is at."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.head = folder, FIRST
        self.asked: list[str] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                """Say nothing."""

            def do_HEAD(self) -> None:
                self._answer(body=False)

            def do_GET(self) -> None:
                self._answer(body=True)

            def _answer(self, *, body: bool) -> None:
                path = self.path.split("?")[0]
                files = [file for file in sorted(hub.folder.rglob("*")) if file.is_file()]
                names = [file.relative_to(hub.folder).as_posix() for file in files]
                if path.startswith(f"/api/models/{NAME}/tree/"):
                    tree = [
                        {"type": "file", "path": name, "size": file.stat().st_size, "oid": name}
                        for name, file in zip(names, files, strict=True)
                    ]
                    self._send(json.dumps(tree).encode(), "application/json", FIRST, body)
                elif path.startswith(f"/api/models/{NAME}"):
                    revision = path.rsplit("/", 1)[-1]
                    hub.asked.append(revision)
                    commit = revision if revision in (FIRST, SECOND) else hub.head
                    siblings = [{"rfilename": name} for name in names]
                    answer = {"id": NAME, "modelId": NAME, "sha": commit, "siblings": siblings}
                    self._send(json.dumps(answer).encode(), "application/json", commit, body)
                elif not path.startswith(f"/{NAME}/resolve/"):
                    self.send_error(404)
                else:
                    commit, _, name = path.removeprefix(f"/{NAME}/resolve/").partition("/")
                    content = (hub.folder / name).read_bytes()
                    self._send(content, "application/octet-stream", commit, body)

            def _send(self, content: bytes, kind: str, commit: str, body: bool) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
                self.send_header("X-Repo-Commit", commit)
                self.end_headers()
                if body:
                    self.wfile.write(content)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def hub(tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    hub = Hub(tiny_folder)
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", hub.address)
    template = hub.address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    yield hub
    hub.server.shutdown()
    hub.server.server_close()


def test_the_first_commit_is_asked_for_from_then_on(hub: Hub, tmp_path: Path):
    checkpoint, file = Checkpoint(name="Far", source=NAME), tmp_path / REVISIONS
    assert find_files(checkpoint, file).folder.name == FIRST
    assert read_revisions(file) == {f"{NAME}@main": FIRST}
    hub.head = SECOND
    assert find_files(checkpoint, file).folder.name == FIRST
    assert hub.asked == ["main"], "a commit that is on disk is the one that was asked for"
    assert find_files(checkpoint).folder.name == SECOND, "nothing is kept without a file"


def test_a_branch_that_the_catalog_names_is_pinned_as_well(hub: Hub, tmp_path: Path):
    file = tmp_path / REVISIONS
    find_files(Checkpoint(name="Far", source=NAME, revision="fp16"), file)
    hub.head = SECOND
    find_files(Checkpoint(name="Far", source=NAME, revision="fp16"), file)
    assert hub.asked == ["fp16"], "a commit that is on disk is the one that was asked for"
    assert read_revisions(file) == {f"{NAME}@fp16": FIRST}


def test_a_damaged_record_is_no_leave_to_take_anything(hub: Hub, tmp_path: Path):
    file = tmp_path / REVISIONS
    file.write_text('{"somebody/something@main": "main"}')
    with pytest.raises(CheckpointUnavailable, match="it holds what is no commit; mend it"):
        find_files(Checkpoint(name="Far", source=NAME), file)
    assert hub.asked == []


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 1}', '{"a": null}', '"1"'])
def test_what_cannot_be_read_is_said(tmp_path: Path, text: str):
    (tmp_path / REVISIONS).write_text(text)
    with pytest.raises(RevisionsDamaged):
        pinned(tmp_path / REVISIONS, NAME, None)


def test_the_first_one_is_kept(tmp_path: Path):
    file = tmp_path / REVISIONS
    assert pinned(file, NAME, None) is None
    for commit in (FIRST, SECOND):
        pin(file, NAME, None, commit)
    pin(file, "somebody/else", None, "no commit")
    assert pinned(file, NAME, None) == FIRST
    assert pinned(file, NAME, "fp16") == "fp16"
    assert read_revisions(file) == {f"{NAME}@main": FIRST}
