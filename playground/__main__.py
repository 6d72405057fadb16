"""`python -m playground`: serve until interrupted."""

import argparse
import asyncio
import logging
import os
import signal
import sys
from pathlib import Path

from playground.page.model import Model
from playground.server import DEFAULT_TOKEN, Playground

STOPS = [signal.SIGINT, signal.SIGTERM]
if sys.platform == "win32":
    STOPS.append(signal.SIGBREAK)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="playground", description="A local stand-in for Discord, with a page to play on."
    )
    parser.add_argument("--port", type=int, default=8090, help="0 takes any free port")
    parser.add_argument("--token", default=DEFAULT_TOKEN, help="the bot token to accept")
    parser.add_argument(
        "--model", type=Path, help="a JSON file that says what draws: name, things, words"
    )
    return parser.parse_args()


async def serve(playground: Playground) -> None:
    """Serve until SIGINT or SIGTERM, printing the page's address once it answers."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in STOPS:  # Windows has no loop.add_signal_handler
        signal.signal(number, lambda *_: loop.is_closed() or loop.call_soon_threadsafe(ended.set))
    async with playground:
        print(playground.url, flush=True)
        await ended.wait()


def main() -> int:
    """Run the playground as a program."""
    arguments = _arguments()
    os.umask(0o077)  # what it writes is its owner's alone
    logging.basicConfig(level=logging.WARNING, format="playground: %(message)s")
    try:
        model = arguments.model and Model.read(arguments.model)
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"playground: {arguments.model}: not a model's description: {error}", file=sys.stderr)
        return 1
    try:
        asyncio.run(serve(Playground(port=arguments.port, token=arguments.token, model=model)))
    except OSError as error:
        print(f"playground: port {arguments.port}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
