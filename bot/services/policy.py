"""Who may ask for what; asked before anything is recorded, so that nothing is refused later."""

import dataclasses
from dataclasses import dataclass, replace

from bot.services.errors import (
    Blocked,
    JobNotFound,
    JobRemoved,
    NotAllowedHere,
    NotOffered,
    NotYours,
    PlaceClosed,
    QueueFull,
    QuotaReached,
    RoleNeeded,
)
from bot.services.quotas import Quotas, Standing
from bot.services.seeing import BLIND, Eyes, is_restricted
from bot.store.audit import Deed
from bot.store.blocks import BlockStore
from bot.store.jobs import NOBODY, JobStore
from bot.store.records import AuditAction, Draft, Job, Kind, Origin
from bot.store.rules import Rules, RuleStore
from bot.texts import say
from generation.errors import InvalidRequest
from generation.request import PROMPT_LENGTH


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for a job, and what holds for them there and then, as Discord told us.

    ``channel_ids`` are the channel and, for a thread, the one around it. ``role_ids`` are the
    person's in this server. ``missing_permissions`` are those that we lack there, as Discord's
    settings call them. Whether the place is ``age_restricted`` may not be known (None). Who asks in
    direct messages with us is ``alone``: nobody else reads there. ``eyes`` are theirs.
    """

    origin: Origin
    missing_permissions: tuple[str, ...] = ()
    channel_ids: tuple[int, ...] = ()
    role_ids: frozenset[int] = frozenset()
    age_restricted: bool | None = False
    alone: bool = False
    eyes: Eyes = dataclasses.field(default=BLIND, compare=False, repr=False)

    @property
    def actor(self) -> "Actor":
        """Who asks, as somebody with no rights but their own."""
        origin = self.origin
        return Actor(origin.person_id, origin.guild_id, moderates=False, eyes=self.eyes)

    def in_private(self) -> "Asked":
        """Return the same, for a job that nobody else sees.

        Only the token writes then, which needs no permission. Where nobody else reads, nothing
        changes: an ordinary message stays for longer than a private answer.
        """
        if self.alone:
            return self
        return replace(self, origin=replace(self.origin, private=True), missing_permissions=())


@dataclass(frozen=True, slots=True)
class Actor:
    """A person who pressed a button or gave a command.

    Whether they moderate or own is about that whole server; ``guild_id`` may be EVERYWHERE. What
    they may do in one channel their ``eyes`` say.
    """

    person_id: int
    guild_id: int | None
    moderates: bool
    owns: bool = False
    eyes: Eyes = dataclasses.field(default=BLIND, compare=False, repr=False)

    def deed(
        self,
        action: AuditAction,
        detail: str,
        *,
        person_id: int | None = None,
        job_id: int | None = None,
    ) -> Deed:
        """Return what they do as moderators, for the audit trail."""
        if self.guild_id is None:
            raise ValueError("nobody moderates direct messages")
        return Deed(
            guild_id=self.guild_id,
            moderator_id=self.person_id,
            action=action,
            detail=detail,
            person_id=None if person_id == NOBODY else person_id,
            job_id=job_id,
        )

    def deed_on(self, job: Job, action: AuditAction, detail: str = "") -> Deed | None:
        """Return what they do to another's job as moderators; None where it is their own."""
        if self.person_id == job.origin.person_id:
            return None
        return self.deed(action, detail, person_id=job.origin.person_id, job_id=job.id)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the owner allows, whatever a server does.

    How many jobs may be open: everybody's together, one person's, and one server's, where None
    is as many as there are places left then. How many pictures, and how much of the device's time,
    one person may have in a day everywhere; None is any. Whether direct messages, and people who
    installed the bot for themselves, may have any.
    """

    waiting: int
    waiting_per_person: int
    waiting_per_server: int | None = None
    pictures_per_day: int | None = None
    seconds_per_day: int | None = None
    direct_messages: bool = True
    user_installs: bool = True


class Policy:
    """The rules of the house."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        blocks: BlockStore,
        limits: Limits,
        rules: RuleStore,
        quotas: Quotas,
    ) -> None:
        self._jobs = jobs
        self._blocks = blocks
        self._limits = limits
        self._rules = rules
        self._quotas = quotas

    async def load(self) -> None:
        """Read what is kept in memory; comes before anything else."""
        await self._jobs.load()
        await self._rules.load()
        await self._blocks.load()
        await self._quotas.load()

    def rules(self, asked: Asked) -> Rules:
        """Return what holds where somebody asks."""
        return self._rules.hold(asked.origin.guild_id, asked.channel_ids)

    def running_at_once(self, guild_id: int | None) -> int | None:
        """Return how many jobs of one person may run at once in a server, if it says so."""
        return self._rules.hold(guild_id).running_at_once

    async def admit(self, asked: Asked, *, jobs: int = 1, pictures: int = 1) -> None:
        """Raise the JobError that forbids so many more jobs, with so many pictures together."""
        self.check_block(asked)
        if asked.missing_permissions:
            raise NotAllowedHere(asked.missing_permissions)
        await self._check_place(asked)
        await self._check_quota(asked, pictures)
        await self._quotas.check_everywhere(
            asked.origin.person_id, asked.origin.asked_at, pictures, self._limits
        )
        # Last, and without a pause before the job is recorded: others are admitted meanwhile.
        person_id = asked.origin.person_id
        waiting, everybodys = self._jobs.waiting_counts(person_id)
        if waiting + jobs > self._limits.waiting_per_person:
            most = self._limits.waiting_per_person
            raise QuotaReached(say("error-waiting", waiting=waiting, asked=jobs, most=most))
        if everybodys + jobs > self._limits.waiting:
            raise QueueFull(say("error-queue-full", waiting=self._limits.waiting))
        theirs = self._jobs.waiting_in(asked.origin.home)
        share = self._limits.waiting_per_server
        if share is None:  # however many servers there are, there is a place for the next one
            share = (self._limits.waiting - everybodys + theirs + 1) // 2
        if theirs + jobs > share:
            raise QueueFull(say("error-queue-share", waiting=theirs))

    def adapt(self, draft: Draft, asked: Asked) -> Draft:
        """Return the draft as the rules there want it recorded.

        Raises InvalidRequest, naming the field and its bound there.
        """
        rules = self.rules(asked)
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

    async def standing(self, asked: Asked) -> Standing | None:
        """Return how the person stands with the server's quota; None in direct messages."""
        origin = asked.origin
        if origin.guild_id is None:
            return None
        return await self._quotas.standing(
            origin.person_id, origin.guild_id, asked.role_ids, origin.asked_at
        )

    async def _check_place(self, asked: Asked) -> None:
        guild_id = asked.origin.guild_id
        if asked.origin.guest and not self._limits.user_installs:
            raise NotOffered(say("error-no-user-installs"))
        if guild_id is None:
            if not (self._limits.direct_messages or asked.origin.guest):
                raise NotOffered(say("error-no-direct-messages"))
            return
        rules = self.rules(asked)
        if not rules.allowed:
            channels = self._rules.channels(guild_id)
            open_ids = [one for one, said in channels.items() if said.allowed][: PlaceClosed.shown]
            raise PlaceClosed([one for one in open_ids if (await asked.eyes.view(one)).reads])
        if rules.allowed_roles is not None and asked.role_ids.isdisjoint(rules.allowed_roles):
            raise RoleNeeded(rules.allowed_roles)

    async def _check_quota(self, asked: Asked, pictures: int) -> None:
        origin = asked.origin
        if origin.guild_id is not None:
            await self._quotas.check(
                origin.person_id, origin.guild_id, asked.role_ids, origin.asked_at, pictures
            )

    def check_block(self, asked: Asked) -> None:
        """Raise Blocked where a person may ask for nothing."""
        origin = asked.origin
        block = self._blocks.holding(origin.person_id, origin.guild_id, origin.asked_at)
        if block is not None:
            raise Blocked(block.reason, block.until)

    async def sees(self, job: Job, actor: Actor) -> bool:
        """Tell whether somebody may see a job from where they are, now.

        In a server these are its jobs that stand where they can read, and age-restricted ones from
        age-restricted places only. Other people's private ones are for its moderators, who need
        not read every channel. In direct messages they are the person's own, from everywhere,
        since private ones may go on there. One whose person had it erased is nobody's any more.
        """
        origin = job.origin
        if actor.guild_id is None or origin.person_id == actor.person_id:
            own = origin.person_id == actor.person_id
            return own and actor.guild_id in (None, origin.guild_id)
        if origin.guild_id != actor.guild_id or origin.person_id == NOBODY:
            return False
        if not actor.eyes.age_restricted and await is_restricted(job, actor.eyes):
            return False
        view = await actor.eyes.view(origin.channel_id)
        return actor.moderates or (view.reads and not origin.private)

    async def visible(self, job_id: int, actor: Actor) -> Job:
        """Return a job that somebody sees; raises JobNotFound, or JobRemoved."""
        job = await self._jobs.get(job_id)
        if job is None or not await self.sees(job, actor):
            raise JobNotFound(say("error-job-unknown"))
        if job.deleted_at is not None:
            raise JobRemoved
        return job

    async def endable(self, job_id: int, actor: Actor) -> Job:
        """Return a job that somebody may end or remove, which it may be already.

        That is who made it, a moderator of its server, also where it is nobody's any more, and who
        manages messages in its very channel, of which a private one has none. Raises NotYours,
        or JobNotFound where they do not see it, either.
        """
        job = await self._jobs.get(job_id)
        if job is not None and await self._may_end(job, actor):
            return job
        if job is None or not await self.sees(job, actor):
            raise JobNotFound(say("error-job-unknown"))
        raise NotYours(say("error-not-yours"))

    async def known(self, job_id: int, actor: Actor) -> Job | None:
        """Return a job that somebody sees or may end, None where there is none such."""
        job = await self._jobs.get(job_id)
        if job is None or await self._may_end(job, actor) or await self.sees(job, actor):
            return job
        return None

    async def _may_end(self, job: Job, actor: Actor) -> bool:
        origin = job.origin
        if origin.person_id == actor.person_id:
            return actor.guild_id in (None, origin.guild_id)
        if actor.guild_id is None or actor.guild_id != origin.guild_id:
            return False
        if actor.moderates:
            return True
        return not origin.private and (await actor.eyes.view(origin.channel_id)).manages


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
