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
        text += " " + say("job-variation", number=str(job.parent_index + 1))
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
        say("settings-steps", steps=request.num_inference_steps),
        str(request.sampler),
        say("settings-guidance", guidance=f"{request.guidance_scale:g}"),
        say("settings-seed", seed=str(request.seed)),
    ]
    if request.strength is not None:
        parts.append(say("settings-strength", strength=f"{request.strength:g}"))
    return "-# " + " · ".join(discord.utils.escape_markdown(part) for part in parts)


def waiting(job: Job, place: int) -> str:
    """Return the text of a job that waits; place 0 starts at once."""
    state = say("job-starting") if place == 0 else say("job-queued", number=place)
    return f"{title(job)}\n⏳ {state}"


def loading(job: Job, checkpoint: str) -> str:
    """Return the text of a job whose checkpoint is being loaded."""
    state = say("job-loading", checkpoint=discord.utils.escape_markdown(checkpoint))
    return f"{title(job)}\n⏳ {state}"


def progress(job: Job, snapshot: Snapshot) -> str:
    """Return the text of a running job: a bar, the step, and the time left."""
    filled = round(BAR_CELLS * snapshot.step / snapshot.of)
    bar = "▰" * filled + "▱" * (BAR_CELLS - filled)
    left = duration(snapshot.seconds_left)
    state = say("job-progress", step=snapshot.step, steps=snapshot.of, left=left)
    return f"{title(job)}\n`{bar}` {state}"


def done(job: Job) -> str:
    """Return the text above finished pictures."""
    lines = [title(job), settings(job)]
    if job.words.negative_prompt:
        without = shorten(" ".join(job.words.negative_prompt.split()), SHOWN_ALSO)
        lines.insert(1, "-# " + say("job-without", words=discord.utils.escape_markdown(without)))
    if job.cut:
        cut = shorten(" ".join(job.cut.split()), SHOWN_ALSO)
        lines.append("-# " + say("job-cut", words=discord.utils.escape_markdown(cut)))
    return "\n".join(lines)


def shrunk() -> str:
    """Return the line below pictures that Discord would not have taken as they are."""
    return "\n-# " + say("job-shrunk")


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
    return f"{title(job)}\n{say('job-delete', pictures=job.request.num_images)}"


def alt_text(job: Job, picture: StoredPicture, count: int) -> str:
    """Describe a picture to whoever cannot see it."""
    number = str(picture.index + 1)
    place = " " + say("picture-place", number=number, count=str(count)) if count > 1 else ""
    return shorten(subject(job), ALT_TEXT_LENGTH - len(place)) + place


def file_name(job: Job, picture: StoredPicture) -> str:
    """Name the file so that it is found again: job, place, seed."""
    return f"darkroom-{job.id}-{picture.index + 1}-{picture.seed}.png"


def history_entry(job: Job, thumbnail: str | None) -> discord.Embed:
    """Return one job as a moderator reads it; ``thumbnail`` names an attached file."""
    prompt = shorten(subject(job), EMBED_PROMPT)
    embed = discord.Embed(
        title=f"{MARKS[job.status]} {named(job)} · {say(f'status.{job.status}')}"
        + (f" {PRIVATE}" if job.origin.private else "")
        + (f" · {say('entry-deleted')}" if job.deleted_at else ""),
        description=discord.utils.escape_markdown(prompt),
        url=jump_url(job),
        timestamp=job.origin.asked_at,
    )
    asked = say(
        "entry-where",
        when=discord.utils.format_dt(job.origin.asked_at, "R"),
        channel=f"<#{job.origin.channel_id}>",
    )
    if (where := jump_url(job)) is not None:
        asked += f" · [{say('entry-jump')}]({where})"
    embed.add_field(name=say("entry-asked"), value=asked)
    if job.error:
        why = discord.utils.escape_markdown(reason(job.error))
        embed.add_field(name=say("entry-why"), value=shorten(why, 200))
    if thumbnail is not None:
        embed.set_thumbnail(url=f"attachment://{thumbnail}")
    return embed


def named(job: Job) -> str:
    """Return a job's number and what it is."""
    return f"#{job.id} {say(f'kind.{job.kind}')}"


def reason(error: str) -> str:
    """Return why a job ended, as its row has it."""
    return say("entry-by-moderator") if error == BY_MODERATOR else error


def question(prompts: Sequence[str]) -> str:
    """Return the question whether somebody wants a job for each of these prompts."""
    lines = [say("question", jobs=len(prompts))]
    for prompt in prompts:
        short = shorten(" ".join(prompt.split()), QUESTION_PROMPT)
        lines.append(f"- {discord.utils.escape_markdown(short)}")
    return "\n".join(lines)


def queue(turns: Sequence[Turn], person_id: int, guild_id: int | None) -> str:
    """Return the line of jobs as one person sees it, its own marked, none of others' prompts."""
    if not turns:
        return say("queue-empty")
    running = sum(turn.place == 0 for turn in turns)
    counts = {"running": running, "waiting": len(turns) - running}
    lines = [say("queue-counts", **counts)]
    if (whole := turns[-1].seconds) is not None:
        lines = [say("queue-counts.timed", **counts, time=duration(whole))]
    shown = [turn for turn in turns if turn.place <= QUEUE_SHOWN]
    mine = [turn for turn in turns if turn.job.origin.person_id == person_id]
    for turn in shown + [turn for turn in mine if turn not in shown]:
        job = turn.job
        mark = f"🎞️ {say('queue-running')}" if turn.place == 0 else f"⏳ {ordinal(turn.place)}"
        here = job.origin.guild_id == guild_id and guild_id is not None
        who = f"<@{job.origin.person_id}>" if here else say("queue-elsewhere")
        if job.origin.private:
            who = say("queue-somebody")
        if turn in mine:
            prompt = discord.utils.escape_markdown(shorten(subject(job), QUEUE_PROMPT))
            who = f"{say('queue-yours', prompt=prompt)} {jump_url(job) or ''}".rstrip()
        line = f"{mark} · {who}"
        if turn.seconds is not None:
            line += f" · {say('queue-about', time=duration(turn.seconds))}"
        lines.append(line)
    if (rest := len(turns) - len(lines) + 1) > 0:
        lines.append("-# " + say("queue-more", more=rest))
    return "\n".join(lines)


def parameters(found: Parameters, left_out: Sequence[str]) -> discord.Embed:
    """Return what a picture's file says; ``left_out`` is what another one like it would lack."""
    prompt = _quote(found.prompt, FILE_PROMPT) or say("file-no-prompt")
    embed = discord.Embed(description=prompt)
    if found.negative_prompt:
        without = _quote(found.negative_prompt, FIELD)
        embed.add_field(name=say("parameter.without"), value=without, inline=False)
    size = f"{found.width}×{found.height}" if found.width and found.height else None
    for name, value in (
        (say("parameter.model"), found.model),
        (say("parameter.model-hash"), found.model_hash),
        (say("parameter.sampler"), found.sampler),
        (say("parameter.steps"), found.steps),
        (say("parameter.guidance"), found.guidance_scale),
        (say("parameter.seed"), found.seed),
        (say("parameter.size"), size),
        (say("parameter.strength"), found.strength),
    ):
        if value is not None:
            shown = f"{value:g}" if isinstance(value, float) else str(value)
            embed.add_field(name=name, value=_quote(shown, FIELD))
    if found.other:
        others = ", ".join(f"{name} {value}" for name, value in found.other.items())
        embed.add_field(name=say("file-also"), value=_quote(others, FIELD), inline=False)
    if left_out:
        missing = _quote(", ".join(left_out), FIELD)
        embed.add_field(name=say("file-left-out"), value=missing, inline=False)
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
    return say("ordinal", number=number)


def duration(seconds: float) -> str:
    """Return whole seconds, or minutes and seconds."""
    minutes, whole = divmod(max(1, round(seconds)), 60)
    if minutes == 0:
        return say("duration", seconds=whole)
    return say("duration.minutes", minutes=minutes, seconds=whole)


def shorten(text: str, length: int) -> str:
    """Return at most ``length`` characters, the last an ellipsis where text was cut."""
    return text if len(text) <= length else text[: length - 1] + "…"
