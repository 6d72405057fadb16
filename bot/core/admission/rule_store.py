"""What holds in a server and its channels, as its administrators set it."""

import asyncio
import json
import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import delete, select

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

log = logging.getLogger(__name__)

ADDED_LENGTH = 300  # of the negative prompt that is always added
LARGEST_SIDE = (64, 8192)  # an upscale is up to four times as large as a drawing
PICTURES_PER_DAY = (0, 10_000)
SECONDS_PER_DAY = (1, 86_400)
RUNNING_AT_ONCE = (1, 64)
MOST_ROLES = MENU_OPTIONS  # as many as can be picked at once


class Strictness(StrEnum):
    """What becomes of pictures that are probably not safe for work."""

    ALLOW = "allow"
    SPOILER = "spoiler"  # whoever wants to see them clicks
    REFUSE = "refuse"  # hidden above one score, not shown at all above another


def _roles(field: str, value: Any) -> tuple[int, ...]:  # noqa: ANN401
    ids = tuple(value) if isinstance(value, list | tuple) else ()
    if not 1 <= len(ids) <= MOST_ROLES or any(type(one) is not int for one in ids):
        raise InvalidRequest(field, say("bound-roles", most=str(MOST_ROLES)))
    return ids


def _strictness_elsewhere(field: str, value: Any) -> Any:  # noqa: ANN401
    if value == Strictness.ALLOW:
        raise InvalidRequest(field, say("bound-strictness"))
    return OneOf(Strictness).check(field, value)


# Each field of a place's own, and what it may be.
CHECKS: Mapping[str, Check] = {
    "allowed": Truth().check,
    "allowed_roles": _roles,
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
    """Return every field that a place can say, in the order in which they are shown."""
    return (*(option.field for option in with_defaults(Layer.PLACE)), *CHECKS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is said in one place; None says nothing there, so that what is around it holds.

    ``options`` are the place's defaults. ``allowed`` tells whether the place may be used, and
    ``allowed_roles`` by whom. ``max_side`` is in pixels, of enlarged pictures too. A quota is for
    each person, in the whole server, and a day is UTC's: pictures asked for, and seconds of the
    device's time. ``running_at_once`` holds jobs of a person back. ``negative_prompt`` is added to
    everybody's. ``age_restricted`` is what
    becomes of doubtful pictures in channels with Discord's age restriction, ``elsewhere`` in all
    others; from which score on (0 to 1) say ``spoiler_above`` and ``refuse_above``. Refused ones
    are stored for moderators with ``keep_refused``.
    """

    options: ImageOptions = field(default_factory=ImageOptions)
    allowed: bool | None = None
    allowed_roles: tuple[int, ...] | None = None
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
        """The bounds of options, by the options' fields."""
        bounds = (("steps", self.max_steps), ("count", self.max_count))
        return {option: most for option, most in bounds if most is not None}

    def said(self) -> dict[str, Any]:
        """Return what it says, by field, its options' defaults among the others."""
        own = {name: getattr(self, name) for name in CHECKS}
        return {**self.options, **{name: one for name, one in own.items() if one is not None}}

    def changed(self, changes: Mapping[str, Any]) -> "Rules":
        """Return it with changes by field, None to take one back; raises InvalidRequest."""
        own = {name: value for name, value in changes.items() if name in CHECKS}
        options = {name: value for name, value in changes.items() if name not in CHECKS}
        return replace(self, options=self.options.changed(options), **own)

    def over(self, around: "Rules") -> "Rules":
        """Return what holds in this place, where ``around`` holds around it."""
        return around.changed(self.said())

    def to_json(self) -> str:
        """Return what it says as JSON."""
        return json.dumps(self.said())

    @classmethod
    def from_json(cls, text: str) -> tuple["Rules", list[InvalidRequest]]:
        """Return what was written, and what is wrong with the values that are left out of it.

        Fields that only a newer version knows are ignored.
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
        """Return above which scores a picture is hidden and not shown at all, None for never.

        The stricter ones hold where it is not known whether the place is ``age_restricted``.
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
    """The rules table. All of it is kept in memory: every command asks, and hardly any changes it.

    `load` comes before anything else.
    """

    texts: ClassVar = {"rules": {"rules": Fate.STAYS}}

    def __init__(self, database: Database) -> None:
        self._database = database
        self._said: dict[int, dict[int, Rules]] = defaultdict(dict)
        self._changing = asyncio.Lock()
        self._listeners: list[Callable[[], None]] = []

    def on_change(self, listener: Callable[[], None]) -> None:
        """Tell a listener when something that holds has changed."""
        self._listeners.append(listener)

    async def load(self) -> None:
        """Read every server's rules; values that cannot be are named in the log and left out."""
        self._said.clear()
        async with self._database.read() as session:
            for row in await session.scalars(select(RulesRow)):
                rules, wrong = Rules.from_json(row.rules)
                for error in wrong:
                    log.warning("server %d, place %d: %s", row.guild_id, row.channel_id, error)
                self._said[row.guild_id][row.channel_id] = rules

    def said(self, guild_id: int, channel_id: int = WHOLE_SERVER) -> Rules:
        """Return what is said in a server, or in one channel of it."""
        return self._said.get(guild_id, {}).get(channel_id, NOTHING_SAID)

    def channels(self, guild_id: int) -> Mapping[int, Rules]:
        """Return what is said in a server's channels, by their ids."""
        places = self._said.get(guild_id, {})
        return {place: rules for place, rules in places.items() if place != WHOLE_SERVER}

    def hold(self, guild_id: int | None, channel_ids: Sequence[int] = ()) -> Rules:
        """Return what holds in a channel; for a thread, ``channel_ids`` has the one around it last.

        In direct messages what is built in holds.
        """
        rules = BUILT_IN
        if guild_id is not None:
            for place in (WHOLE_SERVER, *reversed(channel_ids)):
                rules = self.said(guild_id, place).over(rules)
        return rules

    async def forget(self, guild_id: int, channel_id: int) -> None:
        """Drop what was said in a channel that is no more; raises StoreBusy."""
        async with self._changing:
            if channel_id not in self.channels(guild_id):
                return
            here = (RulesRow.guild_id == guild_id, RulesRow.channel_id == channel_id)
            async with self._database.write() as session:
                await session.execute(delete(RulesRow).where(*here))
            del self._said[guild_id][channel_id]
        self._changed()

    async def change(self, changes: Mapping[int, Mapping[str, Any]], entry: NewAuditEntry) -> None:
        """Change fields in places of the entry's server, by channel id, and write down who did.

        None takes a field back. Raises InvalidRequest, naming the field and its bound, and
        StoreBusy; then nothing has changed.
        """
        async with self._changing:
            changed = {
                place: self.said(entry.guild_id, place).changed(fields)
                for place, fields in changes.items()
            }
            async with self._database.write() as session:
                for place, rules in changed.items():
                    row = RulesRow(
                        guild_id=entry.guild_id,
                        channel_id=place,
                        rules=rules.to_json(),
                        changed_by=entry.moderator_id,
                        changed_at=datetime.now(UTC),
                    )
                    await session.merge(row)
                session.add(entry.row())
            self._said[entry.guild_id].update(changed)
        self._changed()

    def _changed(self) -> None:
        for listener in self._listeners:
            listener()
