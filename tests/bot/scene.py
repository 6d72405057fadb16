"""A server with places that not everybody sees, a job in each, and people who try every door."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

import discord
import simcord
from simcord.backend.models.channel import Overwrite
from simcord.enums import ChannelType, OverwriteType

from bot.db.records import Job, Kind, NewJob, Origin, Status, Verdict
from generation.catalog import EMBEDDED
from generation.request import GenerationRequest, Sampler
from tests.bot.conftest import House
from tests.fakes import png
from tests.storm.cast import Part, Place

HIDDEN = discord.PermissionOverwrite(view_channel=False)
HISTORY = discord.PermissionOverwrite(read_message_history=False)
UNCONNECTED = discord.PermissionOverwrite(connect=False)
# What an overwrite says of one channel, and a careless reader takes for the server.
RULES_HERE = discord.PermissionOverwrite(
    moderate_members=True, manage_messages=True, manage_guild=True
)
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Persona:
    """Somebody at a place. ``sees`` names the planted jobs of others that they may learn of.

    ``ends`` names those that they may end and remove. ``around`` is what Discord says with
    their interactions. Who ``moderates`` does so where they are.
    """

    name: str
    actor: Any
    place: Place
    sees: frozenset[str]
    ends: frozenset[str] = frozenset()
    around: Mapping[str, Any] = field(default_factory=dict)
    moderates: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """The planted jobs by what their prompts say, and everybody who may try to see them.

    ``files`` are each job's picture and its thumbnail.
    """

    jobs: dict[str, Job]
    files: dict[str, tuple[bytes, ...]]
    personas: dict[str, Persona]


def age_restrict(house: House, channel: simcord.ChannelHandle) -> None:
    """Make a channel age-restricted, as its owner would."""
    cached = house.bot.get_channel(channel.id)
    assert cached is not None
    cached.nsfw = True


def private_thread(
    house: House, parent: simcord.ChannelHandle, owner: simcord.MemberActor
) -> simcord.ChannelHandle:
    """Begin a thread that only its owner is in."""
    made = house.env.backend.create_thread(
        parent.id, "whispers", owner.id, type=ChannelType.PRIVATE_THREAD
    )
    return next(one for one in parent.threads if one.id == made.id)


async def plant(
    house: House,
    word: str,
    channel_id: int,
    guild_id: int | None,
    *,
    person: Any = None,
    verdict: Verdict = Verdict.SHOWN,
    status: Status = Status.DONE,
    parent: Job | None = None,
    **about: Any,
) -> Job:
    """Put a job on record as if it had been drawn there, with its message."""
    person = person or house.mia
    number = next(_numbers)
    request = GenerationRequest(
        prompt=f"a {word} of mine",
        negative_prompt="",
        checkpoint=EMBEDDED.name,
        width=128,
        height=128,
        num_images=1,
        num_inference_steps=2,
        guidance_scale=5.0,
        sampler=Sampler.EULER,
        seed=0x2F1D35 * number % 2**24,  # each its own colour, far from the others'
    )
    origin = Origin(
        interaction_id=number,
        token="token",
        person_id=person.id,
        person_name="somebody",
        channel_id=channel_id,
        guild_id=guild_id,
        asked_at=datetime.now(UTC),
        **about,
    )
    new_job = NewJob(kind=Kind.IMAGINE, request=request, parent_id=parent and parent.id)
    job = await house.jobs.record(new_job, origin, fair_start=0.0)
    backend = house.env.backend
    drawn = png(request.seed)
    files = backend.store_attachments(channel_id, [("picture.png", drawn)])
    message = backend.create_message(channel_id, backend.bot_user.id, "pictures", attachments=files)
    await house.jobs.queued(job.id, message.id)
    await house.jobs.running(job.id)
    await house.pictures.save(
        job_id=job.id, index=0, seed=request.seed, png=drawn, nsfw=0.9, verdict=verdict
    )
    if status is Status.DONE:
        await house.jobs.ended(job.id, Status.DONE)
    return await house.job(job.id)


async def stage(house: House) -> Scene:
    """Build the places, plant a job of Mia's in each, and return who looks at them from where."""
    guild, everyone = house.guild, house.guild.default_role
    second = house.env.create_guild("Second")
    people = {
        name: house.env.create_user(name)
        for name in ("oskar", "charlie", "eve", "bo", "gus", "dee", "ann", "vic")
    }
    members = {name: guild.add_member(user) for name, user in people.items() if name != "eve"}
    # Discord names nobody who joined later, and takes their overwrites all the same.
    other = guild.create_text_channel("other", overwrites={members["charlie"]: RULES_HERE})
    places = {
        "staff": guild.create_text_channel("staff", overwrites={everyone: HIDDEN}),
        "adults": guild.create_text_channel("adults"),
        "quiet": guild.create_text_channel("quiet", overwrites={everyone: HISTORY}),
        "voice": guild.create_voice_channel("voice"),
        "whispers": private_thread(house, house.channel, house.mia),
        "gone": guild.create_text_channel("gone"),
    }
    age_restrict(house, places["adults"])
    _, deny = UNCONNECTED.pair()
    house.env.backend.set_overwrite(
        places["voice"].id, Overwrite(guild.id, OverwriteType.ROLE, deny=deny.value)
    )
    await house.env.settle()
    jobs = {
        f"{name}word": await plant(house, f"{name}word", place.id, guild.id)
        for name, place in places.items()
    }
    here, home = house.channel.id, guild.id
    jobs |= {
        "openword": await plant(house, "openword", here, home, parent=jobs["staffword"]),
        "onceword": await plant(house, "onceword", here, home, age_restricted=True),
        "privateword": await plant(house, "privateword", here, home, private=True),
        "otherword": await plant(house, "otherword", other.id, home),
        "runningword": await plant(
            house, "runningword", places["staff"].id, home, status=Status.RUNNING
        ),
        "secondword": await plant(
            house, "secondword", second.create_text_channel("second").id, second.id
        ),
        "directword": await plant(house, "directword", house.mia_user.dm_channel.id, None),
    }
    jobs["childword"] = await plant(
        house, "childword", places["staff"].id, home, parent=jobs["openword"]
    )
    house.env.backend.delete_channel(places["gone"].id)
    await house.env.settle()
    moderators = second.create_role("Mods", permissions=discord.Permissions(moderate_members=True))
    eve = second.add_member(people["eve"], roles=[moderators])
    seconds = next(iter(second.channels.values()))
    await _block(house, people["bo"])

    def at(channel: simcord.ChannelHandle, actor: Any, inside: Any = guild) -> Place:
        return Place(channel, inside, ((Part.MEMBER, actor),))

    general = frozenset({"openword", "otherword"})
    personas = [
        Persona("member", members["oskar"], at(house.channel, members["oskar"]), general),
        Persona(
            "member among adults",
            members["ann"],
            at(places["adults"], members["ann"]),
            general | {"adultsword", "onceword"},
        ),
        Persona(
            "moderator of another channel",
            members["charlie"],
            at(other, members["charlie"]),
            general,
            ends=frozenset({"otherword"}),
        ),
        Persona(
            "moderator of another server",
            eve,
            at(seconds, eve, second),
            frozenset({"secondword"}),
            ends=frozenset({"secondword"}),
            moderates=True,
        ),
        Persona("blocked", members["bo"], at(house.channel, members["bo"]), general),
        Persona(
            "guest",
            members["gus"],
            at(house.channel, members["gus"]),
            frozenset({"openword"}),
            around={"authorizing_integration_owners": {"1": str(people["gus"].id)}},
        ),
        Persona(
            "direct message",
            people["dee"],
            at(people["dee"].dm_channel, people["dee"], None),
            frozenset(),
        ),
    ]
    files = {word: await _files(house, job) for word, job in jobs.items()}
    return Scene(jobs, files, {persona.name: persona for persona in personas})


async def _files(house: House, job: Job) -> tuple[bytes, ...]:
    (picture,) = await house.pictures.of_job(job.id)
    found = (await house.pictures.read(picture), await house.pictures.read_thumbnail(picture))
    return tuple(file for file in found if file is not None)


async def _block(house: House, user: simcord.UserHandle) -> None:
    await house.morgan.slash(house.channel, "mod block", person=user, reason="spam")
