"""`darkroom doctor`: checks the installation, one line per finding."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import discord

from bot.connecting import NotLetIn, log_in_once
from bot.db.backups.restoring import examine_backup as examine_files
from bot.db.errors import StoreError
from bot.db.examination import examine as examine_store
from bot.db.private_files import count_open, exposed
from bot.db.replacing import interrupted
from bot.dotenv import FILE
from bot.features.filters.filter_store import stored
from bot.features.filters.patterns import switched_off
from bot.logs import printable
from bot.settings import Settings
from bot.ui.interaction_context import lacking
from bot.ui.trouble import TROUBLE, describe
from generation.catalog import Checkpoint, check_files
from generation.engine.row_profile import read_profiles
from generation.errors import GenerationError
from generation.library.footprint import Footprint, Mode
from generation.library.offers import memory_of, offers
from generation.library.shelf import SHELF, Library
from generation.loading.revisions import COMMIT, RevisionsDamaged, pinned
from generation.options import PROFILES, REVISIONS
from generation.weights import examine as examine_weights
from generation.worker.hardware import Hardware, drawing
from generation.worker.hardware import examine as examine_hardware

GIB, MIB = 2**30, 2**20


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; ``fine`` is False if its owner must act."""

    about: str
    text: str
    fine: bool = True

    def __str__(self) -> str:
        return f"{'ok ' if self.fine else '!! '} {self.about:<12} {printable(self.text)}"


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Check everything Darkroom needs; problems are findings, never errors."""
    hardware, findings = _hardware(settings)
    for finding in findings:
        yield finding
    for finding in _checkpoints(settings, hardware):
        yield finding
    for line in examine_weights():
        yield Finding("weights", line, fine=False)
    for finding in _profiles(settings):
        yield finding
    readable = not interrupted(settings.store.folder)
    async for finding in _store(settings):
        readable = readable and (finding.fine or finding.about != "database")
        yield finding
    if readable:
        for finding in await asyncio.to_thread(_filters, settings):
            yield finding
    for finding in _files(settings):
        yield finding
    async for finding in _discord(settings):
        yield finding


async def examine_backup(source: Path) -> AsyncIterator[Finding]:
    """Read all of a backup; problems are findings, never errors."""
    try:
        found = await asyncio.to_thread(examine_files, source)
    except StoreError as error:
        yield Finding("backup", str(error), fine=False)
        return
    made = f"of {found.head.made_at}, by Darkroom {found.head.version}"
    size = f"{found.files} files, {found.bytes / MIB:.1f} MiB"
    yield Finding("backup", f"{source}: {size}, {made}, whole")
    jobs = f"{found.jobs} jobs, {found.open_jobs} open"
    yield Finding("database", f"revision {found.head.revision}, {jobs}, whole")
    if found.missing:
        missing = f"{found.missing} were missing when it was made"
        yield Finding("pictures", missing, fine=False)
    else:
        yield Finding("pictures", "all present")


def _hardware(settings: Settings) -> tuple[list[Hardware], list[Finding]]:
    """Return the devices that draw, and a line for each."""
    try:
        found = examine_hardware()
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or ["no reason given"])[-1]
        return [], [Finding("device", f"torch does not load: {last}", fine=False)]
    except subprocess.TimeoutExpired as error:
        said = f"torch does not answer within {error.timeout:.0f} s"
        return [], [Finding("device", said, fine=False)]
    there = drawing(found, settings.generation.lanes)
    findings = [
        Finding("device", f"{name}: is in GENERATION__DEVICES, and not there", fine=False)
        if one is None
        else Finding("device", _about(name, one))
        for name, one in there.items()
    ]
    return [one for one in there.values() if one is not None], findings


def _about(name: str, one: Hardware) -> str:
    called = one.device if one.device.startswith(name) else f"{name}, {one.device}"
    return f"{called}, {one.memory_gib} GiB of memory, {one.free_gib} free"


def _checkpoints(settings: Settings, hardware: list[Hardware]) -> Iterator[Finding]:
    chosen = settings.generation
    library = Library(settings.models.paths, settings.store.folder / SHELF)
    shelf = library.look()
    try:
        offered = offers(
            shelf, chosen.catalog, chosen.checkpoint or None, strict=not library.exists
        )
    except GenerationError as error:
        yield Finding("catalog", str(error), fine=False)
        return
    revisions = settings.store.folder / REVISIONS
    for checkpoint in offered.catalog.checkpoints.values():
        is_default = checkpoint.name == offered.catalog.default
        found = _checkpoint(checkpoint, revisions, is_default=is_default)
        if found.fine and hardware:
            needed = [(one, memory_of(checkpoint, shelf, half=one.is_gpu)) for one in hardware]
            found = _with_memory(found, needed)
        yield found
    for folder in offered.catalog.captioners[:1]:
        yield Finding("models", f"{folder.name}: describes pictures, for /describe")
    for folder in offered.catalog.segmenters[:1]:
        yield Finding("models", f"{folder.name}: finds what a mask's words mean, for /edit")
    for note in offered.notes:
        yield Finding("models", note, fine=False)


def _with_memory(found: Finding, needed: list[tuple[Hardware, Footprint | None]]) -> Finding:
    """Say what a checkpoint takes of each device's memory, and how it will run there.

    It must fit one of them; what does not fit others is not drawn there.
    """
    takes: dict[str, list[str]] = {}
    fits = False
    for one, footprint in needed:
        if footprint is None:
            return found
        mode = footprint.mode(int(one.memory_gib * GIB), offloads=one.is_gpu)
        said = f"takes {footprint.whole / GIB:.1f} GiB"
        if mode is Mode.OFFLOADED:
            said += f", here {footprint.offloaded / GIB:.1f} with its text encoders and VAE in turn"
        if mode is Mode.TOO_LARGE:
            said += f", which this device has not: {one.memory_gib:.1f} GiB"
        takes.setdefault(said, []).append(one.name)
        fits |= mode is not Mode.TOO_LARGE
    if len(takes) == 1:
        return Finding(found.about, f"{found.text}; {next(iter(takes))}", fine=fits)
    each = "; ".join(f"on {', '.join(names)} {said}" for said, names in takes.items())
    return Finding(found.about, f"{found.text}; {each}", fine=fits)


def _checkpoint(checkpoint: Checkpoint, revisions: Path, *, is_default: bool) -> Finding:
    name = f"{checkpoint.name} (default)" if is_default else checkpoint.name
    source, config = checkpoint.source, checkpoint.config
    try:
        if checkpoint.changed is None:  # what lies in the folders has been looked at
            check_files(checkpoint)
        if isinstance(source, str):
            where = _on_the_hub(source, checkpoint.revision, revisions)
            return Finding("checkpoint", f"{name}: from the hub, {where}")
        built = ""
        if isinstance(config, str):
            built = f", built as {_on_the_hub(config, None, revisions)}"
    except (GenerationError, RevisionsDamaged) as error:
        return Finding("checkpoint", f"{name}: {getattr(error, 'reason', error)}", fine=False)
    return Finding("checkpoint", f"{name}: found, valid, {source}{built}")


def _on_the_hub(repository: str, revision: str | None, revisions: Path) -> str:
    """Report which commit of a repository is used."""
    commit = pinned(revisions, repository, revision)
    if commit is None or not COMMIT.fullmatch(commit):
        return f"{repository}, not fetched yet: the commit that is fetched first stays"
    return f"{repository}, pinned to {commit}"


def _profiles(settings: Settings) -> list[Finding]:
    file = settings.store.folder / PROFILES
    if not file.exists():
        return [Finding("rows", "not measured yet; the first start measures them")]
    return [
        Finding("rows", f"{place}: {profile.knee} a forward, {profile.rate:.1f} a second")
        for place, profile in read_profiles(file).items()
    ]


def _files(settings: Settings) -> list[Finding]:
    """Report which files others on this machine can read."""
    findings = []
    if exposed(FILE):
        wrong = f"{FILE}: readable by others on this machine; run chmod 600 {FILE}"
        findings.append(Finding("files", wrong, fine=False))
    if count := count_open(settings.store.folder):
        said = f"{settings.store.folder}: {count} can be read by others; the next start mends it"
        findings.append(Finding("files", said))
    return findings


async def _store(settings: Settings) -> AsyncIterator[Finding]:
    if interrupted(settings.store.folder):
        yield Finding("database", "a restore was interrupted; the next start completes it")
        return
    try:
        found = await examine_store(settings.store.folder)
    except (StoreError, OSError) as error:
        yield Finding("database", str(error), fine=False)
        return
    if found is None:
        yield Finding("database", f"{settings.store.folder}: none yet; the first start creates it")
        return
    yield Finding("database", f"{found.path}: {found.jobs} jobs, {found.open_jobs} open, whole")
    if found.missing:
        missing = f"{found.missing} of {found.sampled} checked are missing or cut short"
        yield Finding("pictures", f"{missing}; restore them from a backup", fine=False)
    elif found.sampled:
        yield Finding("pictures", f"{found.sampled} checked, all present")


def _filters(settings: Settings) -> list[Finding]:
    try:
        filters = stored(settings.store.folder)
    except StoreError as error:
        return [Finding("filters", str(error), fine=False)]
    where = {one.id: one.guild_id or "everywhere" for one in filters}
    off = switched_off(filters)
    return [
        Finding("filter", f"{one} ({where[one]}) is switched off: it must be {bound}", fine=False)
        for one, bound in off.items()
    ] or [Finding("filters", f"{len(filters)}, none of them switched off")]


async def _discord(settings: Settings) -> AsyncIterator[Finding]:
    token = settings.discord.token.get_secret_value()
    if not token:
        yield Finding("discord", "DISCORD__TOKEN is missing", fine=False)
        return
    proxy = settings.discord.proxy_for_discord()
    async with discord.Client(intents=discord.Intents.none(), proxy=proxy) as client:
        try:
            await log_in_once(client, token, settings.discord.timeout_s)
        except NotLetIn as refused:
            yield Finding("discord", refused.why, fine=False)
            return
        except TROUBLE as error:
            yield Finding("discord", f"cannot be reached: {describe(error)}", fine=False)
            return
        yield Finding("discord", f"{client.user}")
        try:
            servers = [server async for server in client.fetch_guilds(limit=None)]
        except TROUBLE as error:
            said = f"does not say which servers the bot is in: {describe(error)}"
            yield Finding("discord", said, fine=False)
            return
        for server in servers:
            try:
                yield await _server(client, server.id)
            except TROUBLE as error:
                said = f"{server.name}: cannot be checked: {describe(error)}"
                yield Finding("server", said, fine=False)


async def _server(client: discord.Client, guild_id: int) -> Finding:
    assert client.user is not None  # noqa: S101 - it has logged in
    guild = await client.fetch_guild(guild_id, with_counts=False)
    me = await guild.fetch_member(client.user.id)
    channels = await guild.fetch_channels()
    everywhere = lacking(me.guild_permissions)
    if everywhere:
        return Finding("server", f"{guild.name}: lacks {', '.join(everywhere)}", fine=False)
    places = [
        f"{', '.join(names)} in #{channel.name}"
        for channel in channels
        if isinstance(channel, discord.TextChannel)
        and (names := lacking(channel.permissions_for(me)))
    ]
    if places:
        return Finding("server", f"{guild.name}: lacks {'; '.join(places)}", fine=False)
    return Finding("server", f"{guild.name}: nothing missing")
