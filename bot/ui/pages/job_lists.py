"""Lists of jobs as text: the queue, and jobs to be confirmed; nothing here talks to Discord."""

from collections.abc import Collection, Sequence

from bot.core.jobs.job_queue import Turn
from bot.db.records import Job
from bot.texts import say
from bot.texts.inert import inert
from bot.ui.delivery import job_message as render

QUESTION_PROMPT = 100
QUEUE_SHOWN = 8
QUEUE_PROMPT = 40


def shown(turns: Sequence[Turn]) -> list[Turn]:
    """Return the queued jobs that everybody may see."""
    return [turn for turn in turns if turn.place <= QUEUE_SHOWN]


def queue(turns: Sequence[Turn], person_id: int, named: Collection[int]) -> str:
    """Return the queue as one person sees it: own jobs marked, others' prompts hidden.

    Authors of other jobs are shown for those in ``named``, which the person can see.
    """
    if not turns:
        return say("queue-empty")
    running = sum(turn.place == 0 for turn in turns)
    counts = {"running": running, "waiting": len(turns) - running}
    lines = [say("queue-counts", **counts)]
    if (whole := turns[-1].seconds) is not None:
        lines = [say("queue-counts.timed", **counts, time=render.duration(whole))]
    first = shown(turns)
    mine = [turn for turn in turns if turn.job.origin.person_id == person_id]
    for turn in first + [turn for turn in mine if turn not in first]:
        seen = turn.job.id in named
        who = _yours(turn.job) if turn in mine else _somebody(turn.job, seen=seen)
        place = f"⏳ {render.ordinal(turn.place)}" if turn.place else f"🎞️ {say('queue-running')}"
        left = turn.seconds
        about = [] if left is None else [say("queue-about", time=render.duration(left))]
        lines.append(" · ".join([place, who, *about]))
    if (rest := len(turns) - len(lines) + 1) > 0:
        lines.append("-# " + say("queue-more", more=rest))
    return "\n".join(lines)


def _yours(job: Job) -> str:
    prompt = inert(render.subject(job), QUEUE_PROMPT)
    return f"{say('queue-yours', prompt=prompt)} {render.jump_url(job) or ''}".rstrip()


def _somebody(job: Job, *, seen: bool) -> str:
    if job.origin.private:
        return say("queue-somebody")
    return f"<@{job.origin.person_id}>" if seen else say("queue-elsewhere")


def question(prompts: Sequence[str]) -> str:
    """Return the question that confirms one job for each of these prompts."""
    lines = [say("question", jobs=len(prompts))]
    lines += [f"- {inert(prompt, QUESTION_PROMPT)}" for prompt in prompts]
    return "\n".join(lines)
