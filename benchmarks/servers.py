"""What a server costs the bot (CPU time): as discord.py keeps it, and as Darkroom has it kept."""

import asyncio
import gc
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import discord
import psutil
from discord.ext import commands

from benchmarks import Figures
from bot.client import lean, stay

SERVERS = 1000
LABELS = {
    "plain_kib": "kept by discord.py (KiB a server)",
    "lean_kib": "kept by Darkroom (KiB a server)",
    "plain_ms": "discord.py (ms a server)",
    "lean_ms": "Darkroom (ms a server)",
    "lean_time_ratio": "Darkroom's time to discord.py's",
    "json_ms": "of it JSON (ms a server)",
    "garbage_ms": "a look for garbage through all of them (ms)",
    "spared_garbage_ms": "the same once they are spared (ms)",
}
ROLES, CHANNELS, OVERWRITES, EMOJI, STICKERS, SOUNDS, EVENTS = 25, 40, 3, 50, 5, 8, 2
ROUNDS = 3  # each counts as its fastest


def run() -> Figures:
    """Take the events of many servers in, in a process of its own each way."""
    measured = {way: [_measure(way) for _ in range(ROUNDS)] for way in ("plain", "lean")}
    fastest = {way: min(one["ms"] for one in rounds) for way, rounds in measured.items()}
    return {
        "plain_kib": min(one["kib"] for one in measured["plain"]),
        "lean_kib": min(one["kib"] for one in measured["lean"]),
        "plain_ms": fastest["plain"],
        "lean_ms": fastest["lean"],
        "lean_time_ratio": round(fastest["lean"] / fastest["plain"], 3),
        "json_ms": min(one["json_ms"] for one in measured["lean"]),
        "garbage_ms": min(one["garbage_ms"] for one in measured["lean"]),
        "spared_garbage_ms": min(one["spared_garbage_ms"] for one in measured["lean"]),
    }


def _measure(way: str) -> dict[str, float]:
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "benchmarks.servers", way, str(SERVERS)],
        check=True,
        capture_output=True,
        text=True,
    )
    measured: dict[str, float] = json.loads(found.stdout.splitlines()[-1])
    return measured


async def _take_in(way: str, servers: int) -> dict[str, float]:
    intents = discord.Intents(guilds=True, guild_messages=True)
    bot = commands.AutoShardedBot((), help_command=None, intents=intents, max_messages=None)
    state: Any = bot._connection  # noqa: SLF001
    state.shard_count, state.shard_ids, state.loop = 1, range(1), asyncio.get_running_loop()
    state.parse_ready(
        {
            "shard": [0, 1],
            "user": _user(),
            "guilds": [],
            "application": {"id": "1", "flags": 0},
        }
    )
    add = state.parsers["GUILD_CREATE"]
    add = lean(add) if way == "lean" else add
    events = [json.dumps(event) for event in _events(servers)]
    stay()
    process = psutil.Process()
    before, reading = process.memory_info().rss, 0.0
    begun = time.process_time()
    for event in events:
        at = time.process_time()
        data = json.loads(event)
        reading += time.process_time() - at
        add(data)
    took = time.process_time() - begun
    kept = process.memory_info().rss - before
    garbage = _collect()
    stay()
    measured = {"ms": 1000 * took / servers, "json_ms": 1000 * reading / servers}
    measured |= {"kib": kept / servers / 1024, "garbage_ms": garbage}
    measured["spared_garbage_ms"] = _collect()
    return {name: round(value, 3) for name, value in measured.items()}


def _collect() -> float:
    """Look for garbage; return how many milliseconds that takes."""
    begun = time.process_time()
    gc.collect()
    return 1000 * (time.process_time() - begun)


def _user() -> dict[str, Any]:
    return {"id": "1", "username": "Darkroom", "discriminator": "0", "avatar": None, "bot": True}


def _events(servers: int) -> Iterator[dict[str, Any]]:
    """Yield GUILD_CREATE of servers of a usual size, with the fields that Discord documents."""
    chance = random.Random(1)  # noqa: S311
    ids = (str(1_100_000_000_000_000_000 + number) for number in range(10**9))
    for _ in range(servers):
        guild_id = next(ids)
        roles = [
            {"id": guild_id if number == 0 else next(ids), "name": f"Role number {number}"}
            | {"color": number, "hoist": False, "icon": None, "unicode_emoji": None, "flags": 0}
            | {"position": number, "permissions": str(chance.getrandbits(48))}
            | {"managed": False, "mentionable": False}
            for number in range(ROLES)
        ]
        channels = [
            {"id": next(ids), "type": 4 if number % 8 == 0 else 0, "name": f"channel-{number}"}
            | {"guild_id": guild_id, "position": number, "nsfw": False, "parent_id": None}
            | {"topic": f"What number {number} is about, said in two sentences or so. " * 2}
            | {"last_message_id": next(ids), "rate_limit_per_user": 0, "flags": 0}
            | {
                "permission_overwrites": [
                    {"id": role["id"], "type": 0, "allow": str(chance.getrandbits(40)), "deny": "0"}
                    for role in roles[:OVERWRITES]
                ]
            }
            for number in range(CHANNELS)
        ]
        yield {
            "id": guild_id,
            "name": "A server",
            "owner_id": next(ids),
            "features": ["COMMUNITY", "NEWS"],
            "preferred_locale": "en-US",
            "joined_at": "2024-01-01T00:00:00+00:00",
            "unavailable": False,
            "member_count": 120,
            "members": [
                {"user": _user(), "roles": [], "joined_at": "2024-01-01T00:00:00+00:00", "flags": 0}
                | {"nick": None, "avatar": None, "deaf": False, "mute": False, "pending": False}
            ],
            "roles": roles,
            "channels": channels,
            "threads": [],
            "voice_states": [],
            "presences": [],
            "stage_instances": [],
            "emojis": [
                {"id": next(ids), "name": f"emoji_{number}", "roles": [], "available": True}
                | {"require_colons": True, "managed": False, "animated": False}
                for number in range(EMOJI)
            ],
            "stickers": [
                {"id": next(ids), "name": f"sticker {number}", "tags": "robot", "type": 2}
                | {"format_type": 1, "description": "One", "available": True, "guild_id": guild_id}
                for number in range(STICKERS)
            ],
            "soundboard_sounds": [
                {"sound_id": next(ids), "name": f"sound {number}", "volume": 1.0, "emoji_id": None}
                | {"emoji_name": None, "guild_id": guild_id, "available": True}
                for number in range(SOUNDS)
            ],
            "guild_scheduled_events": [
                {"id": next(ids), "guild_id": guild_id, "channel_id": None, "name": "Movie night"}
                | {"description": "Come", "scheduled_start_time": "2026-12-01T00:00:00+00:00"}
                | {"scheduled_end_time": None, "privacy_level": 2, "status": 1, "entity_type": 3}
                | {"entity_id": None, "entity_metadata": {"location": "here"}, "image": None}
                for _ in range(EVENTS)
            ],
        }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_take_in(sys.argv[1], int(sys.argv[2])))))
