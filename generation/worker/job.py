"""A request in the pool, kept in the bot's process so that no worker's end loses it."""

import asyncio
import re
from dataclasses import dataclass, field

from generation.request import (
    Event,
    Failed,
    Finished,
    GenerationRequest,
    Loading,
    Picture,
    Request,
    Started,
    UpscaleRequest,
)

_WORDS = re.compile(r"[\w.-]+")


@dataclass(slots=True, eq=False)
class Job:
    """A request, what has been told of it, and what befell the workers that had it aboard.

    ``key`` grows in the order of arrival. ``aboard_since`` is by the monotonic clock, ``lost_s``
    what crashed workers had spent on it, in seconds.
    """

    key: int
    request: Request
    number: int | None  # its name in the log
    events: asyncio.Queue[Event] = field(default_factory=asyncio.Queue)
    started: bool = False
    forgotten: bool = False
    pictures: set[int] = field(default_factory=set)
    crashes: int = 0
    aboard_since: float = 0.0
    lost_s: float = 0.0
    refused: set[str] = field(default_factory=set)  # by devices whose memory does not hold it
    refusal: Failed | None = None  # what the latest of them said
    cost: float = 0.0  # of the whole request; see `GenerationRequest.cost`
    needs: frozenset[str] = frozenset()  # what it names, in lower case; see `Lacks`

    def __post_init__(self) -> None:
        """Work out once what it costs, and what it needs."""
        self.cost = self.request.cost()
        if isinstance(self.request, GenerationRequest):
            one = self.request
            named = [use.name for use in one.adapters]
            named += [use.name for use in one.controls] + [use.name for use in one.references]
            words = _WORDS.findall(f"{one.prompt} {one.negative_prompt}")  # embeddings, perhaps
            self.needs = frozenset(name.lower() for name in (one.checkpoint, *named, *words))

    @property
    def goes_alone(self) -> bool:
        """Whether it was aboard a crash: then it is replayed with nobody beside it to be harmed."""
        return self.crashes > 0

    @property
    def checkpoint(self) -> str | None:
        """The checkpoint that it needs in memory, if any."""
        return None if isinstance(self.request, UpscaleRequest) else self.request.checkpoint

    def hear(self, event: Event) -> None:
        """Pass an event on, unless an earlier run of this job has already reported it."""
        match event:
            case Loading() if self.started:
                return
            case Started():
                if self.started:
                    return
                self.started = True
            case Picture(index=index):
                if index in self.pictures:
                    return
                self.pictures.add(index)
            case Finished(device_seconds=seconds):
                event = Finished(seconds + self.lost_s)
            case Failed(error=error, device_seconds=seconds):
                event = Failed(error, seconds + self.lost_s)
        self.events.put_nowait(event)
