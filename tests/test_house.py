"""What the documents promise, held against the code, and how large a file or a folder may be."""

import re
import subprocess
import tomllib
from collections import Counter
from pathlib import Path

import discord

ROOT = Path(__file__).parents[1]

MOST_LINES, MOST_FILES = 400, 15
WRITTEN = ("*.py", "*.js", "*.css", "*.html")
ONE_FOLDER = Path("migrations/versions")  # Alembic keeps every revision there


def test_the_invite_link_asks_for_what_is_needed():
    found = re.search(r"permissions=(\d+)&", (ROOT / "README.md").read_text("utf-8"))
    assert found is not None
    assert discord.Permissions(int(found[1])) == discord.Permissions(
        view_channel=True,
        send_messages=True,
        send_messages_in_threads=True,
        embed_links=True,
        attach_files=True,
        read_message_history=True,
    )


def test_every_dependency_is_pinned_and_justified():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    names = [
        re.split(r"[\[>=]", requirement)[0]
        for requirement in (
            *project["dependencies"],
            *(one for extra in project["optional-dependencies"].values() for one in extra),
        )
    ]
    pins = (ROOT / "constraints.txt").read_text("utf-8").lower()
    reasons = (ROOT / "docs/dependencies.md").read_text("utf-8")
    for name in names:
        assert re.search(rf"^{re.escape(name.lower())}==\S+$", pins, re.MULTILINE), name
        assert name in reasons, name
    assert "://" not in pins


def test_the_documented_catalog_loads(tmp_path):
    from generation.catalog import read_catalog

    (text,) = re.findall(
        r"```toml\n(.*?)```", (ROOT / "docs/checkpoints.md").read_text("utf-8"), re.DOTALL
    )
    (tmp_path / "catalog.toml").write_text(text, "utf-8")
    catalog = read_catalog(tmp_path / "catalog.toml")
    assert catalog.default == "Stable Diffusion v1.5"
    assert next(iter(catalog.styles)) == "Line art"
    assert catalog["A single file"].source == tmp_path / "models" / "friend.safetensors"


def test_no_file_and_no_folder_is_too_large():
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *WRITTEN],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = [Path(name) for name in listed.stdout.split("\0") if name and (ROOT / name).exists()]
    assert Path("tests/test_house.py") in paths
    lines = {path: (ROOT / path).read_text("utf-8").count("\n") for path in paths}
    assert {path: count for path, count in lines.items() if count > MOST_LINES} == {}
    python = [path for path in paths if path.suffix == ".py" and path.parent != ONE_FOLDER]
    folders = Counter(path.parent for path in python)
    assert {folder: count for folder, count in folders.items() if count > MOST_FILES} == {}
