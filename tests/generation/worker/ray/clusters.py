"""A Ray cluster of test nodes: each in its own network namespace where this machine allows it.

Elsewhere all are on 127.0.0.1. Every process is ended, and every file removed, by `close`.
"""

import contextlib
import ctypes
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[4]
STORE_BYTES = 80_000_000
CLONE_NEWNET = 0x40000000
AGENTS = ("runtime-env-agent", "dashboard-agent-grpc", "dashboard-agent-listen", "metrics-export")
# Given none, a bridge takes one of its cables' addresses, and another with the next cable.
BRIDGE = "02:00:00:00:00:01"
ATTEMPTS = 3  # to start a node
START_S = 180.0  # that a node may take at most, on a machine with much else to do


def namespaces_allowed() -> bool:
    """Whether this machine lets us lay cables of our own."""
    if sys.platform != "linux" or os.geteuid() or shutil.which("ip") is None:
        return False
    probe = f"drp{os.getpid()}"
    if subprocess.run(["ip", "netns", "add", probe], capture_output=True).returncode:
        return False
    subprocess.run(["ip", "netns", "del", probe], check=True)
    return True


class Cluster:
    """One head without lanes, and nodes by their names, each with one slot."""

    def __init__(self) -> None:
        self.cables = namespaces_allowed()
        self.token = secrets.token_hex(32)
        self.folder = Path(tempfile.mkdtemp(prefix="dr"))  # short: sockets' paths have a limit
        self._tag = f"dr{os.getpid()}"
        self._nodes: dict[str, str] = {}  # the addresses
        self._plugging = threading.Lock()
        self._home: int | None = None  # this process's own network
        if self.cables:
            self._lay_bridge()
        self.host = self._plug("head")
        self.port = 6379 if self.cables else _free_port()
        self.address = f"{self.host}:{self.port}"

    def start(self) -> None:
        """Start the head."""
        self._ray(
            "head",
            "--head",
            f"--port={self.port}",
            "--include-dashboard=false",
            "--num-gpus=0",
            f"--temp-dir={self.folder / 'ray'}",
        )

    def join(self, name: str, python_path: Path = ROOT, token: str = "") -> str:
        """Start a node with a slot; return what `ray start` says. Another token fails it."""
        with self._plugging:  # nodes may join at once, each with an address of its own
            if name not in self._nodes:
                self._nodes[name] = self._plug(name)
        return self._ray(
            name,
            f"--address={self.address}",
            f"--node-name={name}",
            "--num-gpus=0",
            '--resources={"darkroom_slot": 1}',
            python_path=python_path,
            token=token,
        )

    def leave(self, name: str) -> None:
        """Stop a node as `ray stop` does; that it is gone is known at once."""
        leaving = [one for one in self._living(name) if "raylet" in Path(one.exe()).name]
        for raylet in leaving:
            raylet.terminate()
        psutil.wait_procs(leaving, timeout=START_S)
        self._end(name)

    def kill(self, name: str) -> None:
        """Kill all of a node at once, as a power cut does."""
        self._end(name)

    def _end(self, name: str | None = None) -> None:
        """Kill a node's processes, or all."""
        ending = self._living(name)
        for process in ending:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(ending, timeout=START_S)

    def freeze(self, name: str) -> None:
        """Stop everything on a node."""
        for process in self._living(name):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """Let it go on."""
        for process in self._living(name):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)

    def cut(self, name: str) -> None:
        """Pull a node's cable."""
        self._ip("-n", f"{self._tag}head", "link", "set", _cable(name), "down")

    def mend(self, name: str) -> None:
        """Plug it in again."""
        self._ip("-n", f"{self._tag}head", "link", "set", _cable(name), "up")

    def hosts(self, name: str) -> list[psutil.Process]:
        """Return the actors' processes on a node."""
        return [one for one in self._living(name) if "ray::LaneHost" in " ".join(_words(one))]

    def environment(self, token: str = "", python_path: Path = ROOT) -> dict[str, str]:
        """Return what Ray's processes are told."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return kept | {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": token or self.token,
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_gcs_rpc_server_connect_timeout_s": "60",
            "RAY_agent_register_timeout_ms": "300000",
            "RAY_health_check_failure_threshold": "60",  # a node that comes back is let in
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "1",
            "PYTHONPATH": str(python_path),
            "OMP_NUM_THREADS": "1",
            "TMPDIR": str(self.folder),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
        }

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Be on the head's machine: this thread, and what it starts."""
        if not self.cables:
            yield
            return
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            _set_network(Path(f"/var/run/netns/{self._tag}head"))
            yield
        finally:
            _enter(home)
            os.close(home)

    def close(self) -> None:
        """End every process, take up the cables, and remove the files."""
        self._end()
        if self.cables:
            for name in ("head", *self._nodes):
                subprocess.run(["ip", "netns", "del", f"{self._tag}{name}"], capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _ray(self, name: str, *arguments: str, python_path: Path = ROOT, token: str = "") -> str:
        """Run `ray start`, again where a busy machine made it give up."""
        for _ in range(ATTEMPTS):
            code, text = self._ray_start(name, arguments, python_path, token)
            if code == 0 or token:
                return text
            self.kill(name)
        raise RuntimeError(text)

    def _ray_start(
        self, name: str, arguments: tuple[str, ...], python_path: Path, token: str
    ) -> tuple[int, str]:
        inside = ["ip", "netns", "exec", f"{self._tag}{name}"] if self.cables else []
        host = self.host if name == "head" else self._nodes[name]
        with (self.folder / f"{name}.log").open("w+") as said:
            # Its children keep what they are given open, so no pipe.
            code = subprocess.run(
                [
                    *inside,
                    sys.executable,
                    "-m",
                    "tests.generation.worker.ray.start_node",
                    "start",
                    *arguments,
                    f"--node-ip-address={host}",
                    # Ports of its own choice a raylet learns from files, within 15 s or not at all.
                    *(f"--{kind}-port={_free_port()}" for kind in AGENTS),
                    "--num-cpus=0",
                    f"--object-store-memory={STORE_BYTES}",
                    "--disable-usage-stats",
                ],
                env=self.environment(token, python_path)
                | {
                    "DARKROOM_TEST_CLUSTER": str(self.folder),
                    "DARKROOM_TEST_NODE": name,
                    "DISCORD__TOKEN": "of the node's",
                },
                stdout=said,
                stderr=said,
                timeout=START_S,
                cwd=self.folder,
                check=False,
            ).returncode
            said.seek(0)
            text = said.read()
        return code, text

    def _living(self, name: str | None = None) -> list[psutil.Process]:
        """Return the processes of a node, or of all, told by their environment."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                told = process.environ()
                if told.get("DARKROOM_TEST_CLUSTER") == str(self.folder) and (
                    name in (None, told.get("DARKROOM_TEST_NODE"))
                ):
                    found.append(process)
        return found

    def _lay_bridge(self) -> None:
        self._ip("netns", "add", f"{self._tag}head")
        self._ip(
            "-n", f"{self._tag}head", "link", "add", "bridge", "address", BRIDGE, "type", "bridge"
        )
        self._ip("-n", f"{self._tag}head", "addr", "add", "10.77.0.1/24", "dev", "bridge")
        for device in ("bridge", "lo"):
            self._ip("-n", f"{self._tag}head", "link", "set", device, "up")

    def _plug(self, name: str) -> str:
        """Give a node its cable; return its address."""
        if not self.cables:
            return "127.0.0.1"
        if name == "head":
            return "10.77.0.1"
        head, node = f"{self._tag}head", f"{self._tag}{name}"
        address = f"10.77.0.{len(self._nodes) + 2}"
        self._ip("netns", "add", node)
        self._ip(
            "link",
            "add",
            _cable(name),
            "netns",
            head,
            "type",
            "veth",
            "peer",
            "name",
            "eth0",
            "netns",
            node,
        )
        self._ip("-n", head, "link", "set", _cable(name), "master", "bridge")
        self._ip("-n", head, "link", "set", _cable(name), "up")
        self._ip("-n", node, "addr", "add", f"{address}/24", "dev", "eth0")
        for device in ("eth0", "lo"):
            self._ip("-n", node, "link", "set", device, "up")
        return address

    @staticmethod
    def _ip(*arguments: str) -> None:
        subprocess.run(["ip", *arguments], check=True, capture_output=True)


def _cable(name: str) -> str:
    return f"to-{name}"


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _set_network(namespace: Path) -> None:
    descriptor = os.open(namespace, os.O_RDONLY)
    try:
        _enter(descriptor)
    finally:
        os.close(descriptor)


def _enter(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(condition, seconds: float = 60.0) -> None:
    """Wait for a condition; raises TimeoutError."""
    ends = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends:
            raise TimeoutError
        time.sleep(0.05)
