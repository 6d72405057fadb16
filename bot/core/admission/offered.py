"""What somebody can choose in a place.

Age-restricted entries only where Discord checks ages: in channels the server has marked so, and
never in direct messages, where there is no age check. Checkpoints, LoRAs and embeddings that are
reserved for roles only with one of them, which nobody has outside the server. LoRAs only as the
place's rules allow them.
"""

from collections.abc import Sequence
from dataclasses import replace

from bot.core.admission.admission import Screen
from bot.core.admission.request_context import RequestContext
from bot.core.admission.rule_store import NOTHING_SAID, Rules, RuleStore
from bot.core.errors import AgeRestricted, CheckpointReserved, LoraForbidden
from bot.db.records import Kind, NewJob
from generation.catalog import Catalog
from generation.catalog.adapters import Adapter
from generation.prompts.embeddings import named_in


def in_place(
    catalog: Catalog,
    *,
    age_restricted: bool | None,
    role_ids: frozenset[int],
    rules: Rules = NOTHING_SAID,
) -> Catalog:
    """Return what somebody with these roles can choose in a place with these rules.

    ``age_restricted`` says whether the place is; None if unknown.
    """
    here = catalog.for_person(role_ids, age_restricted=age_restricted is True)
    return replace(here, withheld=rules.withheld(catalog.adapters))


def suited(catalog: Catalog, rules: RuleStore) -> Screen:
    """Return a check that raises what forbids a job's checkpoint, style, LoRAs or embeddings, here.

    That is AgeRestricted, CheckpointReserved or LoraForbidden, or CheckpointUnavailable or
    AdapterUnavailable if the checkpoint or a LoRA is gone and has to be drawn with. It also applies
    to jobs made from earlier ones.
    """

    async def screen(new_job: NewJob, context: RequestContext) -> NewJob:
        request = new_job.request
        checkpoint = catalog.checkpoints.get(request.checkpoint)
        style = catalog.styles.get(new_job.style or "")
        here = in_place(
            catalog,
            age_restricted=context.age_restricted,
            role_ids=context.role_ids,
            rules=rules.hold(context.origin.guild_id, context.channel_ids),
        )
        draws = new_job.kind is not Kind.UPSCALE  # which needs the picture only
        loras = [here.adapter(use.name) for use in request.adapters] if draws else []
        words = _embeddings_of(new_job, catalog) if draws else []
        for one in (checkpoint, style, *loras, *words):
            if one is not None and one.age_restricted and not context.age_restricted:
                raise AgeRestricted(one.name)
        for one in (checkpoint, *loras, *words):
            if one is not None and not one.admits(context.role_ids):
                raise CheckpointReserved(one.name)
        for one in loras:
            if one.name in here.withheld:
                raise LoraForbidden(one.name)
        if checkpoint is None and draws:
            here[request.checkpoint]
        return new_job

    return screen


def _embeddings_of(new_job: NewJob, catalog: Catalog) -> Sequence[Adapter]:
    """Return the embeddings that a job's prompts name, if any are not for everybody everywhere."""
    every = catalog.embeddings
    if not any(one.age_restricted or one.roles for one in every.values()):
        return ()
    prompts = (new_job.request.prompt, new_job.request.negative_prompt)
    return [every[name] for prompt in prompts for name in named_in(prompt, every)]
