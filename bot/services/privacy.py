"""What is kept about a person: handed to them, or removed."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.services.errors import NothingToDo
from bot.store.allowances import AllowanceStore
from bot.store.blocks import BlockStore
from bot.store.defaults import DefaultsStore
from bot.store.favourites import FavouriteStore
from bot.store.jobs import JobStore
from bot.store.pictures import PictureStore
from bot.store.records import OPEN, Allowance, Block, Job, Refusal
from bot.store.refusals import RefusalStore
from bot.store.spending import SpendingStore
from bot.store.uploads import UploadStore
from bot.texts import say


class Privacy:
    """A person's own view of the store."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        pictures: PictureStore,
        favourites: FavouriteStore,
        uploads: UploadStore,
        blocks: BlockStore,
        refusals: RefusalStore,
        defaults: DefaultsStore,
        allowances: AllowanceStore,
        spending: SpendingStore,
    ) -> None:
        self._jobs = jobs
        self._pictures = pictures
        self._favourites = favourites
        self._uploads = uploads
        self._blocks = blocks
        self._refusals = refusals
        self._defaults = defaults
        self._allowances = allowances
        self._spending = spending

    async def export(self, person_id: int, most_bytes: int) -> Sequence[bytes]:
        """Return everything that is kept about the person, in every server, as JSON files.

        One, or several of at most ``most_bytes`` each; every one can be read by itself.
        """
        jobs = await self._jobs.of_person(person_id)
        kept = {
            "person_id": person_id,
            "jobs": [await self._describe(job) for job in jobs],
            "favourites": await self._favourites.of_person(person_id),
            "refused": [_refused(one) for one in await self._refusals.of_person(person_id)],
            "defaults": (await self._defaults.get(person_id)).said(),
            "quotas": [_allowance(one) for one in self._allowances.of_person(person_id)],
            "used_before_erasure": [
                {"server": server, "pictures": used.pictures, "seconds": used.seconds}
                for server, used in (await self._spending.remembered(person_id)).items()
            ],
            "blocks": [_block(one) for one in await self._blocks.of_person(person_id)],
        }
        return await asyncio.to_thread(in_parts, kept, most_bytes)

    async def erase(self, person_id: int, now: datetime) -> int:
        """Remove all of it and return how many jobs that were.

        Their rows stay with settings and times, for what they cost, but with nobody's name and no
        words. Blocks, what moderators granted and, until the day is over, how much of it was used
        stay. Raises NothingToDo while any is on its way.
        Doing it twice changes nothing, so that what was interrupted can be done again.
        """
        jobs = await self._jobs.of_person(person_id)
        if any(job.status in OPEN for job in jobs):
            raise NothingToDo(say("error-jobs-open"))
        for job in jobs:
            await self._jobs.deleted(job.id)
            await self._pictures.erase(job)
        await self._uploads.forget(person_id)
        await self._jobs.forget(person_id, now)
        await self._defaults.forget(person_id)
        return len(jobs)

    async def _describe(self, job: Job) -> dict[str, Any]:
        request = job.request
        return {
            "id": job.id,
            "kind": job.kind,
            "status": job.status,
            "asked_at": job.origin.asked_at.isoformat(),
            "name": job.origin.person_name,
            "server": job.origin.guild_id,
            "channel": job.origin.channel_id,
            "message": job.message_id,
            "private": job.origin.private,
            "age_restricted": job.origin.age_restricted,
            "typed": job.words.prompt,
            "style": job.style,
            "prompt": request.prompt,
            "negative_prompt": request.negative_prompt,
            "checkpoint": request.checkpoint,
            "size": list(job.size),
            "steps": request.num_inference_steps,
            "sampler": request.sampler,
            "guidance_scale": request.guidance_scale,
            "strength": request.strength,
            "seeds": [picture.seed for picture in await self._pictures.of_job(job.id)],
            "error": job.error,
            "device_seconds": job.device_seconds,
            "deleted": job.deleted_at is not None,
        }


def in_parts(kept: Mapping[str, Any], most_bytes: int) -> Sequence[bytes]:
    """Return it as JSON, its lists dealt out to as many files as it takes."""
    if len(whole := _json(kept)) <= most_bytes:
        return [whole]
    alone = {name: value for name, value in kept.items() if not isinstance(value, list)}
    parts, room = [alone], most_bytes - len(_json(_numbered(alone)))
    for name, entries in kept.items():
        for entry in entries if isinstance(entries, list) else ():
            # Deeper in the file, each of its lines begins with two more blanks.
            text = _json(entry)
            size = len(text) + 2 * text.count(b"\n") + len(name) + 16
            if size > room:
                parts.append({"person_id": kept["person_id"]})
                room = most_bytes - len(_json(_numbered(parts[-1])))
            parts[-1].setdefault(name, []).append(entry)
            room -= size
    return [_json(_numbered(part, at, len(parts))) for at, part in enumerate(parts, 1)]


def _numbered(part: Mapping[str, Any], at: int = 10**6, of: int = 10**6) -> dict[str, Any]:
    return {"part": at, "parts": of, **part}


def _json(value: Any) -> bytes:  # noqa: ANN401
    return json.dumps(value, indent=1, ensure_ascii=False).encode(errors="replace")


def _refused(refusal: Refusal) -> dict[str, Any]:
    return {
        "asked_at": refusal.asked_at.isoformat(),
        "server": refusal.guild_id,
        "channel": refusal.channel_id,
        "prompt": refusal.prompt,
        "why": refusal.why,
    }


def _block(block: Block) -> dict[str, Any]:
    return {
        "server": block.guild_id or None,
        "made_at": block.made_at.isoformat(),
        "until": block.until and block.until.isoformat(),
        "lifted_at": block.lifted_at and block.lifted_at.isoformat(),
        "reason": block.reason,
    }


def _allowance(allowance: Allowance) -> dict[str, Any]:
    return {
        "server": allowance.guild_id,
        "pictures_per_day": allowance.pictures_per_day,
        "extra": allowance.extra,
        "extra_on": allowance.extra_on and allowance.extra_on.isoformat(),
        "counted_from": allowance.counted_from and allowance.counted_from.isoformat(),
    }
