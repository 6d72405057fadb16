"""A place's rules as set by its administrators: who may generate there, and what."""

from dataclasses import replace

from bot.core.admission.admission import Limits, Wanted
from bot.core.admission.request_context import RequestContext
from bot.core.admission.rule_store import Rules, RuleStore
from bot.core.errors import NotAllowedHere, NotOffered, PlaceClosed, RoleNeeded
from bot.db.records import Kind, NewJob
from bot.texts import say
from generation.errors import InvalidRequest
from generation.request import PROMPT_LENGTH


class PlaceRules:
    """The effective rules; for direct messages and user installs the bot's owner decides."""

    def __init__(self, rules: RuleStore, limits: Limits) -> None:
        self._rules = rules
        self._limits = limits

    def holding(self, context: RequestContext) -> Rules:
        """Return the effective rules where the request is made."""
        return self._rules.hold(context.origin.guild_id, context.channel_ids)

    async def check(self, context: RequestContext, _: Wanted) -> None:
        """Raise the JobError that forbids this place to everybody, or to this person."""
        guild_id = context.origin.guild_id
        if context.missing_permissions:
            raise NotAllowedHere(context.missing_permissions)
        if context.origin.guest and not self._limits.user_installs:
            raise NotOffered(say("error-no-user-installs"))
        if guild_id is None:
            if not (self._limits.direct_messages or context.origin.guest):
                raise NotOffered(say("error-no-direct-messages"))
            return
        rules = self.holding(context)
        if not rules.allowed:
            channels = self._rules.channels(guild_id)
            open_ids = [one for one, said in channels.items() if said.allowed][: PlaceClosed.shown]
            raise PlaceClosed([one for one in open_ids if (await context.eyes.view(one)).reads])
        if rules.allowed_roles is not None and context.role_ids.isdisjoint(rules.allowed_roles):
            raise RoleNeeded(rules.allowed_roles)

    def adapt(self, new_job: NewJob, context: RequestContext) -> NewJob:
        """Return the new job adapted to the rules of its place.

        Raises InvalidRequest, naming the field and its limit there.
        """
        rules = self.holding(context)
        _check_bounds(new_job, rules)
        spoiler_above, refuse_above = rules.thresholds(age_restricted=context.age_restricted)
        request = new_job.request
        if rules.negative_prompt is not None and new_job.kind is not Kind.UPSCALE:
            added = _added(request.negative_prompt, rules.negative_prompt)
            if added != request.negative_prompt:
                new_job = replace(new_job, typed=new_job.words)
            request = replace(request, negative_prompt=added)
        return replace(
            new_job,
            request=request,
            spoiler_above=spoiler_above,
            refuse_above=refuse_above,
            keep_refused=bool(rules.keep_refused),
        )


def _check_bounds(new_job: NewJob, rules: Rules) -> None:
    """Raise InvalidRequest if a new job exceeds a limit; an upscale has no steps."""
    request = new_job.request
    if rules.max_side is not None and max(new_job.size) > rules.max_side:
        raise InvalidRequest("size", say("bound-side", most=str(rules.max_side)))
    if new_job.kind is Kind.UPSCALE:
        return
    for field, value, most in (
        ("steps", request.num_inference_steps, rules.max_steps),
        ("count", request.num_images, rules.max_count),
    ):
        if most is not None and value > most:
            raise InvalidRequest(field, say("bound-most", most=str(most)))


def _added(negative_prompt: str, always: str) -> str:
    """Return a negative prompt with the server's own added, once."""
    if always in negative_prompt:
        return negative_prompt
    room = PROMPT_LENGTH - len(always) - len(", ")
    if len(negative_prompt) > room:
        raise InvalidRequest("negative_prompt", say("bound-negative", most=str(room)))
    return ", ".join(filter(None, (negative_prompt, always)))
