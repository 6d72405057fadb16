"""Run in a network of its own: play, draw one picture, print every host name anybody asked for.

``unshare --net --mount python -m tests.wire.systems.isolated FOLDER`` prints JSON:
``{"asked": [names]}``. Nothing but the loopback interface is there, and a name server on it that
knows no name.
"""

import asyncio
import fcntl
import json
import os
import re
import socket
import struct
import subprocess
import sys
from pathlib import Path

import aiohttp

from bot.texts import say

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1  # netdevice(7)
NAME_ERROR = 3  # RFC 1035, 4.1.1
PATIENCE_S = 240


class Names(asyncio.DatagramProtocol):
    """A name server (RFC 1035) that notes what it is asked and knows nothing."""

    def __init__(self) -> None:
        self.asked: set[str] = set()

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        labels, at = [], 12
        while length := data[at]:
            labels.append(data[at + 1 : at + 1 + length].decode("ascii", "replace"))
            at += 1 + length
        self.asked.add(".".join(labels))
        flags = 0x8180 | NAME_ERROR
        self._transport.sendto(
            data[:2] + struct.pack(">5H", flags, 1, 0, 0, 0) + data[12 : at + 5], addr
        )


def bring_up_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(control, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | IFF_UP))


def ask_here(folder: Path) -> None:
    """Let this mount namespace's resolver ask our name server."""
    file = folder / "resolv.conf"
    file.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    real = Path("/etc/resolv.conf").resolve()
    subprocess.run(["mount", "--bind", file, real], check=True)


async def play(folder: Path) -> None:
    """Start ``darkroom play``, ask for a picture as a member does, wait until it is posted."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "play", "--port", "0"),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        printed = b""
        while not (found := re.findall(rb"http://\S+", printed)):
            printed += await process.stdout.readline()
        address = found[0].decode()
        async with aiohttp.ClientSession(address) as session:
            await draw(session)
    finally:
        process.terminate()
        await process.wait()


async def draw(session: aiohttp.ClientSession) -> None:
    place, commands, ready, asked = "", "", False, False
    async with session.ws_connect("/live?as=mia") as live:
        async for message in live:
            news = message.json()
            for channel in news.get("channels", ()):
                place = channel["id"] if channel["name"] == "darkroom" else place
            commands = json.dumps(news.get("commands", commands))
            ready = news.get("bot", news if news["kind"] == "bot" else {}).get("ready", ready)
            if ready and "imagine" in commands and not asked:
                options = {"prompt": "a red apple", "count": 1, "steps": 1}
                orders = {"channel": place, "command": "imagine", "options": options}
                async with session.post("/act/slash?as=mia", json=orders) as answer:
                    assert answer.status == 200, await answer.text()
                asked = True
            if say("button-reroll") in message.data:
                return


async def main(folder: Path) -> None:
    bring_up_loopback()
    ask_here(folder)
    names = Names()
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: names, local_addr=("127.0.0.1", 53))
    async with asyncio.timeout(PATIENCE_S):
        await play(folder)
    print(json.dumps({"asked": sorted(names.asked)}))


if __name__ == "__main__":
    os.environ.setdefault("PYTHONPATH", str(Path(__file__).parents[3]))
    asyncio.run(main(Path(sys.argv[1])))
