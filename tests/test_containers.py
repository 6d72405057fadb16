"""The Containerfile and compose.yaml: all that they name is there. No container tool is needed."""

import fnmatch
import json
import re
import shlex
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot import settings
from bot.__main__ import main
from bot.settings import GenerationSettings, MonitoringSettings

ROOT = Path(__file__).parents[1]
TIDY_S = 10  # what the bot needs to stop, beside draining
DRAIN_S = GenerationSettings().drain_s


def instructions() -> list[tuple[str, str]]:
    """Return the Containerfile's instructions with their arguments, in order."""
    text = (ROOT / "Containerfile").read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in joined.splitlines() if line]


def last_stage() -> list[tuple[str, str]]:
    found = instructions()
    start = max(number for number, (name, _) in enumerate(found) if name == "FROM")
    return found[start:]


def of(name: str) -> list[str]:
    return [what for one, what in last_stage() if one == name]


def environment() -> dict[str, str]:
    pairs = [pair.split("=", 1) for what in of("ENV") for pair in shlex.split(what)]
    return dict(pairs)


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    return yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"]


def copied() -> list[str]:
    """Return what is copied from the source tree."""
    found = [what.split()[:-1] for name, what in instructions() if name == "COPY"]
    return [one for names in found if not names[0].startswith("--from") for one in names]


def test_all_that_is_copied_is_there_and_let_through():
    patterns = (ROOT / ".containerignore").read_text("utf-8").splitlines()
    through = [one.removeprefix("!") for one in patterns if one.startswith("!")]
    assert sorted(copied()) == sorted(through)
    assert all((ROOT / name).exists() for name in copied())
    assert (ROOT / ".dockerignore").resolve() == ROOT / ".containerignore"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    packages = project["tool"]["setuptools"]["packages"]["find"]["include"]
    assert {one.removesuffix("*") for one in packages} <= set(copied())
    assert {project["project"]["readme"], *project["project"]["license-files"]} <= set(copied())


def test_nothing_secret_and_no_data_is_let_through():
    patterns = (ROOT / ".containerignore").read_text("utf-8").splitlines()
    assert patterns.index("*") < min(n for n, one in enumerate(patterns) if one.startswith("!"))
    listed = subprocess.run(
        ["git", "ls-files", "-z", *copied()], cwd=ROOT, capture_output=True, text=True, check=True
    )
    tracked = [name for name in listed.stdout.split("\0") if name]
    assert len(tracked) > 100
    assert not [name for name in tracked if fnmatch.fnmatch(Path(name).name, ".env*")]
    text = (ROOT / "Containerfile").read_text("utf-8")
    assert "TOKEN" not in text
    assert "DISCORD__" not in text


def test_it_installs_what_is_pinned_and_leaves_no_tools():
    (build,) = [what for name, what in instructions() if name == "RUN" and "/build &&" in what]
    installs = [
        one
        for name, what in instructions()
        if name == "RUN"
        for one in re.findall(r"pip install [^&]*", what)
    ]
    assert len(installs) == 2
    assert all("-c /build/constraints.txt" in one for one in installs)
    assert all("--no-cache-dir" in one for one in installs)
    assert "pip uninstall --yes pip" in build
    assert not re.search(r"apt-get|gcc|build-essential", str(instructions()))


def test_it_runs_what_there_is_as_nobody_in_particular():
    (user,) = of("USER")
    (user_id,) = [what.partition("=")[2] for what in of("ARG") if what.startswith("USER_ID")]
    assert user == "${USER_ID}:${USER_ID}"
    assert int(user_id) >= 10_000
    ((program,), command) = (json.loads(of(name)[0]) for name in ("ENTRYPOINT", "CMD"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert program in project["scripts"]
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    assert ended.value.code == 0
    assert of("STOPSIGNAL") == ["SIGTERM"]


def test_its_settings_are_settings_and_their_folders_are_made(services):
    found = environment()
    known = set(settings.names())
    assert {name for name in found if "__" in name} <= known
    for service in services.values():
        assert set(service.get("environment", {})) <= known
    ours = services["darkroom"]["environment"]
    assert ours == {name: value for name, value in found.items() if "__" in name}
    (made,) = [what for what in of("RUN") if "mkdir" in what]
    volumes = [re.sub(r"\$\{.*?\}", "there", one) for one in services["darkroom"]["volumes"]]
    targets = {one.split(":")[1] for one in volumes}
    assert targets == {"/data", "/models", "/backups"}
    assert all(f" {target}" in made for target in targets)
    assert found["STORE__FOLDER"] == found["HOME"] == "/data"
    assert of("WORKDIR") == of("VOLUME") == ["/data"]


def test_its_health_is_asked_where_it_is_told():
    (check,) = of("HEALTHCHECK")
    command = json.loads(check.partition("CMD ")[2])
    address = environment()["MONITORING__ADDRESS"]
    assert MonitoringSettings(address=address).listen is not None
    assert f"http://{address}/livez" in command[-1]
    compile(command[-1], "HEALTHCHECK", "exec")


def test_compose_builds_both_and_keeps_them_in(services):
    (case,) = [what for name, what in instructions() if name == "RUN" and "case" in what]
    devices = {one["build"]["args"]["DEVICE"] for one in services.values()}
    assert devices == {"${DEVICE:-cpu}", "cuda"}
    assert all(f" {device})" in case for device in ("cpu", "cuda"))
    ours = services["darkroom"]
    assert (ROOT / ours["build"]["dockerfile"]).exists()
    assert ours["read_only"] is True
    assert ours["cap_drop"] == ["ALL"]
    assert ours["security_opt"] == ["no-new-privileges:true"]
    assert ours["env_file"] == ".env"
    assert "privileged" not in ours
    assert services["darkroom-cuda"]["extends"] == "darkroom"
    declared = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["volumes"]
    named = {one.split(":")[0] for one in ours["volumes"] if not one.startswith("$")}
    assert named | {"backups"} == set(declared)


def test_nobody_loses_patience_while_jobs_end(services):
    grace = services["darkroom"]["stop_grace_period"]
    unit = (ROOT / "docs" / "operating.md").read_text("utf-8")
    (stop,) = re.findall(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)
    for patience in (int(grace.removesuffix("s")), int(stop)):
        assert patience >= DRAIN_S + TIDY_S
