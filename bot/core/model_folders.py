"""The owner's folders of models while the bot runs: looked at every minute, and when asked."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from generation.catalog import Catalog, Offers
from generation.errors import GenerationError
from generation.library.offers import Looker
from generation.library.shelf import LookEnded
from generation.worker.executor import Executor

log = logging.getLogger(__name__)

EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class Change:
    """What a look found: names that are new, gone, and of which the contents or settings changed.

    ``notes`` are about files that are not offered, a line of English each, for the bot's owner.
    """

    new: Sequence[str] = ()
    gone: Sequence[str] = ()
    changed: Sequence[str] = ()
    notes: Sequence[str] = ()

    def __bool__(self) -> bool:
        return bool(self.new or self.gone or self.changed)


class ModelFolders:
    """Keeps the catalog, and the workers' copies of it, as the folders are.

    ``look`` reads them, and blocks; without one the catalog stays as it is. What people have asked
    for stays recorded whatever is found.
    """

    def __init__(self, catalog: Catalog, executor: Executor, look: Looker | None = None) -> None:
        self._catalog, self._executor, self._look = catalog, executor, look
        self._looking = asyncio.Lock()
        self._told: frozenset[str] = frozenset()

    async def refresh(self) -> Change:
        """Look at the folders now, and return what has changed; raises GenerationError.

        The owner's catalog is read again, too. If it is no longer valid, everything stays.
        """
        if self._look is None:
            return Change()
        async with self._looking:
            offers = await asyncio.to_thread(self._look)
            change = _between(self._catalog, offers)
            self.tell(change)
            if self._catalog != offers.catalog:
                self._catalog.become(offers.catalog)
                self._executor.offer()
        return change

    def close(self) -> None:
        """End a look that goes on, so that nothing has to wait for it."""
        if self._look is not None:
            self._look.close()

    async def keep_looking(self) -> None:
        """Refresh every minute until cancelled."""
        while self._look is not None:
            await asyncio.sleep(EVERY_S)
            try:
                await self.refresh()
            except LookEnded:
                return
            except GenerationError as error:
                self.tell(Change(notes=[str(error)]))
            except Exception:
                log.exception("the models' folders could not be read")

    def tell(self, change: Change) -> None:
        """Log what has changed; what is not offered is said once, not every minute."""
        for what, names in (
            ("new", change.new),
            ("changed", change.changed),
            ("gone", change.gone),
        ):
            if names:
                log.info("%s in the models' folders: %s", what, ", ".join(names))
        for note in change.notes:
            if note not in self._told:
                log.warning("%s", note)
        self._told = frozenset(change.notes)


def _between(catalog: Catalog, offers: Offers) -> Change:
    """Return what has changed from a catalog to what is offered now."""
    old, new = _named(catalog), _named(offers.catalog)
    return Change(
        new=[one[1] for one in new if one not in old],
        gone=[one[1] for one in old if one not in new],
        changed=[one[1] for one in new if one in old and new[one] != old[one]],
        notes=offers.notes,
    )


def _named(catalog: Catalog) -> Mapping[tuple[str, str], object]:
    """Return everything that people can name, by its kind and its name."""
    kinds = {
        "checkpoint": catalog.checkpoints,
        "adapter": catalog.adapters,
        "embedding": catalog.embeddings,
    }
    return {(kind, name): one for kind, found in kinds.items() for name, one in found.items()}
