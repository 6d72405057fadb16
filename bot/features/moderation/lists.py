"""Blocks and audit entries as text; nothing here talks to Discord."""

from datetime import datetime

import discord

from bot.db.records import AuditEntry, Block
from bot.texts import say
from bot.texts.inert import inert
from bot.ui.pages.listing import Line

SHOWN = 250  # characters: an embed's description holds 4,096, and a page has ten lines


def block_line(block: Block) -> Line:
    """Return who is blocked, until when, by whom and why."""
    text = say(
        "blocks-line",
        person=str(block.person_id),
        end=end_of(block.until),
        moderator=str(block.by_id),
        made=discord.utils.format_dt(block.made_at, "R"),
    )
    return Line(block.id, text + because(block.reason))


def audit_line(entry: AuditEntry) -> Line:
    """Return who did what, to whom, when, and why."""
    text = say(
        "audit-line",
        id=str(entry.id),
        made=discord.utils.format_dt(entry.made_at, "R"),
        moderator=str(entry.moderator_id),
        action=inert(entry.action),
    )
    if entry.person_id is not None:
        text += f" · <@{entry.person_id}>"
    if entry.job_id is not None:
        text += f" · #{entry.job_id}"
    return Line(entry.id, text + because(entry.detail))


def end_of(until: datetime | None) -> str:
    """Return when a block ends, in each reader's time zone."""
    if until is None:
        return say("block-for-good")
    return say("block-until", time=discord.utils.format_dt(until, "f"))


def because(reason: str) -> str:
    """Return a moderator's reason with markup escaped, or an empty text."""
    return f": {inert(reason, SHOWN)}" if reason.strip() else ""
