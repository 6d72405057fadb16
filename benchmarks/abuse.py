"""What one hostile message, file or person can cost the bot."""

import asyncio
import contextlib
import io
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import psutil
import re2
from PIL import Image

from benchmarks import Figures
from bot.core.decoding import PROGRAM
from bot.db.database import FILE_NAME
from bot.features.filters import expressions
from bot.features.filters.patterns import MOST_REGEXES
from playground import Interaction, Message, Playground, Upload
from playground.messages.drafts import LOADING

LABELS = {
    "pattern_compile_max_ms": "longest look at a hostile regular expression (ms)",
    "pattern_rss_mb": "memory of the bot for a server full of hostile expressions (MB)",
    "decode_rss_mb_12_at_once": "memory while twelve people send 25 megapixels at once (MB)",
    "refused_rows_60": "rows written for 60 refused wishes of one person in a moment",
    "details_uploads_12": "files posted for 12 clicks on Details of one person in a moment",
}

MB = 1e6
READY_S = 120.0
CHANNEL = "darkroom"
FILES = WORDS = CLICKS = 12
REFUSED = 60
PIXELS = (5000, 5000)
# One of each kind: nested and adjacent repeats, classes, alternatives, and slow matches.
HOSTILE: Sequence[str] = (
    "(?:(?:(?:a{9999}){9999}){9999})%d",
    "a{1000}{1000}%d",
    "a{900}b{900}c{900}d{900}e{900}%d",
    r"\pL{1000}%d",
    r"(?:\pL{0,30}){0,30}%d",
    r"(?i)\w{6}%d",
    r"[\x{0}-\x{10ffff}]{900}%d",
    "(?:a|b|c|d){999}%d",
    "(?:a?){900}a{900}%d",
    "a.{0,400}b.{0,400}c%d",
    "((((((a?)?)?)?)?)?){90}%d",
    "(?:.{0,99}[ab]){4}%d",
    r"\b(?:\w+\W+){3}%d",
)


def run() -> Figures:
    """Compile hostile expressions here, and try everything else on the real bot."""
    compile_ms = max(map(_compile_ms, HOSTILE))
    return {"pattern_compile_max_ms": round(compile_ms, 1), **asyncio.run(_measure())}


def _compile_ms(pattern: str) -> float:
    """Return how long it takes to accept or refuse an expression, the best of three."""
    took = []
    for number in range(3):
        re2.purge()
        begun = time.perf_counter()
        with contextlib.suppress(
            expressions.TooLarge, expressions.Unsupported, expressions.Malformed
        ):
            expressions.read(pattern % number)
        took.append(1000 * (time.perf_counter() - begun))
    return min(took)


async def _measure() -> Figures:
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder)
        async with Playground() as playground, _bot(playground, store) as bot:
            messages = await _pictures(playground)
            details = await _details(playground, messages)
            decode = await _decode(playground, bot)
            rows = await _refused(playground, store)
            patterns = await _patterns(playground, bot, store)
    return {
        "pattern_rss_mb": round(patterns, 1),
        "decode_rss_mb_12_at_once": round(decode, 1),
        "refused_rows_60": rows,
        "details_uploads_12": details,
    }


@asynccontextmanager
async def _bot(playground: Playground, store: Path) -> AsyncIterator[psutil.Process]:
    bot = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        "run",
        env={
            **os.environ,
            **playground.environment,
            "STORE__FOLDER": str(store),
            "GENERATION__ROWS": "8",  # instead of measuring how many pay
            "LOG__LEVEL": "ERROR",
        },
    )
    try:
        await playground.ready(READY_S)
        yield psutil.Process(bot.pid)
    finally:
        bot.terminate()
        await bot.wait()


async def _pictures(playground: Playground) -> list[Message]:
    """Generate four pictures for each of several people, so that each has buttons."""
    asked = [
        await playground.slash(
            playground.join(f"artist{number}"), CHANNEL, "imagine", prompt="an apple", steps=1
        )
        for number in range(CLICKS)
    ]
    messages = [await one.response(READY_S) for one in asked]
    await playground.wait_for(
        lambda: all(_button(one, "Details") for one in messages), READY_S, "pictures"
    )
    return messages


def _button(message: Message, label: str) -> bool:
    return any(button.label == label for button in message.buttons)


async def _details(playground: Playground, messages: Sequence[Message]) -> int:
    """Click all Details buttons at once; count the files sent to this person only."""
    person = playground.join("curious")
    before = {one.id for one in playground.messages(CHANNEL, person)}
    asked = [await playground.click(person, one, "Details") for one in messages]
    await _answered(playground, asked)
    got = [one for one in playground.messages(CHANNEL, person) if one.id not in before]
    return sum(len(one.attachments) for one in got)


async def _decode(playground: Playground, bot: psutil.Process) -> float:
    """Let twelve people send a large picture at once; return the peak memory."""
    file = io.BytesIO()
    Image.new("RGBA", PIXELS).save(file, "PNG")
    large = Upload("large.png", file.getvalue())
    before = _memory(bot)
    asked = [
        await playground.slash(
            playground.join(f"sender{number}"), CHANNEL, "imagine", prompt="an apple", image=large
        )
        for number in range(FILES)
    ]
    height = before
    ended = asyncio.create_task(_answered(playground, asked))
    while not ended.done():
        height = max(height, _memory(bot))
        await asyncio.sleep(0.02)
    await ended
    return (height - before) / MB


async def _refused(playground: Playground, store: Path) -> int:
    """Repeat a request that a filter refuses; count the refusals recorded."""
    await _filter(playground, "banana", "refuse")
    person = playground.join("stubborn")
    asked = [
        await playground.slash(person, CHANNEL, "imagine", prompt="a banana")
        for _ in range(REFUSED)
    ]
    await _answered(playground, asked)
    await asyncio.sleep(1)  # notes are written in the background
    return _count(store, "SELECT count(*) FROM refusals WHERE prompt = 'a banana'")


async def _patterns(playground: Playground, bot: psutil.Process, store: Path) -> float:
    """Give a server hostile expressions, as an earlier release allowed; time checks with them."""
    text = ("ab ac ad é " * 100)[:999]
    await _ask(playground, "judge0", text)
    before = bot.memory_info().rss
    guild = _count(store, "SELECT guild_id FROM filters LIMIT 1")
    rows = [(guild, HOSTILE[number % len(HOSTILE)] % number) for number in range(2 * MOST_REGEXES)]
    with closing(sqlite3.connect(store / FILE_NAME, timeout=10)) as connection, connection:
        connection.executemany(
            "INSERT INTO filters (guild_id, pattern, kind, action) "
            "VALUES (?, ?, 'regex', 'refuse')",
            rows,
        )
    await _filter(playground, "apricot", "refuse")  # or the bot would not reload them
    for number in range(1, 6):
        await _ask(playground, f"judge{number}", text)
    return max(0.0, bot.memory_info().rss - before) / MB


async def _ask(playground: Playground, person: str, prompt: str) -> None:
    asked = await playground.slash(playground.join(person), CHANNEL, "imagine", prompt=prompt)
    await _answered(playground, [asked])


async def _filter(playground: Playground, pattern: str, action: str) -> None:
    owner = playground.world.user(playground.world.owner_id)
    options: dict[str, Any] = {"pattern": pattern, "action": action}
    asked = await playground.slash(owner, CHANNEL, "mod filter add", **options)
    await _answered(playground, [asked])


async def _answered(playground: Playground, asked: Sequence[Interaction]) -> None:
    """Wait until every interaction is answered or lost, deferred ones included."""

    def there(one: Interaction) -> bool:
        loading = one.original is not None and one.original.flags & LOADING
        return one.unanswered or (one.took is not None and not loading)

    await playground.wait_for(lambda: all(map(there, asked)), READY_S, "the answers")


def _memory(bot: psutil.Process) -> int:
    """Return the memory in bytes of the bot and its decoder processes."""
    found = bot.memory_info().rss
    for child in bot.children():
        with contextlib.suppress(psutil.NoSuchProcess):
            if PROGRAM in child.cmdline():
                found += child.memory_info().rss
    return found


def _count(store: Path, query: str) -> int:
    with closing(sqlite3.connect(store / FILE_NAME, timeout=10)) as connection:
        return int(connection.execute(query).fetchone()[0])
