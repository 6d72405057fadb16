"""Who acts in the storm, and where."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

import discord
import simcord

Actor = simcord.MemberActor | simcord.UserHandle


class Part(Enum):
    """What somebody is there for."""

    STEADY = "asks for pictures as one should, and for nothing else"
    MEMBER = "does anything"
    MODERATOR = "does anything, as a moderator"
    ADMINISTRATOR = "does anything, as an administrator"


@dataclass(frozen=True, slots=True)
class Place:
    """A channel and the people in it; ``guild`` is None in direct messages."""

    channel: simcord.ChannelHandle
    guild: simcord.GuildHandle | None
    people: tuple[tuple[Part, Actor], ...]

    def of(self, *parts: Part) -> list[Actor]:
        """Return those who have one of the parts here."""
        return [actor for part, actor in self.people if part in parts]


@dataclass(frozen=True, slots=True)
class Cast:
    """Every place, and whatever somebody can name in a command.

    Nobody is moderated, nor is anything configured, where steady people are.
    """

    places: tuple[Place, ...]
    roles: dict[int, list[simcord.RoleHandle]]
    members: dict[int, list[simcord.MemberActor]]
    channels: dict[int, list[simcord.ChannelHandle]]
    users: list[simcord.UserHandle] = field(default_factory=list)

    def with_part(self, *parts: Part) -> Iterator[tuple[Place, Actor]]:
        """Yield everybody who has one of the parts somewhere."""
        for place in self.places:
            for actor in place.of(*parts):
                yield place, actor


def gather(env: simcord.Env) -> Cast:
    """Make the servers, the channels and the people."""
    mia, sol, max_, wim, morgan, ada = users = [
        env.create_user(name) for name in ("mia", "sol", "max", "wim", "morgan", "ada")
    ]
    home, second, arena = (env.create_guild(name) for name in ("Home", "Second", "Arena"))
    moderators = arena.create_role("Mods", permissions=discord.Permissions(moderate_members=True))
    rulers = arena.create_role("Rulers", permissions=discord.Permissions(manage_guild=True))
    members = {
        home.id: [home.add_member(user) for user in (mia, sol, max_)],
        second.id: [second.add_member(user) for user in (mia, max_)],
        arena.id: [
            arena.add_member(wim),
            arena.add_member(max_),
            arena.add_member(morgan, roles=[moderators]),
            arena.add_member(ada, roles=[rulers, moderators]),
        ],
    }
    calm = (Part.STEADY, Part.STEADY, Part.MEMBER)
    wild = (Part.MEMBER, Part.MEMBER, Part.MODERATOR, Part.ADMINISTRATOR)
    scenes = (
        (home, "darkroom", calm),
        (home, "after-dark", calm),
        (second, "lounge", (Part.STEADY, Part.MEMBER)),
        (arena, "ring", wild),
        (arena, "ring-after-dark", wild),
    )
    channels: dict[int, list[simcord.ChannelHandle]] = {}
    places = []
    for guild, name, parts in scenes:
        channel = guild.create_text_channel(name)
        channels.setdefault(guild.id, []).append(channel)
        if name.endswith("after-dark"):
            cached = env.bot.get_channel(channel.id)
            assert isinstance(cached, discord.TextChannel)
            cached.nsfw = True
        places.append(Place(channel, guild, tuple(zip(parts, members[guild.id], strict=True))))
    for part, user in ((Part.STEADY, mia), (Part.MEMBER, max_), (Part.MEMBER, ada)):
        places.append(Place(user.dm_channel, None, ((part, user),)))
    return Cast(
        places=tuple(places),
        roles={home.id: [], second.id: [], arena.id: [moderators, rulers]},
        members=members,
        channels=channels,
        users=users,
    )
