"""A job's details on one card; nothing here talks to Discord."""

from collections.abc import Sequence

import discord

from bot.core.pictures.gallery import CHILDREN, Details
from bot.db.records import Job, Verdict
from bot.options import describe
from bot.texts import say
from bot.texts.inert import inert, inert_lines
from bot.ui.delivery import job_message as render

# An embed holds 6,000 characters: 4,096 in its description and 1,024 in each field.
PROMPT_SHOWN = 1900
CUT_SHOWN = 400
STYLED_SHOWN = 400
VALUE_SHOWN = 200


def card(details: Details) -> discord.Embed:
    """Return all options of a job, its seeds, and links to its parent and children."""
    job = details.job
    embed = discord.Embed(
        title=render.named(job)
        + (f" {render.PRIVATE}" if job.origin.private else "")
        + (" ⭐" if details.favourite else ""),
        description=_prompts(job),
        url=render.jump_url(job),
        timestamp=job.origin.asked_at,
    )
    embed.add_field(name=say("details-by"), value=f"<@{job.origin.person_id}>")
    for name, value in _parameters(job).items():
        embed.add_field(name=name, value=inert(value, VALUE_SHOWN))
    if job.style is not None:
        drawn = inert_lines(job.request.prompt, STYLED_SHOWN)
        embed.add_field(name=say("details-styled"), value=drawn, inline=False)
    if not job.uploaded:
        embed.add_field(name=say("details-seeds"), value=_seeds(details), inline=False)
    if details.parent is not None:
        embed.add_field(
            name=say("details-parent"), value=_parent(job, details.parent), inline=False
        )
    if details.children:
        children = _children(details.children)
        embed.add_field(name=say("details-children"), value=children, inline=False)
    if job.left_out:
        left_out = inert_lines(job.left_out, CUT_SHOWN)
        embed.add_field(name=say("details-left-out"), value=left_out, inline=False)
    if job.cut:
        cut = inert_lines(job.cut, CUT_SHOWN)
        embed.add_field(name=say("details-cut"), value=cut, inline=False)
    return embed


def _prompts(job: Job) -> str:
    prompt = inert_lines(render.subject(job), PROMPT_SHOWN)
    if not job.words.negative_prompt:
        return prompt
    without = inert_lines(job.words.negative_prompt, PROMPT_SHOWN)
    return f"{prompt}\n" + say("details-without", words=without)


def _parameters(job: Job) -> dict[str, str]:
    size, before = ("×".join(map(str, one)) for one in (job.size, job.request.result_size))
    took = {say("details-device-time"): say("duration.device", seconds=job.device_seconds)}
    if job.uploaded:
        return {
            say("parameter.aspect"): say("details-size.uploaded", size=size, before=before)
        } | took
    if job.factor > 1:
        size = say("details-size.larger", size=size, before=before)
    return describe.parameters(job, size) | took


def _seeds(details: Details) -> str:
    request = details.job.request
    kept = {picture.index for picture, png in details.pictures if png is not None}
    refused = {
        picture.index for picture, _ in details.pictures if picture.verdict is Verdict.REFUSED
    }

    def note(index: int) -> str:
        if index in refused:
            return f" ({say('details-held-back')})"
        return "" if index in kept else f" ({say('details-no-file')})"

    return "\n".join(
        f"{index + 1}: `{request.seed + index}`{note(index)}" for index in range(request.num_images)
    )


def _parent(job: Job, parent: Job) -> str:
    way = _way_to(parent)
    if job.parent_index is None:
        return way
    return say("details-parent.picture", way=way, number=str(job.parent_index + 1))


def _children(children: Sequence[Job]) -> str:
    ways = [_way_to(child) for child in children[:CHILDREN]]
    return "\n".join([*ways, "…"] if len(children) > CHILDREN else ways)


def _way_to(job: Job) -> str:
    name, where = render.named(job), render.jump_url(job)
    if job.deleted_at is not None:
        return f"{name} ({say('entry-deleted')})"
    return name if where is None else f"[{name}]({where})"
