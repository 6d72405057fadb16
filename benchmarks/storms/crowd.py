"""Everybody who sends requests."""

import asyncio
import re
from random import Random

from playground import Interaction, NotPossible, Playground
from playground.messages.messages import Message

PEOPLE = ("mia", "morgan", "olive", "theo")
CHANNELS = ("darkroom", "general", "showcase")
EVERY_S = 0.4
ANSWER_S = 15.0
JOB = re.compile(r"job:(\d+):")
# Under finished pictures.
AGAIN = ("Reroll", "V1", "U1")


class Crowd:
    """Requests pictures, derived jobs, cancellations and lists."""

    def __init__(self, playground: Playground, chance: Random) -> None:
        self._playground = playground
        self._chance = chance
        self._asking: set[asyncio.Task[None]] = set()
        self._accepted: dict[int, Message] = {}

    async def ask_on(self) -> None:
        """Send requests until cancelled."""
        while True:
            await asyncio.sleep(self._chance.uniform(0, 2 * EVERY_S))
            if not self._playground.gateway.connected:
                continue
            task = asyncio.create_task(self._ask())
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)

    async def accepted(self) -> dict[int, Message]:
        """Return the message of each job whose first reply arrived."""
        if self._asking:
            await asyncio.wait(self._asking)
        return self._accepted

    async def _ask(self) -> None:
        deeds = (self._imagine, self._imagine, self._imagine, self._again, self._cancel, self._list)
        try:
            interaction = await self._chance.choice(deeds)()
            if interaction is not None:
                answer = await interaction.response(within=ANSWER_S)
                if (job_id := job_of(answer)) is not None:
                    self._accepted[job_id] = answer
        except (NotPossible, TimeoutError, KeyError):
            return  # the bot was down

    async def _imagine(self) -> Interaction:
        return await self._playground.slash(
            self._chance.choice(PEOPLE),
            self._chance.choice(CHANNELS),
            "imagine",
            prompt=self._chance.choice(("a red apple", "a pear", "a fox")),
            count=self._chance.randint(1, 4),
            steps=self._chance.randint(2, 60),
            private=self._chance.random() < 0.1,
        )

    async def _again(self) -> Interaction | None:
        """Click a button under a job's finished pictures."""
        done = [one for one in self._shown() if labels(one) & set(AGAIN)]
        if not done:
            return None
        message = self._chance.choice(done)
        button = self._chance.choice(sorted(labels(message) & set(AGAIN)))
        return await self._playground.click(self._chance.choice(PEOPLE), message, button)

    async def _cancel(self) -> None:
        waiting = [one for one in self._shown() if "Cancel" in labels(one)]
        if waiting:
            await self._playground.click("morgan", self._chance.choice(waiting), "Cancel")

    async def _list(self) -> None:
        command = self._chance.choice(("queue", "history"))
        person, channel = self._chance.choice(PEOPLE), self._chance.choice(CHANNELS)
        await self._playground.slash(person, channel, command)

    def _shown(self) -> list[Message]:
        return [one for one in self._accepted.values() if not one.ephemeral]


def labels(message: Message) -> set[str]:
    """Return the labels of a message's buttons."""
    return {button.label for button in message.buttons if button.label}


def job_of(message: Message) -> int | None:
    """Return the job that a message's buttons belong to, None if it has none."""
    ids = (JOB.match(button.custom_id or "") for button in message.buttons)
    return next((int(found[1]) for found in ids if found), None)
