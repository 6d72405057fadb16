"""Keeps Discord's copy of the commands in sync."""

import asyncio
import hashlib
import json
import logging
from pathlib import Path
from typing import Any

import discord
from discord import app_commands

from bot.core.backoff import Pauses
from bot.db.errors import StoreError
from bot.db.files import write_whole
from bot.texts import ENGLISH, languages
from bot.ui.trouble import TROUBLE, describe, is_final, retry_after

log = logging.getLogger(__name__)

# Discord accepts 200 new commands per application and day.
TOO_MANY_TODAY, TOO_MANY_TODAY_S = 30034, 3600.0
# Discord creates this command for an application with an Activity; a list without it is refused.
ENTRY_POINT = 4
# The fields of a command that Discord accepts, of all that it returns.
TAKEN = (
    "id",
    "type",
    "name",
    "name_localizations",
    "description",
    "description_localizations",
    "default_member_permissions",
    "dm_permission",
    "contexts",
    "integration_types",
    "nsfw",
    "handler",
)


class Syncing:
    """Sends the command tree to Discord if it differs from Discord's.

    ``synced_file`` remembers what was sent, so that it is resent only after a change. An attempt
    takes at most ``timeout_s``; ``pauses`` are those between attempts.
    """

    def __init__(
        self,
        tree: app_commands.CommandTree[Any],
        translator: app_commands.Translator,
        synced_file: Path,
        *,
        timeout_s: float,
        pauses: Pauses,
    ) -> None:
        self._tree = tree
        self._translator = translator
        self._synced_file = synced_file
        self._timeout_s = timeout_s
        self._pauses = pauses

    async def keep_trying(self) -> None:
        """Sync, retrying while that may help; until then Discord keeps its copy."""
        ours = await self._described()
        while True:
            try:
                async with asyncio.timeout(self._timeout_s):
                    await self._sync(ours)
            except TROUBLE as error:
                full = isinstance(error, discord.HTTPException) and error.code == TOO_MANY_TODAY
                said = (
                    f"the commands are not synced ({describe(error)}); Discord keeps those it has"
                )
                if is_final(error) and not full:
                    log.warning("%s until this is mended and the bot is started again", said)
                    return
                pause = self._pauses.next(TOO_MANY_TODAY_S if full else retry_after(error))
                log.warning("%s; trying again in %.0f s", said, pause)
                await asyncio.sleep(pause)
            else:
                return

    async def _described(self) -> list[dict[str, Any]]:
        await self._tree.set_translator(self._translator)
        if languages() == {ENGLISH}:  # no translations to send
            return [command.to_dict(self._tree) for command in self._tree.get_commands()]
        return [
            await command.get_translated_payload(self._tree, self._translator)
            for command in self._tree.get_commands()
        ]

    async def _sync(self, ours: list[dict[str, Any]]) -> None:
        """Send the commands if Discord's differ; raises what discord.py does."""
        application_id = self._tree.client.application_id or 0
        names = sorted(command["name"] for command in ours)
        text = json.dumps([application_id, ours], sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()
        http: Any = self._tree.client.http  # its own types lack Entry Point commands
        there: list[dict[str, Any]] = await http.get_global_commands(application_id)
        kept = [_taken(one) for one in there if one.get("type") == ENTRY_POINT]
        known = sorted(one["name"] for one in there if one.get("type") != ENTRY_POINT)
        if self._sent() == digest and known == names:
            return
        await http.bulk_upsert_global_commands(application_id, payload=[*ours, *kept])
        log.info("commands synced: %s", ", ".join(names))
        try:
            write_whole(self._synced_file, digest.encode())
        except StoreError as error:
            log.warning("the next start will sync the commands again: %s", error)

    def _sent(self) -> str | None:
        """Return what was last sent, or None if unknown."""
        try:
            return self._synced_file.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            return None


def _taken(command: dict[str, Any]) -> dict[str, Any]:
    """Return one of Discord's commands in the form that keeps it when sent back."""
    taken = {name: command[name] for name in TAKEN if command.get(name) is not None}
    if "default_member_permissions" in taken:
        taken["default_member_permissions"] = int(taken["default_member_permissions"])
    return taken
