"""What can be picked in a place: what is age-restricted only where Discord asks for an age.

That is in channels which the server marked so; never in direct messages, where nobody asks.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol, TypeVar

from bot.core.admission.admission import Screen
from bot.core.admission.request_context import RequestContext
from bot.core.errors import AgeRestricted
from bot.db.records import NewJob
from generation.catalog import Catalog


class Offer(Protocol):
    """A checkpoint or a style."""

    @property
    def age_restricted(self) -> bool:
        """Whether it is not for everybody's eyes."""


Offered = TypeVar("Offered", bound=Offer)


def offered(everything: Mapping[str, Offered], *, age_restricted: bool | None) -> Iterable[Offered]:
    """Return what may be picked in a place that is ``age_restricted``, or is not."""
    return [one for one in everything.values() if age_restricted or not one.age_restricted]


def in_place(catalog: Catalog, *, age_restricted: bool | None) -> Catalog:
    """Return the catalog as it is in a place that is ``age_restricted``, or is not."""
    return catalog if age_restricted else catalog.for_everybody()


def suited(catalog: Catalog) -> Screen:
    """Return what raises AgeRestricted where what would draw is not for the place.

    It holds for what is made of earlier jobs, too.
    """

    async def screen(new_job: NewJob, context: RequestContext) -> NewJob:
        picked = (
            catalog.checkpoints.get(new_job.request.checkpoint),
            catalog.styles.get(new_job.style or ""),
        )
        for one in picked:
            if one is not None and one.age_restricted and not context.age_restricted:
                raise AgeRestricted(one.name)
        return new_job

    return screen
