"""What is counted as it happens. No label holds anything about a person, or that people write."""

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import aiohttp
import discord
from discord import app_commands
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client import disable_created_metrics as without_creation_times

from bot.core.errors import JobError
from bot.core.jobs.presenter import DeliveryFailed
from bot.core.jobs.watch import Watch
from bot.db.errors import StoreError
from bot.db.records import OPEN, Job, Kind, Status
from bot.options.errors import PromptError
from bot.ui.delivery.clock import DiscordClock
from bot.ui.errors import WEATHER
from bot.ui.interaction import Interaction
from bot.ui.trouble import RATE_LIMITED
from generation.errors import GenerationError

if TYPE_CHECKING:
    from bot.app import App

# Discord gives an application three seconds.
ACKNOWLEDGED_S = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 5)
REQUEST_S = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
JOB_S = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)
MOST_UNANSWERED = 1000
UNFORESEEN = "Unforeseen"
SWITCHING = "101"

KINDS = {
    discord.InteractionType.application_command: "command",
    discord.InteractionType.component: "component",
    discord.InteractionType.autocomplete: "autocomplete",
    discord.InteractionType.modal_submit: "form",
}
SCOPES = ("user", "global", "shared")
SHARD_EVENTS = ("connect", "ready", "resumed", "disconnect")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
OURS = (
    JobError,
    GenerationError,
    StoreError,
    PromptError,
    DeliveryFailed,
    app_commands.AppCommandError,
)

_ANSWER = re.compile(r"/interactions/(\d+)/[^/]+/callback$")


class Metrics(Watch):
    """The counters, which outlive a bot that is built anew; `watch` joins one to them."""

    def __init__(self) -> None:
        without_creation_times()  # type: ignore[no-untyped-call]
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.interactions = Counter(
            "darkroom_interactions", "Commands, clicks and forms heard", ["kind"], registry=registry
        )
        self.acknowledged = Histogram(
            "darkroom_acknowledgement_seconds",
            "From an interaction's creation at Discord until its first answer was accepted there",
            ["kind"],
            buckets=ACKNOWLEDGED_S,
            registry=registry,
        )
        self.waits = Histogram(
            "darkroom_job_wait_seconds",
            "From a job's place in the queue to its turn",
            buckets=JOB_S,
            registry=registry,
        )
        self.jobs = Histogram(
            "darkroom_job_seconds",
            "From a job's place in the queue to its end",
            ["kind"],
            buckets=JOB_S,
            registry=registry,
        )
        self.ended = Counter(
            "darkroom_jobs_ended", "Jobs that ended, by how", ["kind", "status"], registry=registry
        )
        self.device_seconds = Counter(
            "darkroom_job_device_seconds", "Device time of ended jobs", ["kind"], registry=registry
        )
        self.pictures = Counter(
            "darkroom_pictures", "Pictures of finished jobs", ["kind"], registry=registry
        )
        self.errors = Counter(
            "darkroom_errors",
            "Why jobs failed, and why commands, clicks and forms were refused",
            ["where", "code"],
            registry=registry,
        )
        self.requests = Histogram(
            "darkroom_discord_request_seconds",
            "Requests to Discord, with the waits that it imposes",
            ["method", "status"],
            buckets=REQUEST_S,
            registry=registry,
        )
        self.limited = Counter(
            "darkroom_discord_rate_limited",
            "Requests that Discord refused for coming too fast (429)",
            ["scope"],
            registry=registry,
        )
        self.exhausted = Counter(
            "darkroom_discord_buckets_exhausted",
            "Requests after which the next one of their rate limit has to wait",
            registry=registry,
        )
        self.shard_events = Counter(
            "darkroom_shard_events",
            "What happened to a shard's connection",
            ["shard", "event"],
            registry=registry,
        )
        # What is there from the start is seen to grow when it happens for the first time.
        for kind in KINDS.values():
            self.interactions.labels(kind)
            self.acknowledged.labels(kind)
        for job in Kind:
            self.pictures.labels(job)
            for status in (Status.DONE, Status.FAILED, Status.CANCELLED):
                self.ended.labels(job, status)
        for where in ("job", "interaction"):
            self.errors.labels(where, UNFORESEEN)
        for scope in (*SCOPES, "cloudflare"):
            self.limited.labels(scope)
        self._heard: OrderedDict[int, str] = OrderedDict()  # unanswered interactions, their kinds
        self._clock = DiscordClock()

    def watch(self, app: "App") -> None:
        """Hear of a bot's jobs, interactions and shards."""
        app.job_store.on_move(self._moved)
        app.client.add_listener(self._interaction, "on_interaction")
        for event in SHARD_EVENTS:
            app.client.add_listener(self._shard_listener(event), f"on_shard_{event}")

    def job_failed(self, error: BaseException) -> None:
        """Count why a job has no pictures."""
        self.errors.labels("job", code_of(error)).inc()

    def refused(self, error: BaseException) -> None:
        """Count why something else was refused."""
        self.errors.labels("interaction", code_of(error)).inc()

    def listen(self, trace: aiohttp.TraceConfig, clock: DiscordClock) -> aiohttp.TraceConfig:
        """Hear of every request to Discord; ``clock`` tells how old an interaction is."""
        self._clock = clock
        trace.on_request_start.append(self._request_begun)
        trace.on_request_end.append(self._request_ended)
        trace.on_request_exception.append(self._request_failed)
        return trace

    def _moved(self, job: Job) -> None:
        """Hear of a job that has reached its status."""
        queued, kind = job.queued_at, job.kind
        if job.status is Status.RUNNING and queued is not None and job.started_at is not None:
            self.waits.observe(max(0.0, (job.started_at - queued).total_seconds()))
        if job.status in OPEN or job.ended_at is None:
            return
        self.ended.labels(kind, job.status).inc()
        if queued is not None:  # and Discord took its first answer
            self.jobs.labels(kind).observe(max(0.0, (job.ended_at - queued).total_seconds()))
        self.device_seconds.labels(kind).inc(job.device_seconds)
        if job.status is Status.DONE:
            self.pictures.labels(kind).inc(job.request.num_images)

    async def _interaction(self, interaction: Interaction) -> None:
        kind = KINDS.get(interaction.type)
        if kind is None:
            return
        self.interactions.labels(kind).inc()
        self._heard[interaction.id] = kind
        if len(self._heard) > MOST_UNANSWERED:
            self._heard.popitem(last=False)

    def _shard_listener(self, event: str) -> Callable[[int], Coroutine[Any, Any, None]]:
        async def note(shard_id: int) -> None:
            for one in SHARD_EVENTS:  # all are there before they happen
                self.shard_events.labels(str(shard_id), one)
            self.shard_events.labels(str(shard_id), event).inc()

        return note

    async def _request_begun(
        self,
        _session: aiohttp.ClientSession,
        context: SimpleNamespace,
        _params: aiohttp.TraceRequestStartParams,
    ) -> None:
        context.begun = time.monotonic()

    async def _request_ended(
        self,
        _session: aiohttp.ClientSession,
        context: SimpleNamespace,
        params: aiohttp.TraceRequestEndParams,
    ) -> None:
        response = params.response
        self._observe(context, params.method, str(response.status))
        if response.headers.get("X-RateLimit-Remaining") == "0":
            self.exhausted.inc()
        if response.status == RATE_LIMITED:
            scope = response.headers.get("X-RateLimit-Scope", "cloudflare")
            self.limited.labels(scope if scope in SCOPES else "cloudflare").inc()
        answered = _ANSWER.search(params.url.path)
        if answered is not None and response.ok:
            interaction_id = int(answered[1])
            kind = self._heard.pop(interaction_id, None)
            if kind is not None:
                self.acknowledged.labels(kind).observe(self._clock.age(interaction_id))

    async def _request_failed(
        self,
        _session: aiohttp.ClientSession,
        context: SimpleNamespace,
        params: aiohttp.TraceRequestExceptionParams,
    ) -> None:
        self._observe(context, params.method, "none")

    def _observe(self, context: SimpleNamespace, method: str, status: str) -> None:
        if method in METHODS and status != SWITCHING:  # the gateway's handshake is none
            self.requests.labels(method, status).observe(time.monotonic() - context.begun)


def code_of(error: BaseException) -> str:
    """Return a short name of what went wrong, of which there are as many as classes of ours."""
    if isinstance(error, app_commands.CommandInvokeError):
        error = error.original
    if isinstance(error, OURS):
        return type(error).__name__
    return "Discord" if isinstance(error, WEATHER) else UNFORESEEN
