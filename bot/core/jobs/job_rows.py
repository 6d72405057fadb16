"""Conversion between job rows and jobs."""

import json
from dataclasses import fields, replace
from typing import Any

from sqlalchemy import Row

from bot.db.models import NAME_LENGTH
from bot.db.records import Input, InputRole, Job, Kind, NewJob, Origin, Status, Words
from bot.db.search.search_words import searchable
from bot.options.stored import from_json, left_out, to_json


def values_of(new_job: NewJob, origin: Origin, *, fair_start: float) -> dict[str, Any]:
    """Return the columns of a new job that nobody has been told of yet."""
    return {
        "kind": new_job.kind,
        "status": Status.RECORDED,
        "interaction_id": origin.interaction_id,
        "part": origin.part,
        "interaction_token": origin.token,
        "person_id": origin.person_id,
        "person_name": origin.person_name[:NAME_LENGTH],
        "channel_id": origin.channel_id,
        "guild_id": origin.guild_id,
        "asked_at": origin.asked_at,
        "private": origin.private,
        "locale": origin.locale,
        "filesize_limit": origin.filesize_limit,
        "guest": origin.guest,
        "age_restricted": origin.age_restricted,
        "parent_id": new_job.parent_id,
        "parent_index": new_job.parent_index,
        "request": to_json(new_job.request, new_job.left_out),
        "checkpoint": new_job.request.checkpoint,
        "num_images": new_job.request.num_images,
        "folded_words": searchable(new_job.words),
        "source_sha256": new_job.source_sha256,
        "factor": new_job.factor,
        "style": new_job.style,
        "typed_prompt": None if new_job.typed is None else new_job.typed.prompt,
        "typed_negative_prompt": None if new_job.typed is None else new_job.typed.negative_prompt,
        "flagged": new_job.flagged,
        "stripped": new_job.stripped,
        "spoiler_above": new_job.spoiler_above,
        "refuse_above": new_job.refuse_above,
        "keep_refused": new_job.keep_refused,
        "fair_start": fair_start,
        "device_seconds": 0.0,
    }


def inputs_of(new_job: NewJob, job_id: int) -> list[dict[str, Any]]:
    """Return the rows of a job's inputs."""
    return [
        {"job_id": job_id, "position": position, "role": one.role, "sha256": one.sha256}
        for position, one in enumerate(new_job.inputs)
    ]


def job_of(new_job: NewJob, origin: Origin, *, job_id: int, fair_start: float) -> Job:
    """Return a new job as it is read from its row."""
    own = {field.name: getattr(new_job, field.name) for field in fields(NewJob)}
    return Job(
        **own,
        id=job_id,
        status=Status.RECORDED,
        origin=replace(origin, person_name=origin.person_name[:NAME_LENGTH]),
        fair_start=fair_start,
    )


def read_job(row: Row[Any]) -> Job:
    """Return the job in a row."""
    return Job(
        id=row.id,
        kind=Kind(row.kind),
        status=Status(row.status),
        origin=Origin(
            interaction_id=row.interaction_id,
            token=row.interaction_token,
            person_id=row.person_id,
            person_name=row.person_name,
            channel_id=row.channel_id,
            guild_id=row.guild_id,
            asked_at=row.asked_at,
            part=row.part,
            private=row.private,
            locale=row.locale,
            filesize_limit=row.filesize_limit,
            guest=row.guest,
            age_restricted=row.age_restricted,
        ),
        request=from_json(row.request),
        fair_start=row.fair_start,
        message_id=row.message_id,
        direct_channel_id=row.direct_channel_id,
        parent_id=row.parent_id,
        parent_index=row.parent_index,
        source_sha256=row.source_sha256,
        inputs=tuple(
            Input(InputRole(role), sha256) for _, role, sha256 in sorted(json.loads(row.inputs))
        ),
        factor=row.factor,
        style=row.style,
        typed=None
        if row.typed_prompt is None
        else Words(row.typed_prompt, row.typed_negative_prompt or ""),
        flagged=row.flagged,
        stripped=row.stripped,
        left_out=left_out(row.request),
        spoiler_above=row.spoiler_above,
        refuse_above=row.refuse_above,
        keep_refused=row.keep_refused,
        cut=row.cut,
        error=row.error,
        device_seconds=row.device_seconds,
        queued_at=row.queued_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        deleted_at=row.deleted_at,
    )
