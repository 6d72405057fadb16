"""Cards of a place's effective rules and their sources."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import discord

from bot.core.admission.configuration import (
    LISTS,
    WHOLE_SERVER_ONLY,
    Configuration,
    Held,
    Place,
    Source,
)
from bot.core.quotas.quotas import QuotaStatus
from bot.db.records import WHOLE_SERVER, Allowance
from bot.options.registry import OPTIONS, Layer, with_defaults
from bot.options.values import Truth
from bot.texts import all_of, say
from bot.texts.inert import cut, inert

GROUPS: Mapping[str, Sequence[str]] = {
    "access": ("allowed", "allowed_roles"),
    "loras": ("allowed_loras", "forbidden_loras"),
    "defaults": (),  # of every option that has some
    "bounds": ("max_steps", "max_count", "max_side"),
    "quota": ("pictures_per_day", "seconds_per_day", "running_at_once"),
    "safety": ("age_restricted", "elsewhere", "spoiler_above", "refuse_above", "keep_refused"),
    "negative": ("negative_prompt",),
}
CHANNELS_SHOWN = 20
WORDS_SHOWN = 900  # of the 1,024 characters of an embed's field
NAMES_SHOWN = 400  # of a list of names


def card(configuration: Configuration, place: Place) -> discord.Embed:
    """Return every rule of a place, grouped by the commands that set them."""
    held = configuration.held(place)
    server = place.channel_id == WHOLE_SERVER
    where = say("config-server") if server else f"<#{place.channel_id}>"
    embed = discord.Embed(description=say("config-card", where=where))
    defaults = {"defaults": [option.field for option in with_defaults(Layer.PLACE)]}
    for group, fields in {**GROUPS, **defaults}.items():
        lines = [
            _line(field, held.get(field))
            for field in fields
            if server or field not in WHOLE_SERVER_ONLY
        ]
        if group == "access" and server:
            lines.append(_channels(configuration.open_channels(place.guild_id)))
        text = "\n".join(filter(None, lines))
        if text:
            embed.add_field(name=f"/config {group}", value=text, inline=False)
    return embed


def _line(field: str, held: Held | None) -> str:
    if held is None:
        return f"`{field}` " + say("config-not-set")
    value = shown(field, held.value)
    match held.source:
        case Source.HERE:
            return f"`{field}` **{value}**"
        case Source.CHANNEL:
            return f"`{field}` {value} " + say("config-from-channel")
        case Source.SERVER:
            return f"`{field}` {value} " + say("config-from-server")
        case Source.BUILT_IN:
            return f"`{field}` {value} " + say("config-built-in")


def value_line(field: str, value: Any) -> str:  # noqa: ANN401
    """Return the line of one of a person's defaults."""
    return f"`{field}` " + (
        say("config-not-set") if value is None else f"**{shown(field, value)}**"
    )


def standing_line(quota_status: QuotaStatus) -> str:
    """Return a person's status with a server's quota, on one line."""
    used, limit = quota_status.used.pictures, quota_status.pictures
    line = say("quota-free", used=used)
    if limit is not None:
        line = say("quota-used", used=used, limit=limit)
    if quota_status.seconds is not None:
        spent = round(quota_status.used.seconds)
        line += " · " + say("quota-seconds", used=spent, limit=quota_status.seconds)
    return line + " · " + say("quota-day", back=f"<t:{int(quota_status.ends_at.timestamp())}:R>")


def allowance_lines(held: Allowance, today: date) -> Sequence[str]:
    """Return a person's allowances, as far as they apply today."""
    lines = []
    if held.pictures_per_day is not None:
        lines.append(say("allowance-daily", pictures=held.pictures_per_day))
    if held.extra_on == today:
        lines.append(say("allowance-extra", pictures=held.extra))
    if held.counted_from is not None and held.counted_from.date() == today:
        moment = f"<t:{int(held.counted_from.timestamp())}:t>"
        lines.append(say("allowance-from", moment=moment))
    return lines or [say("allowance-none")]


def shown(field: str, value: Any) -> str:  # noqa: ANN401
    """Return a value for display, with pings and markup escaped."""
    if field == "allowed_roles":
        return all_of(f"<@&{role}>" for role in value)
    if field in LISTS:
        return cut(all_of(map(inert, value)), NAMES_SHOWN) if value else say("config-none")
    if field in ("age_restricted", "elsewhere"):
        return say(f"strictness.{value}")
    if field in OPTIONS:
        return str(OPTIONS[field].value.said(value))
    if isinstance(value, bool):
        return Truth().show(value)
    return f"{value:g}" if isinstance(value, float) else inert(str(value), WORDS_SHOWN)


def _channels(open_ids: Sequence[int]) -> str:
    if not open_ids:
        return ""
    names = [f"<#{one}>" for one in open_ids[:CHANNELS_SHOWN]]
    if (more := len(open_ids) - CHANNELS_SHOWN) > 0:
        names.append(say("config-more", more=more))
    return say("config-only-in", channels=all_of(names))
