"""Connecting to Ray, and one clear line where that fails. The driver's process imports this."""

import json
import logging
import os
import platform
import re
import socket
import sys
from pathlib import Path

ANSWER_S = 5.0  # for the cluster's port to answer
CLUSTER = b"CLUSTER_METADATA", b"cluster"  # where Ray keeps the versions of the head

# What a driver needs of the bot's environment. Nothing of it reaches other machines, but Ray's own
# processes need not know the rest either.
_KEPT = re.compile(
    r"RAY_\w+|PYTHON\w+|LD_\w+|LC_\w+|LANG|PATH|HOME|USER|LOGNAME|TMPDIR|TEMP|TMP|TZ|SYSTEMROOT"
    r"|SYSTEMDRIVE|USERPROFILE|USERNAME|APPDATA|LOCALAPPDATA|PATHEXT|COMSPEC",
    re.IGNORECASE,
)


class Refused(Exception):
    """There is no connection; the text is one line that says why, and what to do."""


def prepare_process() -> None:
    """Keep the bot's secrets, its folder and Ray's chatter out; call before all else."""
    # Ray writes to the descriptors themselves; our own log keeps the terminal.
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for standard in (1, 2):
        os.dup2(nowhere, standard)
    for name in list(os.environ):
        if not _KEPT.fullmatch(name):
            del os.environ[name]
    # Run by uv, Ray would copy the working folder, and the .env in it, to every machine.
    os.environ["RAY_ENABLE_UV_RUN_RUNTIME_ENV"] = "0"
    os.environ.pop("RAY_RUNTIME_ENV_HOOK", None)
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    # It tells every node to import from the driver's working folder first.
    os.chdir(Path(sys.executable).anchor)
    logging.getLogger("ray").setLevel(logging.CRITICAL)


def connect(address: str, namespace: str) -> None:
    """Connect as a driver; raises Refused."""
    _reach(address)
    try:
        import ray
        from ray._raylet import GcsClient
    except ImportError as error:
        raise Refused(
            f"Ray is not installed ({error}): pip install -c constraints.txt -e '.[ray]'"
        ) from error

    try:
        told = GcsClient(address=address).internal_kv_get(*CLUSTER)
        differs = difference(json.loads(told), ray.__version__, platform.python_version())
        if differs is not None:
            raise Refused(differs)
        ray.init(
            address=address,
            namespace=namespace,
            log_to_driver=False,
            configure_logging=False,
            runtime_env={},
        )
    except ray.exceptions.AuthenticationError:
        raise Refused(
            f"the Ray cluster at {address} refuses the token: RAY_AUTH_MODE=token and the same "
            "RAY_AUTH_TOKEN (or RAY_AUTH_TOKEN_PATH) are needed on every machine and for the bot"
        ) from None
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        why = " ".join(str(error).split())[:300]
        raise Refused(f"the Ray cluster at {address} cannot be used: {why}") from error


def difference(cluster: dict[str, str], ray_version: str, python_version: str) -> str | None:
    """Return a line that names the version that differs from the cluster's, None if none does."""
    for what, theirs, ours in (
        ("Ray", cluster["ray_version"], ray_version),
        ("Python", cluster["python_version"], python_version),
    ):
        if theirs != ours:
            return f"the Ray cluster runs {what} {theirs}, the bot {ours}: they must be the same"
    return None


def _reach(address: str) -> None:
    """Raise Refused unless something answers at the address, for which Ray would wait minutes."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), ANSWER_S):
            pass
    except (OSError, ValueError) as error:
        raise Refused(f"no Ray cluster answers at {address} ({error}); is `ray start` run?") from (
            error
        )
