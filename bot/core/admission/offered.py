"""What can be chosen in a place: age-restricted entries only where Discord checks ages.

That means channels the server has marked age-restricted, and never direct messages, where there is
no age check.
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
        """Whether it is age-restricted."""


Offered = TypeVar("Offered", bound=Offer)


def offered(everything: Mapping[str, Offered], *, age_restricted: bool | None) -> Iterable[Offered]:
    """Return what can be chosen in a place that is or is not ``age_restricted``."""
    return [one for one in everything.values() if age_restricted or not one.age_restricted]


def in_place(catalog: Catalog, *, age_restricted: bool | None) -> Catalog:
    """Return the part of the catalog available in a place that is or is not ``age_restricted``."""
    return catalog if age_restricted else catalog.for_everybody()


def suited(catalog: Catalog) -> Screen:
    """Return a check that raises AgeRestricted if the checkpoint or style is not allowed here.

    It also applies to jobs made from earlier ones.
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
