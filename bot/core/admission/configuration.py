"""A server's rules, as its administrators view and set them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import Any

from bot.core.admission.rule_store import BUILT_IN, Rules, RuleStore
from bot.core.audit_store import NewAuditEntry
from bot.db.records import WHOLE_SERVER, AuditAction
from bot.options.resolve import by_catalog
from generation.catalog import Catalog

WHOLE_SERVER_ONLY = ("pictures_per_day", "seconds_per_day", "running_at_once")


class Listing(StrEnum):
    """What is done with a LoRA in a place's lists."""

    ALLOW = "allow"
    FORBID = "forbid"
    FORGET = "forget"


LISTS = {"allowed_loras": Listing.ALLOW, "forbidden_loras": Listing.FORBID}


class Source(Enum):
    """Where an effective value comes from."""

    HERE = auto()
    CHANNEL = auto()  # of a thread's parent channel
    SERVER = auto()
    BUILT_IN = auto()


@dataclass(frozen=True, slots=True)
class Held:
    """An effective value and its source."""

    value: Any
    source: Source


@dataclass(frozen=True, slots=True)
class Place:
    """A server or one of its channels; ``around`` is a thread's parent channel."""

    guild_id: int
    channel_id: int = WHOLE_SERVER
    around: int | None = None


class Configuration:
    """The service behind /config. Callers must have checked permissions."""

    def __init__(self, rules: RuleStore, catalog: Catalog) -> None:
        self._rules = rules
        self._catalog = catalog

    def held(self, place: Place) -> Mapping[str, Held]:
        """Return the effective values in a place, by field; unset ones are left out."""
        layers = [(Source.BUILT_IN, BUILT_IN), (Source.SERVER, self._rules.said(place.guild_id))]
        if place.around is not None:
            around = self._rules.said(place.guild_id, place.around)
            layers.append((Source.CHANNEL, around))
        layers.append((Source.HERE, self._rules.said(place.guild_id, place.channel_id)))
        held: dict[str, Held] = {}
        for source, rules in layers:
            held |= {field: Held(value, source) for field, value in rules.said().items()}
        return held

    def said(self, place: Place) -> Rules:
        """Return the values set explicitly in this place."""
        return self._rules.said(place.guild_id, place.channel_id)

    def open_channels(self, guild_id: int) -> Sequence[int]:
        """Return the explicitly allowed channels."""
        channels = self._rules.channels(guild_id)
        return [channel_id for channel_id, rules in channels.items() if rules.allowed]

    async def set(self, place: Place, moderator_id: int, **changes: Any) -> None:  # noqa: ANN401
        """Change fields in a place (None resets a field); raises InvalidRequest."""
        changes = by_catalog(self._catalog.for_everybody(), changes)
        entry = _deed(place, moderator_id, changes)
        await self._rules.change({place.channel_id: changes}, entry)

    async def list_lora(self, place: Place, moderator_id: int, listing: Listing, name: str) -> None:
        """Put a LoRA into one of a place's lists and take it off the other, or off both.

        A channel's lists begin with what it inherits. Raises AdapterUnavailable for an unknown one,
        or InvalidRequest if a list is full.
        """
        if listing is not Listing.FORGET or name in self._catalog.adapters:
            name = self._catalog.adapter(name).name

        def changes() -> Mapping[str, Any]:
            held = self.held(place)
            changed: dict[str, Any] = {}
            for field, wanted in LISTS.items():
                before = held[field].value if field in held else ()
                names = tuple(one for one in before if one.casefold() != name.casefold())
                names += (name,) if listing is wanted else ()
                if names != before:
                    # An empty list forbids nothing, whatever the server forbids.
                    keeps = field == "forbidden_loras" and place.channel_id != WHOLE_SERVER
                    changed[field] = names if names or keeps else None
            return changed

        entry = _deed(place, moderator_id, {f"{listing} LoRA": name})
        await self._rules.change({place.channel_id: changes}, entry)

    async def open_only(self, guild_id: int, channel_ids: Sequence[int], moderator_id: int) -> None:
        """Allow only these channels; with none given, allow all that are not forbidden."""
        closed = {one: {"allowed": None} for one in self.open_channels(guild_id)}
        opened = {one: {"allowed": True} for one in channel_ids}
        server = {WHOLE_SERVER: {"allowed": False if channel_ids else None}}
        names = ", ".join(f"<#{one}>" for one in channel_ids) or "all"
        entry = _deed(Place(guild_id), moderator_id, {"allowed channels": names})
        await self._rules.change({**closed, **opened, **server}, entry)


def _deed(place: Place, moderator_id: int, changes: Mapping[str, Any]) -> NewAuditEntry:
    where = "server" if place.channel_id == WHOLE_SERVER else f"<#{place.channel_id}>"
    what = ", ".join(
        f"{field} unset" if value is None else f"{field} {value}"
        for field, value in changes.items()
    )
    return NewAuditEntry(
        guild_id=place.guild_id,
        moderator_id=moderator_id,
        action=AuditAction.CONFIG,
        detail=f"{where}: {what}",
    )
