"""What somebody can choose in a place.

Age-restricted entries only where Discord checks ages: in channels the server has marked so, and
never in direct messages, where there is no age check. Checkpoints that are reserved for roles only
with one of them, which nobody has outside the server.
"""

from bot.core.admission.admission import Screen
from bot.core.admission.request_context import RequestContext
from bot.core.errors import AgeRestricted, CheckpointReserved
from bot.db.records import Kind, NewJob
from generation.catalog import Catalog


def in_place(catalog: Catalog, *, age_restricted: bool | None, role_ids: frozenset[int]) -> Catalog:
    """Return what somebody with these roles can choose in a place.

    ``age_restricted`` says whether the place is; None if unknown.
    """
    return catalog.for_person(role_ids, age_restricted=age_restricted is True)


def suited(catalog: Catalog) -> Screen:
    """Return a check that raises what forbids a job's checkpoint or style, here and now.

    That is AgeRestricted, CheckpointReserved, or CheckpointUnavailable if the checkpoint is gone
    and has to be drawn with. It also applies to jobs made from earlier ones.
    """

    async def screen(new_job: NewJob, context: RequestContext) -> NewJob:
        checkpoint = catalog.checkpoints.get(new_job.request.checkpoint)
        style = catalog.styles.get(new_job.style or "")
        for one in (checkpoint, style):
            if one is not None and one.age_restricted and not context.age_restricted:
                raise AgeRestricted(one.name)
        if checkpoint is not None and not checkpoint.admits(context.role_ids):
            raise CheckpointReserved(checkpoint.name)
        if checkpoint is None and new_job.kind is not Kind.UPSCALE:  # it needs the picture only
            here = in_place(
                catalog, age_restricted=context.age_restricted, role_ids=context.role_ids
            )
            here[new_job.request.checkpoint]
        return new_job

    return screen
