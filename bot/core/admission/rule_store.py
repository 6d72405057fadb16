"""The rules of servers and channels, as set by their administrators."""

import asyncio
import json
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert

from bot.core.audit_store import NewAuditEntry
from bot.core.discord_limits import MENU_OPTIONS
from bot.core.personal_data import Fate, PersonalData
from bot.db.database import Database
from bot.db.models import RulesRow
from bot.db.records import WHOLE_SERVER
from bot.options.image_options import ImageOptions, good_of
from bot.options.registry import Layer, with_defaults
from bot.options.values import Check, Number, OneOf, Prompt, Truth, Whole
from bot.texts import say
from generation.errors import InvalidRequest
from generation.request import COUNT, STEPS
from generation.styles import NAME_LENGTH

log = logging.getLogger(__name__)

KEY = ("guild_id", "channel_id")
MOST_HELD = 1000  # places whose effective rules are in memory
ADDED_LENGTH = 300  # of the server's negative prompt
LARGEST_SIDE = (64, 8192)  # an upscale is up to four times the generated size
PICTURES_PER_DAY = (0, 10_000)
SECONDS_PER_DAY = (1, 86_400)
RUNNING_AT_ONCE = (1, 64)
MOST_ROLES = MENU_OPTIONS  # as many as a select menu can hold
MOST_LISTED = 200  # LoRAs that a place allows, or forbids


class Strictness(StrEnum):
    """How pictures that are probably not safe for work are treated."""

    ALLOW = "allow"
    SPOILER = "spoiler"  # shown after a click
    REFUSE = "refuse"  # spoilered above one score, not shown at all above another


def _roles(field: str, value: Any) -> tuple[int, ...]:  # noqa: ANN401
    ids = tuple(value) if isinstance(value, list | tuple) else ()
    if not 1 <= len(ids) <= MOST_ROLES or any(type(one) is not int for one in ids):
        raise InvalidRequest(field, say("bound-roles", most=str(MOST_ROLES)))
    return ids


def _listed(field: str, value: Any) -> tuple[str, ...]:  # noqa: ANN401
    names = tuple(value) if isinstance(value, list | tuple) else (None,)
    fit = all(isinstance(one, str) and 1 <= len(one) <= NAME_LENGTH for one in names)
    if not fit or len(names) > MOST_LISTED:
        raise InvalidRequest(field, say("bound-listed", most=str(MOST_LISTED)))
    return names


def _strictness_elsewhere(field: str, value: Any) -> Any:  # noqa: ANN401
    if value == Strictness.ALLOW:
        raise InvalidRequest(field, say("bound-strictness"))
    return OneOf(Strictness).check(field, value)


# Every field a place can set, and its valid values.
CHECKS: Mapping[str, Check] = {
    "allowed": Truth().check,
    "allowed_roles": _roles,
    "allowed_loras": _listed,
    "forbidden_loras": _listed,
    "max_steps": Whole(*STEPS).check,
    "max_count": Whole(*COUNT).check,
    "max_side": Whole(*LARGEST_SIDE).check,
    "pictures_per_day": Whole(*PICTURES_PER_DAY).check,
    "seconds_per_day": Whole(*SECONDS_PER_DAY).check,
    "running_at_once": Whole(*RUNNING_AT_ONCE).check,
    "negative_prompt": Prompt(1, ADDED_LENGTH).check,
    "age_restricted": OneOf(Strictness).check,
    "elsewhere": _strictness_elsewhere,
    "spoiler_above": Number(0, 1).check,
    "refuse_above": Number(0, 1).check,
    "keep_refused": Truth().check,
}


def rule_names() -> tuple[str, ...]:
    """Return every field a place can set, in display order."""
    return (*(option.field for option in with_defaults(Layer.PLACE)), *CHECKS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules set in one place; None means inherited.

    ``options`` are the place's default options. ``allowed`` says whether the place may be used, and
    ``allowed_roles`` by whom. ``allowed_loras`` are the only LoRAs, by name, that may be used
    there, ``forbidden_loras`` those that may not. ``max_side`` is in pixels and includes upscales.
    A quota is per person, server-wide, and per UTC day: pictures requested, and seconds of device
    time. ``running_at_once`` limits one person's simultaneous jobs. ``negative_prompt`` is added to
    everybody's. ``age_restricted`` says how doubtful pictures are treated in age-restricted
    channels, ``elsewhere`` in all others; ``spoiler_above`` and ``refuse_above`` are the score
    thresholds (0 to 1). With ``keep_refused``, refused pictures are stored for moderators.
    """

    options: ImageOptions = field(default_factory=ImageOptions)
    allowed: bool | None = None
    allowed_roles: tuple[int, ...] | None = None
    allowed_loras: tuple[str, ...] | None = None
    forbidden_loras: tuple[str, ...] | None = None
    max_steps: int | None = None
    max_count: int | None = None
    max_side: int | None = None
    pictures_per_day: int | None = None
    seconds_per_day: int | None = None
    running_at_once: int | None = None
    negative_prompt: str | None = None
    age_restricted: Strictness | None = None
    elsewhere: Strictness | None = None
    spoiler_above: float | None = None
    refuse_above: float | None = None
    keep_refused: bool | None = None

    def __post_init__(self) -> None:
        for name, check in CHECKS.items():
            if (value := getattr(self, name)) is not None:
                object.__setattr__(self, name, check(name, value))

    @property
    def most(self) -> Mapping[str, int]:
        """The limits on options, by field."""
        bounds = (("steps", self.max_steps), ("count", self.max_count))
        return {option: most for option, most in bounds if most is not None}

    def withheld(self, loras: Iterable[str]) -> frozenset[str]:
        """Return those of some LoRAs' names, in any case, that may not be used here."""
        if self.allowed_loras is None and not self.forbidden_loras:
            return frozenset()
        allowed, forbidden = (
            None if names is None else {name.casefold() for name in names}
            for names in (self.allowed_loras, self.forbidden_loras)
        )
        return frozenset(
            name
            for name in loras
            if (allowed is not None and name.casefold() not in allowed)
            or name.casefold() in (forbidden or ())
        )

    def said(self) -> dict[str, Any]:
        """Return the values set here, by field, default options included."""
        own = {name: getattr(self, name) for name in CHECKS}
        return {**self.options, **{name: one for name, one in own.items() if one is not None}}

    def changed(self, changes: Mapping[str, Any]) -> "Rules":
        """Return a copy with changes by field (None resets one); raises InvalidRequest."""
        own = {name: value for name, value in changes.items() if name in CHECKS}
        options = {name: value for name, value in changes.items() if name not in CHECKS}
        return replace(self, options=self.options.changed(options), **own)

    def over(self, around: "Rules") -> "Rules":
        """Return the effective rules, with unset fields inherited from ``around``."""
        return around.changed(self.said())

    def to_json(self) -> str:
        """Return the set values as JSON."""
        return json.dumps(self.said())

    @classmethod
    def from_json(cls, text: str) -> tuple["Rules", list[InvalidRequest]]:
        """Return the rules read from JSON, and the errors of the values that were left out.

        Fields known only to a newer version are ignored.
        """
        said = json.loads(text)
        options, wrong = good_of(said, Layer.PLACE)
        good: dict[str, Any] = {}
        for name, check in CHECKS.items():
            try:
                if said.get(name) is not None:
                    good[name] = check(name, said[name])
            except InvalidRequest as error:
                wrong.append(error)
        return cls(options=options, **good), wrong

    def thresholds(self, *, age_restricted: bool | None) -> tuple[float | None, float | None]:
        """Return the scores above which a picture is spoilered and refused; None for never.

        The stricter thresholds apply if it is unknown whether the place is ``age_restricted``.
        """
        said = {self.age_restricted} if age_restricted else {self.elsewhere}
        if age_restricted is None:
            said.add(self.age_restricted)
        if said == {Strictness.ALLOW}:
            return None, None
        if said <= {Strictness.ALLOW, Strictness.SPOILER}:
            return self.spoiler_above, None
        return self.spoiler_above, self.refuse_above


BUILT_IN = Rules(
    allowed=True,
    age_restricted=Strictness.SPOILER,
    elsewhere=Strictness.REFUSE,
    spoiler_above=0.2,
    refuse_above=0.8,
    keep_refused=True,
)
NOTHING_SAID = Rules()


class RuleStore(PersonalData):
    """The rules table, kept in memory: every command reads it, and changes are rare.

    Call `load` first.
    """

    texts: ClassVar = {"rules": {"rules": Fate.STAYS}}

    def __init__(self, database: Database) -> None:
        self._database = database
        self._said: dict[int, dict[int, Rules]] = defaultdict(dict)
        self._held: dict[tuple[int, ...], Rules] = {}  # what holds in a server's places
        self._changing = asyncio.Lock()
        self._listeners: list[Callable[[], None]] = []

    def on_change(self, listener: Callable[[], None]) -> None:
        """Register a listener for changes of the effective rules."""
        self._listeners.append(listener)

    async def load(self) -> None:
        """Read every server's rules; invalid values are logged and left out."""
        every = select(RulesRow.guild_id, RulesRow.channel_id, RulesRow.rules)
        rows = await self._database.read(lambda connection: connection.execute(every).all())
        self._said.clear()
        self._held.clear()
        for guild_id, channel_id, text in rows:
            rules, wrong = Rules.from_json(text)
            for error in wrong:
                log.warning("server %d, place %d: %s", guild_id, channel_id, error)
            self._said[guild_id][channel_id] = rules

    def said(self, guild_id: int, channel_id: int = WHOLE_SERVER) -> Rules:
        """Return the rules set explicitly in a server or one of its channels."""
        return self._said.get(guild_id, {}).get(channel_id, NOTHING_SAID)

    def channels(self, guild_id: int) -> Mapping[int, Rules]:
        """Return the rules set explicitly in a server's channels, by channel id."""
        places = self._said.get(guild_id, {})
        return {place: rules for place, rules in places.items() if place != WHOLE_SERVER}

    def hold(self, guild_id: int | None, channel_ids: Sequence[int] = ()) -> Rules:
        """Return a channel's effective rules; for a thread, ``channel_ids`` ends with its parent.

        Direct messages have the built-in rules.
        """
        if guild_id is None:
            return BUILT_IN
        places = (guild_id, WHOLE_SERVER, *reversed(channel_ids))
        if places not in self._held:
            rules = BUILT_IN
            for place in places[1:]:
                rules = self.said(guild_id, place).over(rules)
            if len(self._held) >= MOST_HELD:
                self._held.clear()
            self._held[places] = rules
        return self._held[places]

    async def forget(self, guild_id: int, channel_id: int) -> None:
        """Drop the rules of a deleted channel; raises StoreBusy."""
        async with self._changing:
            if channel_id not in self.channels(guild_id):
                return
            here = delete(RulesRow).where(
                RulesRow.guild_id == guild_id, RulesRow.channel_id == channel_id
            )

            def committed(_: int) -> None:
                del self._said[guild_id][channel_id]
                self._changed()

            await self._database.write(
                lambda connection: connection.execute(here).rowcount, committed
            )

    async def change(
        self,
        changes: Mapping[int, Mapping[str, Any] | Callable[[], Mapping[str, Any]]],
        entry: NewAuditEntry,
    ) -> None:
        """Change fields in places of the entry's server, by channel id, and record who did it.

        None resets a field. What depends on the rules before is called for them, with nobody else
        changing them meanwhile. Raises InvalidRequest, naming the field and its limit, or
        StoreBusy; in
        both cases nothing has changed.
        """
        async with self._changing:
            changed = {
                place: self.said(entry.guild_id, place).changed(
                    fields() if callable(fields) else fields
                )
                for place, fields in changes.items()
            }

            def write(connection: Connection) -> None:
                for place, rules in changed.items():
                    values = {
                        "rules": rules.to_json(),
                        "changed_by": entry.moderator_id,
                        "changed_at": datetime.now(UTC),
                    }
                    put = insert(RulesRow).values(
                        guild_id=entry.guild_id, channel_id=place, **values
                    )
                    connection.execute(put.on_conflict_do_update(index_elements=KEY, set_=values))
                entry.write(connection)

            def committed(_: None) -> None:
                self._said[entry.guild_id].update(changed)
                self._changed()

            await self._database.write(write, committed)

    def _changed(self) -> None:
        self._held.clear()
        for listener in self._listeners:
            listener()
