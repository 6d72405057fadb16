"""Each server's filters: managed by moderators, applied to prompts."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.core.admission.request_context import Actor, RequestContext
from bot.core.errors import NotFilterable, NothingToDo, PromptRefused
from bot.db.records import (
    EVERYWHERE,
    AuditAction,
    Filter,
    FilterAction,
    FilterKind,
    FilterStrictness,
    Kind,
    NewJob,
    Words,
)
from bot.features.filters import patterns
from bot.features.filters.filter_store import FilterStands, FilterStore
from bot.features.filters.matching import PromptVerdict, Screen
from bot.texts import say
from generation.request import STEPS

log = logging.getLogger(__name__)

MOST_FILTERS = 500  # per server; all of them check each prompt
MOST_SCREENS = 200  # compiled screens to keep, the latest ones


class Screening:
    """Keeps each server's compiled filters in memory until they change."""

    def __init__(self, filters: FilterStore) -> None:
        self._filters = filters
        self._screens: dict[int, Screen] = {}
        self._changes = 0
        self._told: set[int] = set()  # filters already logged as disabled
        filters.on_change(self._forget)

    async def add(
        self,
        actor: Actor,
        *,
        pattern: str,
        kind: FilterKind,
        action: FilterAction,
        strictness: FilterStrictness = FilterStrictness.WHOLE,
    ) -> Filter:
        """Add a filter to the actor's server, or EVERYWHERE.

        Raises InvalidRequest, naming the field and its limit, or NotFilterable.
        """
        pattern = pattern.strip()
        await asyncio.to_thread(patterns.check, kind, pattern, strictness)
        guild_id = actor.guild_id or EVERYWHERE
        there = self._filters.of({guild_id})
        if len(there) >= MOST_FILTERS:
            raise NotFilterable(say("error-filters-full", most=MOST_FILTERS))
        if kind is FilterKind.REGEX and not await asyncio.to_thread(_has_room, there, pattern):
            raise NotFilterable(say("error-filters-regex-full", most=patterns.MOST_REGEXES))
        entry = actor.audit_entry(AuditAction.FILTER_ADD, _deed(action, kind, strictness, pattern))
        try:
            added = await self._filters.add(
                entry, pattern=pattern, kind=kind, action=action, strictness=strictness
            )
        except FilterStands:
            raise NotFilterable(say("error-filter-stands")) from None
        return added

    async def remove(self, actor: Actor, filter_id: int) -> Filter:
        """Remove a filter of the actor's server, or EVERYWHERE; raises NothingToDo."""
        found = self._filters.get(filter_id, actor.guild_id or EVERYWHERE)
        if found is not None:
            detail = _deed(found.action, found.kind, found.strictness, found.pattern)
            entry = actor.audit_entry(AuditAction.FILTER_REMOVE, detail)
            if await self._filters.remove(entry, filter_id):
                return found
        raise NothingToDo(say("error-no-filter"))

    async def page(self, guild_id: int, before: int | None, limit: int) -> Sequence[Filter]:
        """Return a server's filters, newest first."""
        return self._filters.page(guild_id, before=before, limit=limit)

    async def switched_off(self, guild_id: int) -> Mapping[int, str]:
        """Return which of a server's filters cannot be used, and what they would have to be."""
        return await asyncio.to_thread(patterns.switched_off, self._filters.of({guild_id}))

    async def judge(
        self,
        guild_id: int | None,
        prompt: str,
        others: Sequence[str] = (),
        steps: int = STEPS[1],
    ) -> PromptVerdict:
        """Return the verdict on a text of the filters in a server, or in direct messages."""
        screen = await self._screen(guild_id or EVERYWHERE)
        return await screen.judge(prompt, others=others, steps=steps)

    async def check(self, guild_id: int | None, prompt: str) -> None:
        """Raise PromptRefused if a prompt is forbidden there."""
        if not (await self.judge(guild_id, prompt)).allowed:
            raise PromptRefused

    async def apply(self, new_job: NewJob, context: RequestContext) -> NewJob:
        """Return a new job with cuts and flags applied; raises PromptRefused.

        An upscale is of a finished picture: its prompt is not cut, but may be refused.
        """
        words, drawn = new_job.words, new_job.request.prompt
        # What is left out is not drawn, but everybody reads it below the pictures.
        others = [drawn] if new_job.left_out is None else [drawn, new_job.left_out]
        steps = new_job.request.steps_taken
        verdict = await self.judge(context.origin.guild_id, words.prompt, others, steps)
        if not verdict.allowed:
            raise PromptRefused
        if verdict.flagged:
            new_job = replace(new_job, flagged="\n".join(map(describe, verdict.flagged)))
        if not verdict.stripped or new_job.kind is Kind.UPSCALE:
            return new_job
        left, *named = verdict.others
        typed = new_job.typed and Words(verdict.prompt, words.negative_prompt)
        out = [piece.text.strip() for piece in verdict.pieces[1] if piece.cut]
        return replace(
            new_job,
            request=replace(new_job.request, prompt=left),
            typed=typed,
            left_out=named[0] if named else None,
            stripped=", ".join(filter(None, out)),
        )

    async def _screen(self, guild_id: int) -> Screen:
        if guild_id not in self._screens:
            changes = self._changes
            filters = self._filters.of({guild_id, EVERYWHERE})
            screen = await asyncio.to_thread(Screen, filters)
            if changes != self._changes:  # changed meanwhile, so what was read is outdated
                return await self._screen(guild_id)
            if new := sorted(screen.off.keys() - self._told):
                self._told.update(new)
                numbers = ", ".join(f"#{one}" for one in new)
                log.warning("filters %s are switched off; /mod filter list says why", numbers)
            self._screens[guild_id] = screen
            while len(self._screens) > MOST_SCREENS:
                del self._screens[next(iter(self._screens))]
            return screen
        return self._screens[guild_id]

    def _forget(self) -> None:
        self._changes += 1
        self._screens.clear()


def _has_room(there: Sequence[Filter], pattern: str) -> bool:
    """Tell whether a server may have one more regular expression beside those in use."""
    total = patterns.Total()
    try:
        off = patterns.switched_off(there)
        for one in there:
            if one.kind is FilterKind.REGEX and one.id not in off:
                total.add(one.pattern)
        total.add(pattern)
    except patterns.TooMany:
        return False
    return True


def _deed(
    action: FilterAction, kind: FilterKind, strictness: FilterStrictness, pattern: str
) -> str:
    how = () if strictness is FilterStrictness.WHOLE else (strictness,)
    return " ".join((action, kind, *how, pattern))


def describe(one: Filter) -> str:
    """Return a filter as moderators refer to it."""
    return f"#{one.id} {one.pattern}"
