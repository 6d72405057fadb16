"""The command line: `darkroom run`, `play`, `doctor` and the others."""

import argparse
import asyncio
import io
import logging
import sys
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bot import logs
from bot.dotenv import FILE
from bot.settings import Settings, SettingsError, load_settings
from bot.stopping import Stopping, on_stop

if TYPE_CHECKING:
    from bot.watching.server import Monitor

log = logging.getLogger(__name__)

# The exit status if Discord would refuse the next attempt too: EX_CONFIG of sysexits.h. The unit in
# docs/operating.md does not restart the bot after it.
NOT_LET_IN = 78

# discord.py, SQLAlchemy and the rest are imported where they are used: the worker process imports
# this module again when it is spawned, and needs none of them.


def main(argv: list[str] | None = None) -> int:
    """Run one command; return the exit status. Errors are one line on standard error."""
    parser = argparse.ArgumentParser(
        prog="darkroom", description="A Discord bot that develops pictures with Stable Diffusion."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="connect to Discord, with the settings in .env")
    play = commands.add_parser("play", help="try the whole bot in a browser: no token, no GPU")
    play.add_argument("--port", type=int, default=8420, help="port of the page (default: 8420)")
    commands.add_parser("migrate", help="upgrade the database to this version")
    checking = commands.add_parser("doctor", help="check the installation, and say what to fix")
    checking.add_argument("backup", type=Path, nargs="?", help="check this backup instead")
    _declare_models(commands)
    backup = commands.add_parser("backup", help="back up everything, even while it runs")
    backup.add_argument("folder", type=Path, help="the folder to create")
    restoring = commands.add_parser("restore", help="put a backup into the data folder")
    restoring.add_argument("backup", type=Path, help="a folder that `darkroom backup` made")
    restoring.add_argument(
        "--replace", action="store_true", help="move aside what the data folder holds"
    )
    chosen = parser.parse_args(argv)

    from bot.db.errors import StoreError
    from bot.db.private_files import keep_private
    from bot.operating.one_bot import BotInUse
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
            from generation.library.offers import Looker

            models, generation = settings.models.paths, settings.generation
            folder = settings.store.folder / "playground"
            look = Looker(models, folder, generation.catalog, generation.checkpoint or None)
            catalog = look().catalog
            return play_until_stopped(chosen.port, folder, catalog[catalog.default])
        if chosen.command == "doctor":
            return asyncio.run(doctor(settings, chosen.backup))
        if chosen.command == "models":
            from bot.model_commands import run as run_models

            return run_models(chosen, settings)
        if chosen.command == "backup":
            from bot.operating.backup_commands import run_backup

            return run_backup(settings.store.folder, chosen.folder)
        if chosen.command == "restore":
            from bot.operating.backup_commands import run_restore

            return run_restore(settings.store.folder, chosen.backup, replace=chosen.replace)
        asyncio.run(migrate(settings))
    except (SettingsError, BotInUse, StoreError, GenerationError) as error:
        print(f"darkroom: {logs.printable(str(error))}", file=sys.stderr)
        return 1
    return 0


def _declare_models(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare `darkroom models` and its arguments."""
    models = commands.add_parser("models", help="list, check, add and remove models")
    actions = models.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="what lies in the folders, and what fits this machine")
    check = actions.add_parser("check", help="read every header and compute every SHA-256")
    check.add_argument("--quick", action="store_true", help="headers only")
    adding = actions.add_parser("add", help="fetch or copy a model into the first folder")
    adding.add_argument("what", help="an https address, a hub id (owner/name[/file]) or a file")
    adding.add_argument("--to", type=Path, help="another folder than the first")
    removing = actions.add_parser("remove", help="remove a model and what lies beside it")
    removing.add_argument("name", help="its name as `list` has it, or its file")
    removing.add_argument("--yes", action="store_true", help="do not ask")


def _speak_plainly() -> None:
    """Print ``?`` for what a console without UTF-8 cannot show; standard error escapes it."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


async def migrate(settings: Settings) -> None:
    """Create the database, or migrate it to this version."""
    from bot.db.database import migrate as migrate_database
    from bot.db.occupancy import occupied
    from bot.db.private_files import tighten

    with occupied(settings.store.folder):
        await asyncio.to_thread(tighten, settings.store.folder)
        await migrate_database(settings.store.folder)


async def doctor(settings: Settings, backup: Path | None = None) -> int:
    """Print what works and what is missing; return 1 if anything needs fixing.

    With a backup, only that is examined.
    """
    from bot.doctor import examine, examine_backup

    point_discord_at(settings)
    fine = True
    async for finding in examine(settings) if backup is None else examine_backup(backup):
        print(finding, flush=True)
        fine = fine and finding.fine
    return 0 if fine else 1


async def run(settings: Settings) -> int:
    """Connect to Discord and serve until SIGTERM or Ctrl-C; return the exit status.

    NOT_LET_IN if Discord would refuse the next attempt too.
    """
    from bot.db.occupancy import occupied
    from bot.db.private_files import exposed
    from bot.operating.one_bot import the_only

    token = settings.discord.token.get_secret_value()
    if not token:
        raise SettingsError("DISCORD__TOKEN: is missing; README.md says where to get one")
    if exposed(FILE):
        log.warning("others on this machine can read %s: chmod 600 %s", FILE, FILE)
    with occupied(settings.store.folder), the_only(token, settings.discord.api_url):
        return await _run(settings)


async def _run(settings: Settings) -> int:
    from bot.connecting import NotLetIn

    point_discord_at(settings)
    stopping = Stopping(settings.generation.drain_s)
    serving = asyncio.create_task(_serve(settings, stopping))
    on_stop(partial(stopping.asked, serving))
    try:
        await serving
    except asyncio.CancelledError:
        return 0
    except NotLetIn as refused:
        print(f"darkroom: {refused}", file=sys.stderr)
        return NOT_LET_IN
    return 0


async def _serve(settings: Settings, stopping: Stopping) -> None:
    """Serve until cancelled, and tell of health and figures if the settings say so."""
    if (listen := settings.monitoring.listen) is None:
        await _serve_on(settings, stopping, None)
        return
    from bot.watching.server import CannotListen, Monitor

    monitor = Monitor(*listen)
    try:
        async with monitor.serving():
            await _serve_on(settings, stopping, monitor)
    except CannotListen as error:
        raise SettingsError(f"MONITORING__ADDRESS: {error}") from None


async def _serve_on(settings: Settings, stopping: Stopping, monitor: "Monitor | None") -> None:
    """Serve until cancelled, rebuilding everything if Discord ends a connection for good."""
    from bot.connecting import FIRST_PAUSE_S, SentAway, wait
    from bot.core.backoff import Pauses
    from bot.db.database import migrate as migrate_database
    from bot.db.patience import outlast, patient
    from bot.db.private_files import tighten

    with patient():  # somebody may have the database open just now
        await asyncio.to_thread(tighten, settings.store.folder)
        await outlast(partial(migrate_database, settings.store.folder))
    pauses = Pauses(FIRST_PAUSE_S, settings.discord.longest_pause_s)
    while True:
        try:
            await _serve_once(settings, stopping, monitor)
        except SentAway as error:
            await wait("Discord", pauses, error)
        else:
            return


async def _serve_once(settings: Settings, stopping: Stopping, monitor: "Monitor | None") -> None:
    from bot import connecting
    from bot.app import build

    app = build(settings, None if monitor is None else monitor.metrics)
    stopping.drains(app.jobs.queue.drain)
    keeping = [
        asyncio.create_task(app.retention.keep_on(), name="retention"),
        asyncio.create_task(app.folders.keep_looking(), name="models' folders"),
    ]
    try:
        await app.executor.start()
        async with app.client:
            with monitor.watching(app) if monitor else nullcontext():
                await connecting.serve(app.client, settings.discord.token.get_secret_value())
    finally:
        app.folders.close()
        for task in keeping:
            task.cancel()
        await asyncio.wait(keeping)
        await app.executor.close()
        await app.database.close()


def point_discord_at(settings: Settings) -> None:
    """Point discord.py at the addresses in the settings; by default Discord's own."""
    import discord
    import yarl

    discord.http.Route.BASE = settings.discord.api_url
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(settings.discord.gateway_url)
    discord.asset.Asset.BASE = settings.discord.cdn_url


if __name__ == "__main__":
    sys.exit(main())
