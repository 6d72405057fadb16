"""A job as text; nothing here talks to Discord."""

from collections.abc import Sequence

import discord

from bot.services.jobs import Turn
from bot.services.runner import Result, Snapshot
from bot.store.records import BY_MODERATOR, Job, Kind, Status, StoredPicture
from bot.texts import say
from generation.infotext import Parameters

BAR_CELLS = 12
SHOWN_PROMPT = 300
SHOWN_ALSO = 200  # of what stands beside it
SHOWN_TYPED = 1100  # with the longest of our lines it fits a message
ALT_TEXT_LENGTH = 1024
EMBED_PROMPT = 250
FILE_PROMPT = 1000  # of what a file says; escaped it may be twice as long
FIELD = 400
QUESTION_PROMPT = 100
QUEUE_SHOWN = 8
QUEUE_PROMPT = 40
SHRUNK = "\n-# Made smaller to fit Discord's upload limit; the originals are kept."
MARKS = {
    Status.RECORDED: "⏳",
    Status.QUEUED: "⏳",
    Status.RUNNING: "🎞️",
    Status.DONE: "✅",
    Status.FAILED: "⚠️",
    Status.CANCELLED: "✖️",
}
PRIVATE = "🔒"


def subject(job: Job) -> str:
    """Return what a person typed, on one line, or what a picture that they uploaded is called."""
    return say("uploaded-picture") if job.uploaded else " ".join(job.words.prompt.split())


def title(job: Job) -> str:
    """Return who asked for what, on one line; nothing in it is markup of the person's making."""
    prompt = shorten(subject(job), SHOWN_PROMPT)
    text = f"**{discord.utils.escape_markdown(prompt)}** — <@{job.origin.person_id}>"
    if job.kind is Kind.UPSCALE:
        text += f" (×{job.factor})"
    elif job.parent_index is not None:
        text += f" (variation of {job.parent_index + 1})"
    return text


def settings(job: Job) -> str:
    """Return the settings line: checkpoint, size, steps, sampler, guidance, seed."""
    request = job.request
    if job.uploaded:
        return "-# " + "×".join(map(str, job.size))
    parts = [
        request.checkpoint,
        *([] if job.style is None else [say("settings-style", style=job.style)]),
        "×".join(map(str, job.size)),
        f"{request.num_inference_steps} steps",
        str(request.sampler),
        f"guidance {request.guidance_scale:g}",
        f"seed {request.seed}",
    ]
    if request.strength is not None:
        parts.append(f"strength {request.strength:g}")
    return "-# " + " · ".join(discord.utils.escape_markdown(part) for part in parts)


def waiting(job: Job, place: int) -> str:
    """Return the text of a job that waits; place 0 starts at once."""
    state = "Starting…" if place == 0 else f"Queued, {ordinal(place)}"
    return f"{title(job)}\n⏳ {state}"


def loading(job: Job, checkpoint: str) -> str:
    """Return the text of a job whose checkpoint is being loaded."""
    return f"{title(job)}\n⏳ Loading {discord.utils.escape_markdown(checkpoint)}…"


def progress(job: Job, snapshot: Snapshot) -> str:
    """Return the text of a running job: a bar, the step, and the time left."""
    filled = round(BAR_CELLS * snapshot.step / snapshot.of)
    bar = "▰" * filled + "▱" * (BAR_CELLS - filled)
    state = f"step {snapshot.step} of {snapshot.of} · {duration(snapshot.seconds_left)} left"
    return f"{title(job)}\n`{bar}` {state}"


def done(job: Job) -> str:
    """Return the text above finished pictures."""
    lines = [title(job), settings(job)]
    if job.words.negative_prompt:
        without = shorten(" ".join(job.words.negative_prompt.split()), SHOWN_ALSO)
        lines.insert(1, f"-# without: {discord.utils.escape_markdown(without)}")
    if job.cut:
        cut = shorten(" ".join(job.cut.split()), SHOWN_ALSO)
        lines.append(f"-# too long, left out: {discord.utils.escape_markdown(cut)}")
    return "\n".join(lines)


def posted(result: Result) -> str:
    """Return the text of the message that carries finished pictures."""
    lines = [done(result.job)]
    if result.held_back:
        place = "here" if result.job.origin.guild_id is None else "server"
        lines.append("-# " + say("job-held-back", count=len(result.held_back), place=place))
    if result.parent is not None and (where := way_back(result.job, result.parent)) is not None:
        lines.append("-# " + say("job-from", where=where))
    return "\n".join(lines)


def way_back(job: Job, parent: Job) -> str | None:
    """Return the address of a parent's message where those who see the job can see it, too."""
    home, theirs = job.origin, parent.origin
    same_people = home.guild_id is not None or home.person_id == theirs.person_id
    if home.guild_id != theirs.guild_id or theirs.private or not same_people:
        return None
    return jump_url(parent)


def failed(job: Job, line: str) -> str:
    """Return the text of a job that ended without pictures."""
    return f"{title(job)}\n⚠️ {line}"


def cancelled(job: Job) -> str:
    """Return the text of a cancelled job."""
    moderated = job.error == BY_MODERATOR
    state = say("job-cancelled-by-moderator") if moderated else say("job-cancelled")
    return f"{title(job)}\n✖️ {state}"


def typed(prompt: str) -> str:
    """Return what a person typed, to stand below the line that says what is wrong with it."""
    return "\n>>> " + shorten(discord.utils.escape_markdown(prompt), SHOWN_TYPED)


def deletion(job: Job) -> str:
    """Return the question before a job is deleted."""
    what = "these pictures" if job.request.num_images > 1 else "this picture"
    return f"{title(job)}\nDelete {what}? The message and the files go, for good."


def alt_text(job: Job, picture: StoredPicture, count: int) -> str:
    """Describe a picture to whoever cannot see it."""
    place = f" (picture {picture.index + 1} of {count})" if count > 1 else ""
    return shorten(subject(job), ALT_TEXT_LENGTH - len(place)) + place


def file_name(job: Job, picture: StoredPicture) -> str:
    """Name the file so that it is found again: job, place, seed."""
    return f"darkroom-{job.id}-{picture.index + 1}-{picture.seed}.png"


def history_entry(job: Job, thumbnail: str | None) -> discord.Embed:
    """Return one job as a moderator reads it; ``thumbnail`` names an attached file."""
    prompt = shorten(subject(job), EMBED_PROMPT)
    embed = discord.Embed(
        title=f"{MARKS[job.status]} #{job.id} {job.kind} · {job.status}"
        + (f" {PRIVATE}" if job.origin.private else "")
        + (" · deleted" if job.deleted_at else ""),
        description=discord.utils.escape_markdown(prompt),
        url=jump_url(job),
        timestamp=job.origin.asked_at,
    )
    asked = discord.utils.format_dt(job.origin.asked_at, "R")
    where = jump_url(job)
    embed.add_field(
        name="Asked",
        value=f"{asked} in <#{job.origin.channel_id}>" + (f" · [jump]({where})" if where else ""),
    )
    if job.error:
        embed.add_field(name="Why", value=shorten(discord.utils.escape_markdown(job.error), 200))
    if thumbnail is not None:
        embed.set_thumbnail(url=f"attachment://{thumbnail}")
    return embed


def question(prompts: Sequence[str]) -> str:
    """Return the question whether somebody wants a job for each of these prompts."""
    lines = [f"That makes **{len(prompts)} jobs**:"]
    for prompt in prompts:
        short = shorten(" ".join(prompt.split()), QUESTION_PROMPT)
        lines.append(f"- {discord.utils.escape_markdown(short)}")
    return "\n".join(lines)


def queue(turns: Sequence[Turn], person_id: int, guild_id: int | None) -> str:
    """Return the line of jobs as one person sees it, its own marked, none of others' prompts."""
    if not turns:
        return "Nobody waits. Your turn!"
    running = sum(turn.place == 0 for turn in turns)
    lines = [f"**{running} running, {len(turns) - running} waiting**"]
    if (whole := turns[-1].seconds) is not None:
        lines[0] += f", all done in about {duration(whole)}"
    shown = [turn for turn in turns if turn.place <= QUEUE_SHOWN]
    mine = [turn for turn in turns if turn.job.origin.person_id == person_id]
    for turn in shown + [turn for turn in mine if turn not in shown]:
        job = turn.job
        mark = "🎞️ running" if turn.place == 0 else f"⏳ {ordinal(turn.place)}"
        here = job.origin.guild_id == guild_id and guild_id is not None
        who = f"<@{job.origin.person_id}>" if here else "somebody elsewhere"
        if job.origin.private:
            who = say("queue-somebody")
        if turn in mine:
            prompt = shorten(subject(job), QUEUE_PROMPT)
            who = f"you: {discord.utils.escape_markdown(prompt)} {jump_url(job) or ''}".rstrip()
        left = "" if turn.seconds is None else f" · about {duration(turn.seconds)}"
        lines.append(f"{mark} · {who}{left}")
    if (rest := len(turns) - len(lines) + 1) > 0:
        lines.append(f"-# and {rest} more")
    return "\n".join(lines)


def parameters(found: Parameters, left_out: Sequence[str]) -> discord.Embed:
    """Return what a picture's file says; ``left_out`` is what another one like it would lack."""
    embed = discord.Embed(description=_quote(found.prompt, FILE_PROMPT) or "*no prompt*")
    if found.negative_prompt:
        embed.add_field(name="Without", value=_quote(found.negative_prompt, FIELD), inline=False)
    size = f"{found.width}×{found.height}" if found.width and found.height else None
    for name, value in (
        ("Model", found.model),
        ("Model hash", found.model_hash),
        ("Sampler", found.sampler),
        ("Steps", found.steps),
        ("Guidance", found.guidance_scale),
        ("Seed", found.seed),
        ("Size", size),
        ("Strength", found.strength),
    ):
        if value is not None:
            shown = f"{value:g}" if isinstance(value, float) else str(value)
            embed.add_field(name=name, value=_quote(shown, FIELD))
    if found.other:
        others = ", ".join(f"{name} {value}" for name, value in found.other.items())
        embed.add_field(name="Also", value=_quote(others, FIELD), inline=False)
    if left_out:
        missing = _quote(", ".join(left_out), FIELD)
        embed.add_field(name="Not to be had here", value=missing, inline=False)
    return embed


def _quote(text: str, length: int) -> str:
    """Return somebody's words as they are, with no markup of their making."""
    return shorten(discord.utils.escape_markdown(shorten(text.strip(), length)), 2 * length)


def jump_url(job: Job) -> str | None:
    """Return the address of the job's message, or None where it has none (any more).

    A private answer has none: it goes when its person's Discord is started again.
    """
    if job.message_id is None or job.deleted_at is not None:
        return None
    if job.direct_channel_id is not None:
        return f"https://discord.com/channels/@me/{job.direct_channel_id}/{job.message_id}"
    if job.origin.private:
        return None
    server = job.origin.guild_id or "@me"
    return f"https://discord.com/channels/{server}/{job.origin.channel_id}/{job.message_id}"


def ordinal(number: int) -> str:
    """Return 1st, 2nd, 3rd, 4th, 11th, 21st and so on."""
    tail = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10)
    return f"{number}{tail or 'th'}"


def duration(seconds: float) -> str:
    """Return whole seconds, or minutes and seconds."""
    whole = max(1, round(seconds))
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"


def shorten(text: str, length: int) -> str:
    """Return at most ``length`` characters, the last an ellipsis where text was cut."""
    return text if len(text) <= length else text[: length - 1] + "…"
