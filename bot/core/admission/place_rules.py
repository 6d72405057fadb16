"""The rules of a place, as its administrators set them: who may ask there, and for what."""

from dataclasses import replace

from bot.core.admission.admission import Limits, Wanted
from bot.core.admission.request_context import Asked
from bot.core.admission.rule_store import Rules, RuleStore
from bot.core.errors import NotAllowedHere, NotOffered, PlaceClosed, RoleNeeded
from bot.db.records import Draft, Kind
from bot.texts import say
from generation.errors import InvalidRequest
from generation.request import PROMPT_LENGTH


class PlaceRules:
    """What holds where somebody asks; direct messages and guests are up to the bot's owner."""

    def __init__(self, rules: RuleStore, limits: Limits) -> None:
        self._rules = rules
        self._limits = limits

    def holding(self, asked: Asked) -> Rules:
        """Return what holds where somebody asks."""
        return self._rules.hold(asked.origin.guild_id, asked.channel_ids)

    async def check(self, asked: Asked, _: Wanted) -> None:
        """Raise the JobError that forbids any picture in this place, or any of this person's."""
        guild_id = asked.origin.guild_id
        if asked.missing_permissions:
            raise NotAllowedHere(asked.missing_permissions)
        if asked.origin.guest and not self._limits.user_installs:
            raise NotOffered(say("error-no-user-installs"))
        if guild_id is None:
            if not (self._limits.direct_messages or asked.origin.guest):
                raise NotOffered(say("error-no-direct-messages"))
            return
        rules = self.holding(asked)
        if not rules.allowed:
            channels = self._rules.channels(guild_id)
            open_ids = [one for one, said in channels.items() if said.allowed][: PlaceClosed.shown]
            raise PlaceClosed([one for one in open_ids if (await asked.eyes.view(one)).reads])
        if rules.allowed_roles is not None and asked.role_ids.isdisjoint(rules.allowed_roles):
            raise RoleNeeded(rules.allowed_roles)

    def adapt(self, draft: Draft, asked: Asked) -> Draft:
        """Return the draft as the rules there want it recorded.

        Raises InvalidRequest, naming the field and its bound there.
        """
        rules = self.holding(asked)
        _check_bounds(draft, rules)
        spoiler_above, refuse_above = rules.thresholds(age_restricted=asked.age_restricted)
        request = draft.request
        if rules.negative_prompt is not None and draft.kind is not Kind.UPSCALE:
            added = _added(request.negative_prompt, rules.negative_prompt)
            if added != request.negative_prompt:
                draft = replace(draft, typed=draft.words)
            request = replace(request, negative_prompt=added)
        return replace(
            draft,
            request=request,
            spoiler_above=spoiler_above,
            refuse_above=refuse_above,
            keep_refused=bool(rules.keep_refused),
        )


def _check_bounds(draft: Draft, rules: Rules) -> None:
    """Raise InvalidRequest where a draft is beyond a bound; an upscale takes no steps."""
    request = draft.request
    if rules.max_side is not None and max(draft.size) > rules.max_side:
        raise InvalidRequest("size", say("bound-side", most=str(rules.max_side)))
    if draft.kind is Kind.UPSCALE:
        return
    for field, value, most in (
        ("steps", request.num_inference_steps, rules.max_steps),
        ("count", request.num_images, rules.max_count),
    ):
        if most is not None and value > most:
            raise InvalidRequest(field, say("bound-most", most=str(most)))


def _added(negative_prompt: str, always: str) -> str:
    """Return a negative prompt with the one that is always added, once."""
    if always in negative_prompt:
        return negative_prompt
    room = PROMPT_LENGTH - len(always) - len(", ")
    if len(negative_prompt) > room:
        raise InvalidRequest("negative_prompt", say("bound-negative", most=str(room)))
    return ", ".join(filter(None, (negative_prompt, always)))
