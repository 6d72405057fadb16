"""Moderators' search and people's own, against a reference in plain Python."""

import random
import re
from collections.abc import Awaitable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest
from alembic import command
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, event

from bot.core.erasing import ERASED, NOBODY, forget
from bot.core.jobs.job_data import JobData
from bot.core.jobs.job_store import JobStore
from bot.core.pictures.picture_store import PictureStore
from bot.db import database as database_module
from bot.db.database import FILE_NAME, Database, migrate
from bot.db.records import Job, Kind, ModSearch, NewJob, Origin, Search, Status, Words
from bot.db.search import job_search as newest
from bot.db.search.search_words import fold, searchable
from bot.features.history.job_history import History
from bot.features.privacy.service import Privacy
from generation.request import GenerationRequest, Sampler
from migrations.upgrading import alembic_config

SERVER, ELSEWHERE = 9, 10
MIA, MAX = 5, 6
START = datetime(2026, 1, 1, tzinfo=UTC)
PROMPTS = (
    ("a red apple", "water"),
    ('Strawberry OR* "quoted" NEAR(pie) words:pie ^-', ""),
    ("ÄPFEL auf dem Tisch, Straße", "unscharf"),
    ("猫の写真 on a red chair", "犬"),
    ("a\nblue   boat; DROP TABLE jobs", "red%_\\"),
    ("ox", "a"),
)
EVERYTHING = ModSearch(guild_id=SERVER)
ALL = 1000


def new_job_of(number: int) -> NewJob:
    prompt, negative_prompt = PROMPTS[number % len(PROMPTS)]
    request = GenerationRequest(
        prompt=prompt,
        negative_prompt=negative_prompt,
        checkpoint=("Emoji", "Photo")[number % 5 == 0],
        width=64,
        height=64,
        num_inference_steps=5,
        guidance_scale=2.5,
        sampler=Sampler.EULER,
        seed=number,
    )
    return NewJob(
        kind=Kind.IMAGINE,
        request=request,
        typed=Words("a red fox", "ox") if number % 8 == 1 else None,
        flagged=None if number % 4 else "look here",
    )


async def record(jobs: JobStore, number: int, request: GenerationRequest | None = None) -> Job:
    origin = Origin(
        interaction_id=number,
        token=None,
        person_id=(MIA, MAX)[number % 3 == 0],
        person_name="somebody",
        channel_id=7,
        guild_id=(SERVER, ELSEWHERE, None)[number % 7 % 3],
        # Within the hour, jobs are recorded in another order than they were asked for.
        asked_at=START + timedelta(hours=number, minutes=random.Random(number).randint(-50, 50)),
    )
    wanted = new_job_of(number) if request is None else replace(new_job_of(number), request=request)
    return await jobs.record(wanted, origin, fair_start=1.0)


@pytest.fixture
async def kept(database: Database) -> list[Job]:
    """Jobs of two people in two servers and in direct messages, with every status."""
    jobs = JobStore(database)
    recorded = [await record(jobs, number) for number in range(60)]
    for job in recorded[::2]:
        await jobs.ended(job.id, (Status.DONE, Status.FAILED)[job.id % 6 == 0])
    await jobs.deleted(recorded[10].id)
    return [await found(jobs, job.id) for job in recorded]


async def found(jobs: JobStore, job_id: int) -> Job:
    job = await jobs.get(job_id)
    assert job is not None
    return job


def has(job: Job, words: str) -> bool:
    prompts = (job.words.prompt, job.words.negative_prompt)
    return any(fold(words) in fold(prompt) for prompt in prompts)


def meets(job: Job, search: ModSearch) -> bool:
    """Say plainly what a moderator's search means."""
    return (
        job.origin.guild_id == search.guild_id
        and search.person_id in (None, job.origin.person_id)
        and search.checkpoint in (None, job.request.checkpoint)
        and search.status in (None, job.status)
        and search.job_id in (None, job.id)
        and (job.flagged is not None or not search.flagged)
        and (search.since is None or job.origin.asked_at >= search.since)
        and (search.until is None or job.origin.asked_at < search.until)
        and has(job, search.words)
    )


def reference(kept: list[Job], search: ModSearch) -> list[Job]:
    return [job for job in reversed(kept) if meets(job, search)]


async def test_every_combination_of_filters_finds_what_it_says(
    database: Database, kept: list[Job], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(newest, "STRETCH", 3)  # so that every way takes several
    history = History(database)
    for person, words, checkpoint, status, flagged, (since, until) in product(
        (None, MAX),
        ("", "red", "ox"),
        (None, "Emoji"),
        (None, Status.DONE),
        (False, True),
        ((None, None), (START + timedelta(hours=20), START + timedelta(hours=40))),
    ):
        search = ModSearch(
            guild_id=SERVER,
            person_id=person,
            words=words,
            checkpoint=checkpoint,
            status=status,
            flagged=flagged,
            since=since,
            until=until,
        )
        assert await history.search(search, None, ALL) == reference(kept, search), search
    for job_id, words in product((1, 2, 4, 61), ("", "red")):
        search = ModSearch(guild_id=SERVER, job_id=job_id, words=words)
        assert await history.search(search, None, ALL) == reference(kept, search), search


async def test_pages_follow_each_other(database: Database, kept: list[Job]):
    history = History(database)
    search = replace(EVERYTHING, words="red", flagged=False)
    whole, pages, before = reference(kept, search), [], None
    while page := await history.search(search, before, 3):
        assert len(page) == 3 or len(pages) == len(whole) // 3
        pages.append(page)
        before = page[-1].id
    assert [job for page in pages for job in page] == whole
    assert len(pages) > 3


TYPED = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=12),
    st.text("\"'*^-+:(){}.,;%_\\\0 aenorNEAROTD\ud800", max_size=12),
    st.sampled_from([prompt for pair in PROMPTS for prompt in pair if prompt]).flatmap(
        lambda prompt: st.tuples(
            st.integers(0, len(prompt)), st.integers(0, len(prompt)), st.sampled_from("=lut")
        ).map(
            lambda cut: {
                "=": str,
                "l": str.lower,
                "u": str.upper,
                "t": str.title,
            }[cut[2]](prompt[min(cut[:2]) : max(cut[:2])])
        )
    ),
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(typed=TYPED)
@example("red")
@example("ed ap")
@example('"')
@example('apple" OR "water')
@example("words:pie")
@example("NEAR(red apple)")
@example("red*")
@example("^a")
@example("-red")
@example("re\0d")
@example("\ud800")
@example("äpfel")
@example("STRASSE")
@example("ｒｅｄ")
@example("猫")
@example("の写真")
@example("apple water")
@example("red%_\\")
async def test_any_text_can_be_searched_for(database: Database, kept: list[Job], typed: str):
    search = replace(EVERYTHING, words=typed)
    assert await History(database).search(search, None, ALL) == reference(kept, search)
    own = Search(person_id=MIA, guild_id=SERVER, word=typed)
    mine = reference(kept, replace(search, person_id=MIA))
    assert await JobStore(database).search(own, None, ALL) == [
        job for job in mine if job.deleted_at is None
    ]


async def test_deleted_and_erased_jobs_are_shown_to_moderators(database: Database, kept: list[Job]):
    history = History(database)
    before = await history.search(EVERYTHING, None, ALL)
    assert any(job.deleted_at is not None for job in before)
    await forget(database, MIA, 10**6, datetime.now(UTC))
    after = await history.search(EVERYTHING, None, ALL)
    assert [job.id for job in after] == [job.id for job in before]
    erased = [job for job in after if job.origin.person_id == NOBODY]
    assert {job.request.prompt for job in erased} == {ERASED}
    assert await history.search(replace(EVERYTHING, person_id=NOBODY), None, ALL) == erased


async def test_erased_words_are_in_no_file(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(database_module, "MERGED_PAGES", 1)  # so that it takes several steps
    monkeypatch.setattr(database_module, "OTHERS_TURN_S", 0)
    jobs, history = JobStore(database), History(database)
    secret = replace(
        new_job_of(0).request, prompt="my zxqsecretvyk plan", negative_prompt="jvwother"
    )
    for number in range(20):
        filling = "".join(chr(0x4E00 + 900 * number + letter) for letter in range(900))
        job = await record(jobs, number, replace(new_job_of(0).request, prompt=filling))
        await jobs.ended(job.id, Status.DONE)
    origin = replace(job.origin, interaction_id=777, person_id=MAX, person_name="Maxqvz")
    job = await jobs.record(replace(new_job_of(0), request=secret), origin, fair_start=1.0)
    await jobs.ended(job.id, Status.DONE)
    files = [path for path in tmp_path.iterdir() if path.name.startswith(FILE_NAME)]
    # The index spells out a trigram that begins like no other.
    traces = [b"zxq", b"jvw", b"Maxqvz"]
    written = b"".join(path.read_bytes() for path in files)
    assert all(trace in written for trace in traces)

    kept = [JobData(database, jobs, PictureStore(database, tmp_path))]
    await Privacy(database, kept).erase(MAX, datetime.now(UTC))

    left = b"".join(path.read_bytes() for path in files)
    assert [trace for trace in traces if trace in left] == []
    for words in ("zxqsecretvyk", "jvwother", "vyk"):
        assert await history.search(replace(EVERYTHING, words=words), None, ALL) == []

    def check(connection: Connection) -> None:
        # Raises where index and jobs differ.
        connection.exec_driver_sql(
            "INSERT INTO job_words (job_words, rank) VALUES ('integrity-check', 1)"
        )
        before = connection.exec_driver_sql("SELECT total_changes()").scalar_one()
        connection.exec_driver_sql("INSERT INTO job_words (job_words, rank) VALUES ('merge', 1)")
        after = connection.exec_driver_sql("SELECT total_changes()").scalar_one()
        assert after - before <= 1, "not everything was merged"

    await database.write(check)


SEARCHES = [
    EVERYTHING,
    replace(EVERYTHING, person_id=MIA),
    replace(EVERYTHING, status=Status.FAILED),
    replace(EVERYTHING, checkpoint="Emoji"),
    replace(EVERYTHING, flagged=True),
    replace(EVERYTHING, words="red"),
    replace(EVERYTHING, words="ox"),
    replace(EVERYTHING, words="o"),
    replace(EVERYTHING, since=START, until=START + timedelta(days=1)),
    replace(EVERYTHING, job_id=4),
    replace(EVERYTHING, person_id=MIA, words="red"),
    replace(EVERYTHING, person_id=MIA, status=Status.DONE),
    replace(EVERYTHING, words="red", since=START),
    replace(EVERYTHING, checkpoint="Emoji", until=START + timedelta(days=1)),
    replace(EVERYTHING, flagged=True, person_id=MIA),
    Search(person_id=MIA, guild_id=SERVER),
    Search(person_id=MIA, guild_id=None, word="red"),
    Search(person_id=MIA, guild_id=SERVER, since=START),
    Search(person_id=MIA, guild_id=SERVER, favourites=True),
]


# FTS5 is asked for a match where its scan has an M, its terms for those between two with a 6.
INDEX_OF_WORDS = re.compile(r"SCAN job_words VIRTUAL TABLE INDEX \d+:M")
BETWEEN_TERMS = "SCAN job_words_terms VIRTUAL TABLE INDEX 6:"
HARMLESS = (BETWEEN_TERMS, "SCAN among", "SCAN beginning", "SCAN CONSTANT ROW")


async def plans(database: Database, search: ModSearch | Search, before: int | None) -> list[str]:
    """Run a search and return SQLite's plan for everything that it asked."""
    store = History(database) if isinstance(search, ModSearch) else JobStore(database)
    return await steps_of(database, store.search(search, before, 5))


async def steps_of(database: Database, asking: Awaitable) -> list[str]:
    """Ask the store for something and return SQLite's plan for it."""
    asked: list[tuple[str, tuple]] = []
    listener = (database._reading, "before_cursor_execute")

    def note(connection, cursor, statement, parameters, context, executemany):
        asked.append((statement, parameters))

    event.listen(*listener, note)
    await asking
    event.remove(*listener, note)

    def explain(connection: Connection) -> list[str]:
        return [
            row.detail
            for statement, parameters in asked
            if statement.startswith("SELECT")
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]

    return await database.read(explain)


async def test_what_is_looked_up_of_one_job_goes_along_its_own_index(
    database: Database, kept: list[Job]
):
    history, jobs = History(database), JobStore(database)
    for asking, index in (
        (history.of_message(SERVER, 1), "ix_jobs_message_id"),
        (history.children(kept[0], 9), "ix_jobs_parent_id"),
        (jobs.children(kept[0], 9, person_id=MIA), "ix_jobs_parent_id"),
        (jobs.children_count(kept[0]), "ix_jobs_parent_id"),
    ):
        step, *more = await steps_of(database, asking)
        assert [step.startswith(f"SEARCH jobs USING INDEX {index} "), "SCAN" in str(more)] == [1, 0]


async def test_no_search_goes_through_a_table_or_sorts(database: Database, kept: list[Job]):
    for search, before in product(SEARCHES, (None, 50)):
        steps = await plans(database, search, before)
        assert any(step.startswith("SEARCH jobs") for step in steps)
        for step in steps:
            harmless = step.startswith(HARMLESS) or INDEX_OF_WORDS.match(step)
            assert harmless or not step.startswith("SCAN"), (search, steps)
            assert "TEMP B-TREE" not in step, (search, steps)


async def test_short_words_go_along_the_index_too(
    database: Database, kept: list[Job], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(newest, "STRETCH", 4)
    for words in ("o", "ox", "q", "qz"):
        for search in (
            replace(EVERYTHING, words=words),
            Search(person_id=MIA, guild_id=SERVER, word=words),
        ):
            steps = await plans(database, search, None)
            assert any(INDEX_OF_WORDS.match(step) for step in steps)
            terms = [step for step in steps if "job_words_terms" in step]
            assert terms == [BETWEEN_TERMS] * len(terms) != []
            assert any("SEARCH jobs USING INTEGER PRIMARY KEY" in step for step in steps)


@pytest.mark.parametrize(
    "word", ["猫", "q", "qz", "z", '"', "i", "e!", "é", "\ufffe", "%", "_", "*"]
)
async def test_one_or_two_letters_are_found_wherever_they_stand(
    database: Database, monkeypatch: pytest.MonkeyPatch, word: str
):
    monkeypatch.setattr(newest, "STRETCH", 1)  # so that it is the index that finds them
    jobs, history = JobStore(database), History(database)
    typed = [
        ("q", ""),
        ("猫", ""),
        ("a fox", "qz"),
        ("QZ", "é"),
        ('say "hi"', "50%_*"),
        ("zq!", "q"),
    ]
    typed += [("i", "one!"), ("noncharacter \ufffe", ""), ("ein Bär", "Été!")]
    for number, (prompt, negative) in zip(range(0, 70, 7), typed, strict=False):
        request = replace(new_job_of(0).request, prompt=prompt, negative_prompt=negative)
        await record(jobs, number, request)
    found = await history.search(replace(EVERYTHING, words=word), None, ALL)
    there = [job.words for job in await history.search(EVERYTHING, None, ALL)]
    assert len(there) == len(typed)
    assert [job.words for job in found] == [one for one in there if word in searchable(one)]


async def test_jobs_from_before_the_index_are_found(tmp_path: Path):
    await migrate(folder := tmp_path / "old")
    before = Database(folder)
    jobs = JobStore(before)
    recorded = [await record(jobs, number) for number in range(12)]
    command.downgrade(alembic_config(folder / FILE_NAME), "0007")
    await migrate(folder)
    apples = replace(EVERYTHING, words="apple")
    assert await History(before).search(apples, None, ALL) == reference(recorded, apples) != []
    await before.close()
