"""Typical searches by moderators, and by people in their own history."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from benchmarks.history.world import CHECKPOINTS, GUILDS, START, World
from bot.db.records import ModSearch, Search, Status

Found = defaultdict[str, list[ModSearch | Search]]

ABSENT = "zzqqxx"
WEEK = (START + timedelta(days=400), START + timedelta(days=407))
AFTER_ALL = START + timedelta(days=3000)


def filters(world: World) -> Mapping[str, Sequence[ModSearch | Search]]:
    """Return searches in servers of three sizes, for frequent and for rare things, by filter."""
    found = Found(list)
    for guild in (0, 10, GUILDS - 1):
        here = ModSearch(guild_id=world.guilds[guild])
        _one_filter(found, here, world)
        _pairs(found, here, world)
        _of_person(found, replace(here, person_id=world.somebody(guild)), world)
    who_asks_most = ModSearch(guild_id=world.guilds[0], person_id=world.people[0])
    _of_person(found, who_asks_most, world)
    return found


def _one_filter(found: Found, here: ModSearch, world: World) -> None:
    common, usual, rare = _words(world)
    found["none"] += [here]
    found["word, very common"] += [replace(here, words=common)]
    found["word, usual"] += [replace(here, words=usual)]
    found["word, rare"] += [replace(here, words=rare)]
    found["word, nobody's"] += [replace(here, words=word) for word in (ABSENT, "theingested")]
    found["part of a word"] += [replace(here, words=part) for part in ("tion", "edthe")]
    found["two words"] += [replace(here, words=f"{world.words[5]} {world.words[40]}")]
    found["two letters"] += [replace(here, words="ba")]
    found["checkpoint"] += [replace(here, checkpoint=CHECKPOINTS[number]) for number in (0, -1)]
    found["checkpoint, nobody's"] += [replace(here, checkpoint="none such")]
    found["status"] += [replace(here, status=status) for status in (Status.DONE, Status.FAILED)]
    found["status, nobody's"] += [replace(here, status=Status.RUNNING)]
    found["flagged"] += [replace(here, flagged=True)]
    found["date"] += [replace(here, since=WEEK[0], until=WEEK[1])]
    found["date, nobody's"] += [replace(here, since=AFTER_ALL)]
    found["job"] += [replace(here, job_id=17)]


def _pairs(found: Found, here: ModSearch, world: World) -> None:
    then = replace(here, since=WEEK[0], until=WEEK[1])
    for word in (*_words(world), ABSENT):
        found["word + date"] += [replace(then, words=word)]
        found["word + status"] += [replace(here, words=word, status=Status.FAILED)]
        found["word + checkpoint"] += [replace(here, words=word, checkpoint=CHECKPOINTS[5])]
        found["word + flagged"] += [replace(here, words=word, flagged=True)]
    found["checkpoint + date"] += [replace(then, checkpoint=CHECKPOINTS[3])]
    found["checkpoint + status"] += [
        replace(here, checkpoint=CHECKPOINTS[-1], status=Status.FAILED)
    ]
    found["flagged + date"] += [replace(then, flagged=True)]


def _of_person(found: Found, theirs: ModSearch, world: World) -> None:
    assert theirs.person_id is not None
    own = Search(person_id=theirs.person_id, guild_id=theirs.guild_id)
    found["person"] += [theirs]
    found["person + status"] += [
        replace(theirs, status=status) for status in (Status.FAILED, Status.RUNNING)
    ]
    found["person + checkpoint"] += [replace(theirs, checkpoint=CHECKPOINTS[-1])]
    found["person + date"] += [replace(theirs, since=WEEK[0], until=WEEK[1])]
    found["person + flagged"] += [replace(theirs, flagged=True)]
    found["own history"] += [own]
    for word in (*_words(world), ABSENT):
        found["person + word"] += [replace(theirs, words=word)]
        found["own history + word"] += [replace(own, word=word)]
        found["everything at once"] += [
            replace(
                theirs,
                words=word,
                flagged=True,
                checkpoint=CHECKPOINTS[0],
                status=Status.DONE,
                since=START,
                until=AFTER_ALL,
            )
        ]


def _words(world: World) -> tuple[str, str, str]:
    return world.words[2], world.words[300], world.words[30_000]
