"""The composition root and the command line: `darkroom run`, `play`, `doctor` and the others."""

import argparse
import asyncio
import io
import logging
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bot import logs
from bot.config import Settings, SettingsError, load_settings
from bot.dotenv import FILE
from bot.stopping import on_stop

if TYPE_CHECKING:
    from bot.client import DarkroomBot
    from bot.services.retention import Retention
    from bot.store.database import Database
    from generation.worker.executor import LocalExecutor

log = logging.getLogger(__name__)

# The exit status where Discord would refuse us the next time, too: EX_CONFIG of sysexits.h.
# The unit in docs/operating.md does not start us again after it.
NOT_LET_IN = 78

# discord.py, SQLAlchemy and the rest are imported where they are used: the worker process imports
# this module once more when it is spawned, and needs none of them.


def main(argv: list[str] | None = None) -> int:
    """Run one command; return the exit status. What is wrong is one line on standard error."""
    parser = argparse.ArgumentParser(
        prog="darkroom", description="A Discord bot that develops pictures with Stable Diffusion."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="connect to Discord, with the settings in .env")
    play = commands.add_parser("play", help="try the whole bot in a browser: no token, no GPU")
    play.add_argument("--port", type=int, default=8420, help="of the page (default: 8420)")
    commands.add_parser("migrate", help="bring the database to this version")
    commands.add_parser("doctor", help="say what is there, what is missing, and what to mend")
    backup = commands.add_parser("backup", help="write everything to one file, also while it runs")
    backup.add_argument("file", type=Path, help="a new tar file")
    restoring = commands.add_parser("restore", help="put a backup in the place of what is there")
    restoring.add_argument("file", type=Path, help="what `darkroom backup` wrote")
    chosen = parser.parse_args(argv)

    from bot.store.errors import StoreError
    from bot.store.private_files import keep_private
    from generation.errors import GenerationError

    _speak_plainly()
    keep_private()
    try:
        settings = load_settings()
        logs.configure(settings.log.level, settings.log.format)
        if chosen.command == "run":
            return asyncio.run(run(settings))
        if chosen.command == "play":
            from bot.play import play as play_until_stopped
            from generation.catalog import load_catalog

            generation = settings.generation
            catalog = load_catalog(generation.catalog, generation.checkpoint or None)
            folder = settings.store.folder / "playground"
            return play_until_stopped(chosen.port, folder, catalog[catalog.default])
        if chosen.command == "doctor":
            return asyncio.run(doctor(settings))
        if chosen.command in ("backup", "restore"):
            return copy(chosen.command, chosen.file, settings)
        asyncio.run(migrate(settings))
    except (SettingsError, StoreError, GenerationError) as error:
        print(f"darkroom: {logs.printable(str(error))}", file=sys.stderr)
        return 1
    return 0


def _speak_plainly() -> None:
    """Print ``?`` for what a console without UTF-8 cannot show; standard error escapes it."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


async def migrate(settings: Settings) -> None:
    """Create the database, or bring it to this version."""
    from bot.store.database import migrate as migrate_database
    from bot.store.occupancy import occupied
    from bot.store.private_files import tighten

    with occupied(settings.store.folder):
        await asyncio.to_thread(tighten, settings.store.folder)
        await migrate_database(settings.store.folder)


def copy(command: str, file: Path, settings: Settings) -> int:
    """Make a backup, or put one back; say what came of it."""
    from bot.store.backup import back_up, restore

    folder = settings.store.folder
    if command == "backup":
        print(f"{file}: {back_up(folder, file) / 2**20:.1f} MiB")
        return 0
    replaced = restore(folder, file)
    print(f"{folder}: as in {file}")
    if replaced is not None:
        print(f"What was there before lies in {replaced}; remove it when all is well.")
    return 0


async def doctor(settings: Settings) -> int:
    """Print what is there and what is missing; return 1 where something is to be mended."""
    from bot.doctor import examine

    point_discord_at(settings)
    fine = True
    async for finding in examine(settings):
        print(finding, flush=True)
        fine = fine and finding.fine
    return 0 if fine else 1


async def run(settings: Settings) -> int:
    """Connect to Discord and serve until SIGTERM or Ctrl-C; return the exit status.

    It is NOT_LET_IN where Discord would refuse us the next time, too.
    """
    from bot.store.occupancy import occupied
    from bot.store.private_files import exposed

    if not settings.discord.token.get_secret_value():
        raise SettingsError("DISCORD__TOKEN: is missing; README.md says where to get one")
    if exposed(FILE):
        log.warning("others on this machine can read %s: chmod 600 %s", FILE, FILE)
    with occupied(settings.store.folder):
        return await _run(settings)


async def _run(settings: Settings) -> int:
    from bot.connecting import NotLetIn

    point_discord_at(settings)
    serving = asyncio.create_task(_serve(settings))
    on_stop(serving.cancel)
    try:
        await serving
    except asyncio.CancelledError:
        return 0
    except NotLetIn as refused:
        print(f"darkroom: {refused}", file=sys.stderr)
        return NOT_LET_IN
    return 0


async def _serve(settings: Settings) -> None:
    """Serve until cancelled, with all parts made anew where Discord ends a connection for good."""
    from bot.connecting import FIRST_PAUSE_S, SentAway, wait
    from bot.services.pauses import Pauses
    from bot.store.database import migrate as migrate_database
    from bot.store.patience import outlast, patient
    from bot.store.private_files import tighten

    with patient():  # somebody may look into the database just now
        await asyncio.to_thread(tighten, settings.store.folder)
        await outlast(partial(migrate_database, settings.store.folder))
    pauses = Pauses(FIRST_PAUSE_S, settings.discord.longest_pause_s)
    while True:
        try:
            await _serve_once(settings)
        except SentAway as error:
            await wait("Discord", pauses, error)
        else:
            return


async def _serve_once(settings: Settings) -> None:
    from bot import connecting

    bot, executor, database = compose(settings)
    keeping = asyncio.create_task(retention(settings, database).keep_on(), name="retention")
    try:
        await executor.start()
        async with bot:
            await connecting.serve(bot, settings.discord.token.get_secret_value())
    finally:
        keeping.cancel()
        await asyncio.wait([keeping])
        await executor.close()
        await database.close()


def compose(settings: Settings) -> "tuple[DarkroomBot, LocalExecutor, Database]":
    """Put the parts together; nothing runs yet."""
    from bot.client import DarkroomBot
    from bot.cogs import places
    from bot.services.decoding import Decoder
    from bot.services.door import Door
    from bot.services.gallery import Gallery
    from bot.services.granting import Granting
    from bot.services.jobs import JobService
    from bot.services.lookup import Lookup
    from bot.services.moderation import ModerationService
    from bot.services.policy import Limits, Policy
    from bot.services.privacy import Privacy
    from bot.services.quotas import Quotas
    from bot.services.runner import Presenter, Runner
    from bot.services.screening import Screening
    from bot.store.allowances import AllowanceStore
    from bot.store.audit import AuditStore
    from bot.store.blocks import BlockStore
    from bot.store.database import Database
    from bot.store.defaults import DefaultsStore
    from bot.store.examples import ExampleStore
    from bot.store.favourites import FavouriteStore
    from bot.store.filters import FilterStore
    from bot.store.history import History
    from bot.store.jobs import JobStore
    from bot.store.pictures import PictureStore
    from bot.store.refusals import RefusalStore
    from bot.store.rules import RuleStore
    from bot.store.spending import SpendingStore
    from bot.store.uploads import UploadStore
    from bot.store.usage import UsageStore
    from generation.catalog import load_catalog
    from generation.engine.row_profile import PROFILES
    from generation.loading.revisions import REVISIONS
    from generation.options import EngineOptions
    from generation.worker.executor import LocalExecutor

    catalog = load_catalog(settings.generation.catalog, settings.generation.checkpoint or None)
    options = EngineOptions(
        rows=settings.generation.rows,
        deterministic=settings.generation.deterministic,
        compile=settings.generation.compile,
        metadata=settings.generation.metadata,
        safety=settings.generation.safety,
        profiles=settings.store.folder / PROFILES,
        revisions=settings.store.folder / REVISIONS,
    )
    executor = LocalExecutor(
        catalog,
        options,
        tick_timeout_s=settings.generation.tick_timeout_s,
        configure_logs=partial(logs.configure_worker, settings.log.level, settings.log.format),
    )
    database = Database(settings.store.folder)
    jobs = JobStore(database)
    pictures = PictureStore(database, settings.store.folder)
    limits = Limits(
        waiting=settings.limits.waiting,
        waiting_per_person=settings.limits.waiting_per_person,
        waiting_per_server=settings.limits.waiting_per_server,
        pictures_per_day=settings.limits.pictures_per_day,
        seconds_per_day=settings.limits.seconds_per_day,
        direct_messages=settings.limits.direct_messages,
        user_installs=settings.limits.user_installs,
    )
    favourites = FavouriteStore(database)
    uploads = UploadStore(settings.store.folder)
    blocks = BlockStore(database)
    rules = RuleStore(database)
    defaults, allowances = DefaultsStore(database), AllowanceStore(database)
    spending = SpendingStore(database)
    quotas = Quotas(
        jobs=jobs,
        spending=spending,
        rules=rules,
        allowances=allowances,
    )
    policy = Policy(jobs=jobs, blocks=blocks, limits=limits, rules=rules, quotas=quotas)
    screening, refusals = Screening(FilterStore(database)), RefusalStore(database)
    door = Door(policy=policy, screening=screening, refusals=refusals)

    def open_services(presenter: Presenter) -> JobService:
        services = JobService(
            catalog=catalog,
            policy=policy,
            door=door,
            jobs=jobs,
            pictures=pictures,
            defaults=defaults,
            presenter=presenter,
            runner=Runner(jobs=jobs, pictures=pictures, executor=executor, presenter=presenter),
            capacity=lambda: executor.capacity,
            running_per_person=settings.limits.running_per_person,
            decoder=Decoder(),
        )
        executor.on_capacity = rules.on_change = services.fill
        return services

    bot = DarkroomBot(
        open_services,
        gallery=Gallery(
            policy=policy,
            jobs=jobs,
            pictures=pictures,
            favourites=favourites,
            examples=ExampleStore(database),
        ),
        privacy=Privacy(
            jobs=jobs,
            pictures=pictures,
            favourites=favourites,
            blocks=blocks,
            defaults=defaults,
            allowances=allowances,
            refusals=refusals,
            uploads=uploads,
            spending=spending,
        ),
        uploads=uploads,
        moderation=partial(
            ModerationService,
            policy=policy,
            store=jobs,
            pictures=pictures,
            blocks=blocks,
            audit=AuditStore(database),
        ),
        rules=rules,
        defaults=defaults,
        granting=Granting(allowances, quotas),
        screening=screening,
        lookup=Lookup(
            history=History(database),
            jobs=jobs,
            pictures=pictures,
            usage=UsageStore(database),
            audit=AuditStore(database),
        ),
        synced_file=settings.store.folder / "commands.sha256",
        shard_count=None,
        timeout_s=settings.discord.timeout_s,
        longest_pause_s=settings.discord.longest_pause_s,
        proxy=settings.discord.proxy_for_discord(),
        offered=places.offered(
            direct_messages=settings.limits.direct_messages,
            user_installs=settings.limits.user_installs,
        ),
    )
    return bot, executor, database


def retention(settings: Settings, database: "Database") -> "Retention":
    """Put together what removes pictures and words that were kept for long enough."""
    from bot.services.retention import Kept, Retention
    from bot.store.expiry import Expiry
    from bot.store.pictures import PictureStore
    from bot.store.uploads import UploadStore

    return Retention(
        Kept(settings.retention.pictures_days, settings.retention.prompts_days),
        pictures=PictureStore(database, settings.store.folder),
        expiry=Expiry(database),
        uploads=UploadStore(settings.store.folder),
    )


def point_discord_at(settings: Settings) -> None:
    """Send discord.py to the addresses in the settings; they are Discord's own by default."""
    import discord
    import yarl

    discord.http.Route.BASE = settings.discord.api_url
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(settings.discord.gateway_url)
    discord.asset.Asset.BASE = settings.discord.cdn_url


if __name__ == "__main__":
    sys.exit(main())
