"""The texts of a job's message; nothing here talks to Discord."""

from bot.core.discord_limits import ALT_TEXT_LENGTH
from bot.core.jobs.presenter import Result, Snapshot
from bot.db.records import BY_MODERATOR, Job, Kind, Status, StoredPicture
from bot.options import describe
from bot.texts import say
from bot.texts.inert import inert, inert_lines, plain

BAR_CELLS = 12
SHOWN_PROMPT = 300
SHOWN_ALSO = 200  # of a text shown beside it
SHOWN_NAME = 100  # of a checkpoint's or style's name
SHOWN_TYPED = 1100  # fits a message together with our longest line
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
    """Return the prompt as typed, or the file name of an uploaded picture."""
    return say("uploaded-picture") if job.uploaded else job.words.prompt


def title(job: Job) -> str:
    """Return who asked for what, on one line, with the person's own markup escaped."""
    text = f"**{inert(subject(job), SHOWN_PROMPT)}** — <@{job.origin.person_id}>"
    if job.kind is Kind.UPSCALE:
        text += f" (×{job.factor})"
    elif job.parent_index is not None:
        text += " " + _made_of(job.kind, str(job.parent_index + 1))
    return text


def _made_of(kind: Kind, number: str) -> str:
    """Return what a job does with a picture of another."""
    match kind:
        case Kind.INPAINT:
            return say("job-edit", number=number)
        case Kind.OUTPAINT:
            return say("job-around", number=number)
        case Kind.HIRES:
            return say("job-hires", number=number)
        case _:
            return say("job-variation", number=number)


def settings(job: Job) -> str:
    """Return the settings line: checkpoint, size, steps, sampler, guidance, seed."""
    if job.uploaded:
        return "-# " + "×".join(map(str, job.size))
    return "-# " + " · ".join(describe.line(job))


def waiting(job: Job, place: int) -> str:
    """Return the text of a waiting job; position 0 starts at once."""
    state = say("job-starting") if place == 0 else say("job-queued", number=place)
    return f"{title(job)}\n⏳ {state}"


def loading(job: Job, checkpoint: str, share: float = 0.0) -> str:
    """Return the text of a job whose checkpoint is loading, ``share`` of it so far."""
    percent = round(100 * share)
    state = say("job-loading", checkpoint=inert(checkpoint, SHOWN_NAME), percent=percent)
    return f"{title(job)}\n⏳ {state}"


def stalled(job: Job, drawn: int) -> str:
    """Return the text of a job, with this many pictures generated, that waits for the disk."""
    return f"{title(job)}\n⏳ {say('job-stalled', drawn=drawn)}"


def progress(job: Job, snapshot: Snapshot) -> str:
    """Return the text of a running job: a progress bar, the step, and the time left."""
    filled = round(BAR_CELLS * snapshot.step / snapshot.of)
    bar = "▰" * filled + "▱" * (BAR_CELLS - filled)
    left = duration(snapshot.seconds_left)
    state = say("job-progress", step=snapshot.step, steps=snapshot.of, left=left)
    return f"{title(job)}\n`{bar}` {state}"


def done(job: Job) -> str:
    """Return the text above finished pictures."""
    lines = [title(job), settings(job)]
    if job.words.negative_prompt:
        without = inert(job.words.negative_prompt, SHOWN_ALSO)
        lines.insert(1, "-# " + say("job-without", words=without))
    if job.left_out:
        lines.append("-# " + say("job-left-out", words=inert(job.left_out, SHOWN_ALSO)))
    if job.cut:
        lines.append("-# " + say("job-cut", words=inert(job.cut, SHOWN_ALSO)))
    return "\n".join(lines)


def shrunk() -> str:
    """Return the line below pictures that were shrunk to fit Discord's limit."""
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
    """Return the address of the parent's message if everybody who sees the job can see that too.

    For another channel that is unknown.
    """
    home, theirs = job.origin, parent.origin
    same_people = home.guild_id is not None or home.person_id == theirs.person_id
    same_place = (home.guild_id, home.channel_id) == (theirs.guild_id, theirs.channel_id)
    if theirs.private or not same_people or not same_place:
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
    """Return what a person typed, shown below the line that says what is wrong with it."""
    return "\n>>> " + inert_lines(prompt, SHOWN_TYPED)


def deletion(job: Job) -> str:
    """Return the confirmation question before a job is deleted."""
    return f"{title(job)}\n{say('job-delete', pictures=job.request.num_images)}"


def alt_text(job: Job, picture: StoredPicture, count: int) -> str:
    """Return a picture's alt text; Discord renders no markup there."""
    number = str(picture.index + 1)
    place = " " + say("picture-place", number=number, count=str(count)) if count > 1 else ""
    return plain(subject(job), ALT_TEXT_LENGTH - len(place)) + place


def file_name(job: Job, picture: StoredPicture) -> str:
    """Return a file name that identifies the picture: job, index, seed."""
    return f"darkroom-{job.id}-{picture.index + 1}-{picture.seed}.png"


def named(job: Job) -> str:
    """Return a job's number and kind."""
    return f"#{job.id} {say(f'kind.{job.kind}')}"


def reason(error: str) -> str:
    """Return the reason why a job ended, as stored in its row."""
    return say("entry-by-moderator") if error == BY_MODERATOR else error


def jump_url(job: Job) -> str | None:
    """Return the address of the job's message, or None if it has none (any more).

    An ephemeral reply has none: it disappears when its person restarts Discord.
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
