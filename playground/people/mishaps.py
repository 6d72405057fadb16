"""What can go wrong at the press of a button, so that a person can watch the bot survive it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playground.checks.refusals import NotPossible
from playground.interactions.interactions import TOKEN_LIVES_S
from playground.people.people import People
from playground.world.permissions import Permission
from playground.world.places import Channel, Kind

Json = dict[str, Any]

EDITS = "/messages/"
SLOW_ANSWERS, SLOW_S = 10, 2.0
LIMITED_S = 3.0
# Less than the smallest checkpoint's pictures, more than its previews.
SMALL_FILE = 3 * 1024


@dataclass(frozen=True, slots=True)
class Mishap:
    """One thing that goes wrong: its button's label, and what is said once it has."""

    name: str
    label: str
    said: str
    happen: Callable[[], None]


class Mishaps:
    """Everything that a person can let go wrong, with the labels that fit the moment."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._state = people.state
        self._file_limit = people.state.attachment_size_limit

    def offered(self, channel: Channel) -> list[Json]:
        """List groups of buttons for a channel: title, and name and label of each."""
        return [
            {"title": title, "buttons": [{"name": one.name, "label": one.label} for one in group]}
            for title, group in self._groups(channel)
        ]

    def happen(self, name: str, channel: Channel) -> str:
        """Let it go wrong, and return what to say about it; NotPossible where it cannot."""
        for _, group in self._groups(channel):
            for mishap in group:
                if mishap.name == name:
                    mishap.happen()
                    return mishap.said
        raise NotPossible("That cannot go wrong here any more.")

    def _groups(self, channel: Channel) -> list[tuple[str, list[Mishap]]]:
        groups = [("Connection", self._connection()), ("Answers", self._answers())]
        if channel.guild_id is not None:
            groups.append(("Permissions and places", self._places(channel)))
        return groups

    def _connection(self) -> list[Mishap]:
        gateway = self._state.gateway
        return [
            Mishap("drop", "Drop the socket", "The bot's socket was cut.", gateway.drop),
            Mishap(
                "invalidate",
                "Invalidate the session",
                "The bot's session is void: it must log in anew.",
                gateway.invalidate,
            ),
        ]

    def _answers(self) -> list[Mishap]:
        faults = self._state.faults
        return [
            Mishap(
                "slow",
                "Slow the answers down",
                f"The next {SLOW_ANSWERS} answers take {SLOW_S:g} s each.",
                lambda: faults.slow("*", "", SLOW_S, times=SLOW_ANSWERS),
            ),
            Mishap(
                "fail",
                "Fail the next edit (500)",
                "The next edit will fail.",
                lambda: faults.fail("PATCH", EDITS),
            ),
            Mishap(
                "limit",
                "Rate-limit the next edit (429)",
                f"The next edit has to come back after {LIMITED_S:g} s.",
                lambda: faults.limit("PATCH", EDITS, LIMITED_S),
            ),
            self._file_size(),
            Mishap(
                "expire",
                "Let tokens die (15 min)",
                "Every token handed out so far has died.",
                lambda: self._state.clock.advance(TOKEN_LIVES_S),
            ),
        ]

    def _file_size(self) -> Mishap:
        if self._state.attachment_size_limit > SMALL_FILE:
            return Mishap(
                "refuse_large",
                f"Refuse files over {SMALL_FILE // 1024} KB (413)",
                "Pictures are too large now, until you take large files again.",
                lambda: self._limit_files(SMALL_FILE),
            )
        return Mishap(
            "take_large",
            "Take large files again",
            "Pictures fit again.",
            lambda: self._limit_files(self._file_limit),
        )

    def _limit_files(self, limit: int) -> None:
        self._state.attachment_size_limit = limit
        self._state.feed.publish("refresh", {})

    def _places(self, channel: Channel) -> list[Mishap]:
        world, people = self._state.world, self._people
        if not world.bot_is_member:
            return [Mishap("invite", "Invite the bot back", "The bot is back.", people.invite_bot)]
        bot = world.bot
        # What the bot may do in a thread is said in the channel that it hangs in.
        ruled = channel if channel.thread is None else world.channels[channel.thread.parent_id]
        remove = Mishap("kick", "Remove the bot", "The bot was removed.", people.remove_bot)
        if world.permissions(bot, channel) & Permission.ATTACH_FILES:
            files = Mishap(
                "forbid_files",
                "Take Attach Files away",
                f"The bot may attach no files in #{ruled.name}.",
                lambda: people.overwrite(ruled, bot, deny=Permission.ATTACH_FILES),
            )
        else:
            files = Mishap(
                "allow_files",
                "Give Attach Files back",
                f"The bot may attach files in #{ruled.name}.",
                lambda: people.overwrite(ruled, bot, allow=Permission.ATTACH_FILES),
            )
        what = "thread" if channel.kind is Kind.THREAD else "channel"
        delete = Mishap(
            "delete_channel",
            f"Delete this {what}",
            f"#{channel.name} was deleted.",
            lambda: self._delete(channel),
        )
        return [files, delete, remove]

    def _delete(self, channel: Channel) -> None:
        if self._state.world.guild_channels() == [channel]:
            raise NotPossible("The last channel stays.")
        self._people.delete_channel(channel)
