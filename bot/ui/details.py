"""Everything about a job on one card; nothing here talks to Discord."""

from collections.abc import Sequence

import discord

from bot.services.gallery import CHILDREN, Details
from bot.store.records import Job, Verdict
from bot.texts import say
from bot.ui import render

# An embed holds 6,000 characters, its description 4,096 of them and each field 1,024.
PROMPT_SHOWN = 1900
CUT_SHOWN = 400
STYLED_SHOWN = 400


def card(details: Details) -> discord.Embed:
    """Return every parameter of a job, its seeds, and the ways to its parent and children."""
    job = details.job
    embed = discord.Embed(
        title=f"#{job.id} {job.kind}"
        + (f" {render.PRIVATE}" if job.origin.private else "")
        + (" ⭐" if details.favourite else ""),
        description=_prompts(job),
        url=render.jump_url(job),
        timestamp=job.origin.asked_at,
    )
    embed.add_field(name="Asked by", value=f"<@{job.origin.person_id}>")
    for name, value in _parameters(job).items():
        embed.add_field(name=name, value=discord.utils.escape_markdown(value))
    if job.style is not None:
        drawn = render.shorten(discord.utils.escape_markdown(job.request.prompt), STYLED_SHOWN)
        embed.add_field(name=say("details-styled"), value=drawn, inline=False)
    if not job.uploaded:
        embed.add_field(name="Seeds", value=_seeds(details), inline=False)
    if details.parent is not None:
        embed.add_field(name="Made from", value=_parent(job, details.parent), inline=False)
    if details.children:
        embed.add_field(name="Made from it", value=_children(details.children), inline=False)
    if job.cut:
        cut = render.shorten(discord.utils.escape_markdown(job.cut), CUT_SHOWN)
        embed.add_field(name="Too long, left out", value=cut, inline=False)
    return embed


def _prompts(job: Job) -> str:
    words = render.subject(job) if job.uploaded else job.words.prompt
    prompt = render.shorten(discord.utils.escape_markdown(words), PROMPT_SHOWN)
    if not job.words.negative_prompt:
        return prompt
    without = discord.utils.escape_markdown(job.words.negative_prompt)
    return f"{prompt}\n**Without** {render.shorten(without, PROMPT_SHOWN)}"


def _parameters(job: Job) -> dict[str, str]:
    request = job.request
    size = "×".join(map(str, job.size))
    if job.uploaded:
        parameters = {"Size": f"{size} (from {request.width}×{request.height})"}
        return parameters | {"Device time": f"{job.device_seconds:.1f} s"}
    parameters = {
        "Checkpoint": request.checkpoint,
        "Size": size if job.factor == 1 else f"{size} (drawn {request.width}×{request.height})",
        "Steps": str(request.num_inference_steps),
        "Sampler": str(request.sampler),
        "Guidance": f"{request.guidance_scale:g}",
    }
    if job.style is not None:
        parameters[say("details-style")] = job.style
    if request.strength is not None:
        parameters["Strength"] = f"{request.strength:g}"
    return parameters | {"Device time": f"{job.device_seconds:.1f} s"}


def _seeds(details: Details) -> str:
    request = details.job.request
    kept = {picture.index for picture, png in details.pictures if png is not None}
    refused = {
        picture.index for picture, _ in details.pictures if picture.verdict is Verdict.REFUSED
    }

    def note(index: int) -> str:
        if index in refused:
            return " (" + say("details-held-back") + ")"
        return "" if index in kept else " (no file kept)"

    return "\n".join(
        f"{index + 1}: `{request.seed + index}`{note(index)}" for index in range(request.num_images)
    )


def _parent(job: Job, parent: Job) -> str:
    of = "" if job.parent_index is None else f", picture {job.parent_index + 1}"
    return _way_to(parent) + of


def _children(children: Sequence[Job]) -> str:
    ways = [_way_to(child) for child in children[:CHILDREN]]
    return "\n".join([*ways, "…"] if len(children) > CHILDREN else ways)


def _way_to(job: Job) -> str:
    name, where = f"#{job.id} {job.kind}", render.jump_url(job)
    if job.deleted_at is not None:
        return f"{name} (deleted)"
    return name if where is None else f"[{name}]({where})"
