"""Two years of synthetic jobs of a busy bot: servers of very different sizes, people, words."""

import itertools
import random
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.db.records import Kind, Status, Words
from bot.db.search.search_words import searchable
from bot.options.stored import to_json
from generation.request import GenerationRequest, Sampler

GUILDS, PEOPLE, VOCABULARY = 50, 20_000, 40_000
START, SPAN_S = datetime(2024, 1, 1, tzinfo=UTC), 2 * 365 * 86400
CHECKPOINTS = tuple(f"checkpoint-{number}" for number in range(12))
SYLLABLES = (
    "ba ber ca cor dra del el fan fi ga gon hal in jo ka lan lo ma mer ni nor or pa per qui ra ri"
    " sa ser ta ter tion ul va ver wa wi xa ya zo ing est al ous ful er ed ly the st"
)
COLUMNS = (
    "kind status interaction_id person_id person_name channel_id guild_id message_id request"
    " checkpoint num_images"
    " folded_words flagged fair_start device_seconds asked_at queued_at started_at ended_at"
)


def zipf(count: int, exponent: float = 1.0) -> list[float]:
    """Return cumulative weights of a Zipf distribution, the most frequent first."""
    return list(itertools.accumulate(1 / rank**exponent for rank in range(1, count + 1)))


@dataclass(slots=True)
class World:
    """Servers, people and words, the most frequent first; deterministic by seed."""

    rng: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311
    guilds: list[int] = field(default_factory=list)
    people: list[int] = field(default_factory=list)
    homes: list[list[int]] = field(default_factory=list)  # two servers per person
    words: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        rng = self.rng
        self.guilds = [rng.getrandbits(60) for _ in range(GUILDS)]
        self.people = [rng.getrandbits(60) for _ in range(PEOPLE)]
        sizes = zipf(GUILDS, 1.1)
        self.homes = [rng.choices(self.guilds, cum_weights=sizes, k=2) for _ in self.people]
        self.homes[0][0] = self.guilds[0]  # the heaviest user is in the largest server
        words: dict[str, None] = {}
        syllables = SYLLABLES.split()
        while len(words) < VOCABULARY:
            word = "".join(rng.choices(syllables, k=rng.choice((1, 2, 2, 3, 3, 4))))
            if len(word) > 2:
                words[word] = None
        self.words = list(words)

    def rows(self, count: int) -> Iterator[tuple[object, ...]]:
        """Yield this many jobs' columns, oldest first."""
        rng = self.rng
        often, unwanted, common = zipf(VOCABULARY), zipf(60), zipf(len(CHECKPOINTS))
        asks = zipf(PEOPLE, 0.9)
        for number in range(count):
            asked = START + timedelta(seconds=number * SPAN_S / count)
            moment = asked.replace(tzinfo=None).isoformat(" ")
            person = rng.choices(range(PEOPLE), cum_weights=asks)[0]
            words = rng.choices(self.words, cum_weights=often, k=rng.randint(4, 25))
            avoided = rng.choices(
                self.words[100:160], cum_weights=unwanted, k=rng.choice((0, rng.randint(4, 12)))
            )
            said = Words(" ".join(words), " ".join(avoided))
            request = GenerationRequest(
                prompt=said.prompt,
                negative_prompt=said.negative_prompt,
                checkpoint=rng.choices(CHECKPOINTS, cum_weights=common)[0],
                width=512,
                height=512,
                num_images=4,
                num_inference_steps=25,
                guidance_scale=7.5,
                sampler=Sampler.DPMPP_2M_KARRAS,
                seed=rng.getrandbits(31),
            )
            yield (
                Kind.IMAGINE,
                rng.choices((Status.DONE, Status.FAILED, Status.CANCELLED), (93, 4, 3))[0],
                10**18 + number * 2**22,
                self.people[person],
                f"person {person}",
                7,
                rng.choice(self.homes[person]),
                10**18 + number,
                to_json(request),
                request.checkpoint,
                request.num_images,
                searchable(said),
                "a filter's pattern" if rng.random() < 0.05 else None,
                float(number),
                3.25,
                *[moment] * 4,
            )

    def fill(self, path: Path, count: int) -> None:
        """Write the jobs into a migrated database, with its indexes and triggers active."""
        columns = COLUMNS.split()
        marks = ", ".join("?" * len(columns))
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA cache_size=-500000")
        with connection:
            connection.executemany(
                f"INSERT INTO jobs ({', '.join(columns)}) VALUES ({marks})",  # noqa: S608
                self.rows(count),
            )
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()

    def somebody(self, guild: int) -> int:
        """Return a person with average usage in the server of that size."""
        here = self.guilds[guild]
        at_home = (number for number, homes in enumerate(self.homes) if here in homes)
        return self.people[next(itertools.islice(at_home, 20, None))]
